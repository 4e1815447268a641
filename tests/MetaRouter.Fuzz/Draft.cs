namespace MetaRouter.Fuzz;

/// <summary>An input in the making: bytes that can be cut, replaced and grown, up to a bound, with no allocation.</summary>
/// <param name="capacity">What would go beyond it is cut off.</param>
internal sealed class Draft(int capacity)
{
    private readonly byte[] _bytes = new byte[capacity];

    public int Length { get; private set; }

    public Span<byte> Bytes => _bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public void Set(ReadOnlySpan<byte> bytes)
    {
        Length = Math.Min(bytes.Length, capacity);
        bytes[..Length].CopyTo(_bytes);
    }

    public void Cut(int length) => Length = Math.Min(Length, length);

    public void Append(ReadOnlySpan<byte> bytes) => Replace(Length, 0, bytes);

    public void Replace(int at, int removed, ReadOnlySpan<byte> inserted)
    {
        inserted = inserted[..Math.Min(inserted.Length, capacity - at)];
        var tail = Math.Min(Length - at - removed, capacity - at - inserted.Length);
        _bytes.AsSpan(at + removed, tail).CopyTo(_bytes.AsSpan(at + inserted.Length));
        inserted.CopyTo(_bytes.AsSpan(at));
        Length = at + inserted.Length + tail;
    }
}
