using System.Buffers.Binary;

namespace MetaRouter.Fuzz;

/// <summary>
/// SplitMix64: chance that can be started anew for every input at no cost, so that any one input of a long run can be made again from three numbers.
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
/// </summary>
internal sealed class Chance : Random
{
    private ulong _state;

    /// <param name="stream">Tells targets apart.</param>
    public void Restart(ulong seed, ulong stream, long index) => _state = Mix(Mix(seed) + stream) ^ Mix((ulong)index + 0x9E3779B97F4A7C15);

    public ulong NextBits()
    {
        _state += 0x9E3779B97F4A7C15;
        return Mix(_state);
    }

    public bool OneIn(int n) => Next(n) == 0;

    public T Of<T>(ReadOnlySpan<T> some) => some[Next(some.Length)];

    public override int Next() => (int)(NextBits() >> 33);

    public override int Next(int maxValue) => (int)(((NextBits() >> 32) * (ulong)maxValue) >> 32);

    public override int Next(int minValue, int maxValue) => minValue + (int)(((NextBits() >> 32) * (ulong)((long)maxValue - minValue)) >> 32);

    public override long NextInt64() => (long)(NextBits() >> 1);

    public override long NextInt64(long maxValue) => (long)Math.BigMul(NextBits(), (ulong)maxValue, out _);

    public override long NextInt64(long minValue, long maxValue) => minValue + NextInt64(maxValue - minValue);

    public override double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    public override float NextSingle() => (NextBits() >> 40) * (1f / (1 << 24));

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        Span<byte> last = stackalloc byte[8];
        for (; buffer.Length >= 8; buffer = buffer[8..])
        {
            BinaryPrimitives.WriteUInt64LittleEndian(buffer, NextBits());
        }

        BinaryPrimitives.WriteUInt64LittleEndian(last, NextBits());
        last[..buffer.Length].CopyTo(buffer);
    }

    protected override double Sample() => NextDouble();

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
