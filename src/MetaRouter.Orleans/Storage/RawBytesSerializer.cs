using global::Orleans.Storage;

namespace MetaRouter.Orleans.Storage;

/// <summary>Writes <see cref="StoredBytes"/> as they are: no envelope that a reader of another version could fail on.</summary>
internal sealed class RawBytesSerializer : IGrainStorageSerializer
{
    public BinaryData Serialize<T>(T? input) => new(Cast(input).Value);

    public T Deserialize<T>(BinaryData input) => (T)(object)new StoredBytes { Value = input.ToArray() };

    private static StoredBytes Cast<T>(T? input) =>
        input as StoredBytes ?? throw new NotSupportedException($"This storage holds {nameof(StoredBytes)} alone, not {typeof(T).Name}; give other grains a storage provider of their own.");
}
