namespace MetaRouter.Orleans.Storage;

/// <summary>What every grain of MetaRouter stores: bytes whose format it versions itself.</summary>
[GenerateSerializer, Alias("metarouter.stored")]
internal sealed class StoredBytes
{
    [Id(0)]
    public byte[] Value { get; set; } = [];
}
