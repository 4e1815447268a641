using FsCheck;
using FsCheck.Fluent;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Users;

/// <summary>What the user's record is packed with.</summary>
public sealed class BitCodeTests
{
    /// <summary>Any numbers, of any widths, come back in their order; and beyond them only zeros.</summary>
    [Fact]
    public void BitReader_ReadsWhatWasWritten() => Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<(ulong Value, byte Width, bool IsRice)[]>(), numbers =>
    {
        var written = numbers.Select(n => (Value: n.IsRice ? n.Value & 0xFFFF : n.Value & ((1UL << Bits(n)) - 1), Bits: Bits(n), n.IsRice)).ToArray();
        var bytes = new byte[(written.Length * 8_300) + 16];
        var writer = new BitWriter(bytes);
        foreach (var (value, bits, isRice) in written)
        {
            if (isRice)
            {
                writer.WriteRice(value, bits);
            }
            else
            {
                writer.Write(value, bits);
            }
        }

        var length = writer.Finish();
        var reader = new BitReader(bytes.AsSpan(0, length));
        foreach (var (value, bits, isRice) in written)
        {
            if ((isRice ? reader.ReadRice(bits) : reader.Read(bits)) != value)
            {
                return false;
            }
        }

        var wasOverrun = reader.IsOverrun;
        return !wasOverrun && reader.Read(7) == 0 && reader.Read(56) == 0 && reader.IsOverrun;

        static int Bits((ulong Value, byte Width, bool IsRice) n) => n.Width % (n.IsRice ? 17 : 57);
    }));

    /// <summary>A number goes to the nearest code by ratio, and every code to itself.</summary>
    [Fact]
    public void LogScale_GivesTheNearestCode() => Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<(byte Codes, ushort Step, ushort Place)>(), given =>
    {
        var (lowest, step, codes) = (1e-6, 1.01 + (given.Step / 65_536.0), 1 + (given.Codes % 60));
        var scale = new LogScale(lowest, step, codes);
        var value = (float)(lowest / 2 * Math.Pow(step, (codes + 4) * given.Place / 65_536.0));
        var nearest = Enumerable.Range(1, codes).MinBy(c => Math.Abs(Math.Log(scale.Decode(c) / value)));
        var code = scale.Encode(value);

        // On the border of two both are as near.
        var isNearest = Math.Abs(Math.Log(scale.Decode(code) / value)) <= Math.Abs(Math.Log(scale.Decode(nearest) / value)) + 1e-5;
        return isNearest && scale.Encode(0) == 0 && scale.Decode(0) == 0 && Enumerable.Range(0, codes + 1).All(c => scale.Encode(scale.Decode(c)) == c);
    }));
}
