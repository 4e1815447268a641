namespace MetaRouter.Core.Users;

/// <summary>Packs numbers of any width into bytes, least significant bit first.</summary>
internal ref struct BitWriter(Span<byte> bytes)
{
    private readonly Span<byte> _bytes = bytes;
    private ulong _held;
    private int _heldBits;
    private int _written;

    /// <param name="value">Below 2^<paramref name="bits"/>.</param>
    /// <param name="bits">0 to 56.</param>
    public void Write(ulong value, int bits)
    {
        _held |= value << _heldBits;
        for (_heldBits += bits; _heldBits >= 8; _heldBits -= 8)
        {
            _bytes[_written++] = (byte)_held;
            _held >>= 8;
        }
    }

    /// <summary>Rice code: the part above <paramref name="low"/> bits as that many ones and a zero, then the low bits.</summary>
    public void WriteRice(ulong value, int low)
    {
        var ones = (int)(value >> low);
        while (ones > 0)
        {
            var some = Math.Min(ones, 32);
            Write((1UL << some) - 1, some);
            ones -= some;
        }

        Write(0, 1);
        Write(value & ((1UL << low) - 1), low);
    }

    /// <summary>Fills the last byte with zeros and tells how many bytes were written.</summary>
    public int Finish()
    {
        Write(0, -_heldBits & 7);
        return _written;
    }
}
