using System.Buffers.Binary;

namespace MetaRouter.Core.Users;

/// <summary>Reads what <see cref="BitWriter"/> wrote. Past the end every bit is zero and <see cref="IsOverrun"/> is set, so a loop over damaged bytes ends.</summary>
internal ref struct BitReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private ulong _held;
    private int _heldBits;
    private int _read;

    /// <summary>True once more was asked for than there was.</summary>
    public readonly bool IsOverrun => _read > _bytes.Length;

    /// <param name="bits">0 to 56.</param>
    public ulong Read(int bits)
    {
        if (_heldBits < bits && _read + sizeof(ulong) <= _bytes.Length)
        {
            // As many whole bytes as there is room for; the bits of the next one that are held beside them are the same when they are read again.
            _held |= BinaryPrimitives.ReadUInt64LittleEndian(_bytes[_read..]) << _heldBits;
            var some = (63 - _heldBits) >> 3;
            (_read, _heldBits) = (_read + some, _heldBits + (8 * some));
        }

        for (; _heldBits < bits; _heldBits += 8)
        {
            _held |= (_read < _bytes.Length ? (ulong)_bytes[_read] : 0) << _heldBits;
            _read++;
        }

        var value = _held & ((1UL << bits) - 1);
        _held >>= bits;
        _heldBits -= bits;
        return value;
    }

    /// <param name="low">0 to 45, so that the result fits 63 bits for any record of 1 KB.</param>
    public ulong ReadRice(int low)
    {
        var high = 0UL;
        while (Read(1) != 0)
        {
            high++;
        }

        return (high << low) | Read(low);
    }
}
