using MetaRouter.Core.Users;
using static MetaRouter.Core.Tests.Users.SomeSignals;

namespace MetaRouter.Core.Tests.Users;

public class UserStateCodecTests
{
    private const long TwoWeeks = 14 * Day;

    [Fact]
    public void ToBytes_OfNothing_TakesNineBytesAndComesBackEmpty()
    {
        UserState.Empty.ToBytes().Length.ShouldBe(9);
        UserState.Read(UserState.Empty.ToBytes()).ShouldBeSameAs(UserState.Empty);
    }

    [Theory]
    [InlineData(5, 60, true, 100)]
    [InlineData(64, 60, true, 1_024)]
    [InlineData(64, 3_650, false, 1_024)]
    [InlineData(64, 100_000, true, UserState.MaxBytes)]
    public void ToBytes_TakesAtMostWhatIsPromised(int signals, double days, bool withLatency, int most)
    {
        var random = new Random(4);
        for (var i = 0; i < 200; i++)
        {
            State(Spread(random, signals, days, TwoWeeks, withLatency)).ToBytes().Length.ShouldBeLessThanOrEqualTo(most);
        }

        // Every feedback two weeks late, and every gap but one tiny: the shapes that cost a Rice code most.
        var late = Spread(random, signals, days, 0, withLatency).Select(s => s with { ClientTimeMs = s.Key.DecisionTimeMs + TwoWeeks }).ToArray();
        State(late).ToBytes().Length.ShouldBeLessThanOrEqualTo(most);
        var bunched = late.Select((s, i) => s with { Key = s.Key with { DecisionTimeMs = i == 0 ? Start : Start + (long)(days * Day) + i } });
        State(bunched).ToBytes().Length.ShouldBeLessThanOrEqualTo(most);
    }

    [Fact]
    public void ToBytes_AtTheEndsOfEveryRange_ComesBack()
    {
        var random = new Random(5);
        var state = State([
            .. Spread(random, 62, 60, 60_000),
            Thumb(0, 0, saidAfterMs: long.MaxValue),
            Thumb(SignalKey.MaxDecisionTimeMs, SignalKey.MaxNonce, saidAfterMs: TwoWeeks * 10)]);

        UserState.Read(state.ToBytes()).Signals.ShouldBe(state.Signals);
        state.ToBytes().Length.ShouldBeLessThanOrEqualTo(UserState.MaxBytes);
    }

    [Fact]
    public void ToBytes_OfAKnownState_NeverChanges() =>
        Convert.ToHexString(State([Thumb(), Thumb(Start + 60_000, 0xABCDEF, value: 0)]).ToBytes()).ShouldBe(Golden);

    [Fact]
    public void Read_EveryShorterPrefix_SaysCutShort()
    {
        var bytes = State(Spread(new Random(6), 20, 60, Day)).ToBytes();
        for (var length = 0; length < bytes.Length; length++)
        {
            Refusal(bytes.AsSpan(0, length)).ShouldContain("cut short");
        }
    }

    [Fact]
    public void Read_Surplus_IsRefused() => Refusal([.. UserState.Empty.ToBytes(), 0]).ShouldContain("1 that are not part of it");

    [Fact]
    public void Read_FlippedBit_SaysChecksum()
    {
        var bytes = UserState.Empty.Add(Thumb()).ToBytes();
        bytes[10] ^= 4;
        Refusal(bytes).ShouldContain("checksum");
    }

    [Fact]
    public void Read_AnotherVersion_NamesItAndTheOneUnderstood()
    {
        var bytes = UserState.Empty.ToBytes();
        bytes[1] = 7;
        Refusal(bytes).ShouldContain("version 7");
        Refusal(bytes).ShouldContain("understands versions 1 and 2");
    }

    [Fact]
    public void ToBytes_WithoutTopics_IsOfVersion1AndWithOneOfVersion2()
    {
        var plain = State([Thumb(nonce: 1), Thumb(nonce: 2)]);
        plain.ToBytes()[1].ShouldBe((byte)1);

        var told = plain.Add(Thumb(nonce: 3) with { Topic = 63 });
        told.ToBytes()[1].ShouldBe((byte)2);
        var read = UserState.Read(told.ToBytes());
        read.Signals.Select(s => s.Topic).ShouldBe([0, 0, 63]);
        read.Signals.ShouldBe(told.Signals);
        Should.Throw<ArgumentException>(() => plain.Add(Thumb(nonce: 4) with { Topic = 64 })).Message.ShouldContain("topic is 64");
    }

    [Fact]
    public void ToBytes_FullWindowWithTopics_TakesSixBitsASignalMore()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var plain = State(Spread(random, 80, 60, 14 * Day, withLatency: false));
            var told = State(plain.Signals.Select(s => s with { Topic = (byte)random.Next(1, 64) }));
            told.Signals.Length.ShouldBe(UserState.Window);
            told.ToBytes().Length.ShouldBeInRange(plain.ToBytes().Length + 47, plain.ToBytes().Length + 48);
            told.ToBytes().Length.ShouldBeLessThanOrEqualTo(1024);
            UserState.Read(told.ToBytes()).Signals.ShouldBe(told.Signals);
        }
    }

    [Fact]
    public void Read_SomethingElse_IsNotAUserRecord() => Refusal("{\"user\":1}"u8).ShouldContain("not a user record");

    [Fact]
    public void Read_KeysOutOfOrder_IsRefused() =>
        Refusal(Record(2, bits => Two(ref bits, firstNonce: 2, secondNonce: 1))).ShouldContain("out of order");

    [Fact]
    public void Read_TheSameKeyTwice_IsRefused() =>
        Refusal(Record(2, bits => Two(ref bits, firstNonce: 1, secondNonce: 1))).ShouldContain("out of order");

    [Fact]
    public void Read_UnknownKind_IsRefused() =>
        Refusal(Record(1, bits => Only(ref bits, pack: 0xFUL << 36))).ShouldContain("kind 15");

    [Fact]
    public void Read_TooManySignals_IsRefused() => Refusal(Record(65, bits => bits.Finish())).ShouldContain("65 signals");

    [Fact]
    public void Read_AnotherSpellingOfTheSameState_IsRefused() =>
        Refusal(Record(1, bits => Only(ref bits, pack: 0, gapBits: 3))).ShouldContain("canonical");

    [Fact]
    public void TryRead_TellsTheReasonWithoutThrowing()
    {
        UserState.TryRead([1, 2, 3], out var state, out var error).ShouldBeFalse();
        state.ShouldBeNull();
        error.ShouldNotBeNull().ShouldContain("cut short");
        UserState.TryRead(UserState.Empty.ToBytes(), out state, out error).ShouldBeTrue();
        error.ShouldBeNull();
    }

    [Fact]
    public void Read_RandomBytesAndBitFlips_NeverThrowAnythingElseNorChangeBytes()
    {
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = State(Spread(random, random.Next(0, 8), 60, Day, i % 2 == 0)).ToBytes();
            if (i % 4 == 0)
            {
                random.NextBytes(bytes.AsSpan(i % 8 == 0 ? 0 : 5));
            }

            for (var flips = random.Next(3); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            }

            // With a right checksum every second time: the checks behind it must hold by themselves.
            ReadsOrRefuses(i % 3 == 0 ? bytes : Sealed(bytes));
        }
    }

    private const string Golden = "550126008200A8DA769BC153920100008080A066CC1181A993EFCDAB8080A066CC100CBF52B9";

    private delegate int Body(BitWriter bits);

    private static void ReadsOrRefuses(byte[] bytes)
    {
        try
        {
            UserState.Read(bytes).ToBytes().ShouldBe(bytes);
        }
        catch (UserStateException)
        {
        }
    }

    private static string Refusal(ReadOnlySpan<byte> bytes)
    {
        var copy = bytes.ToArray();
        return Should.Throw<UserStateException>(() => UserState.Read(copy)).Message;
    }

    /// <summary>A record with a right frame around any body.</summary>
    private static byte[] Record(int count, Body body)
    {
        var buffer = new byte[200];
        var length = body(new BitWriter(buffer.AsSpan(5)));
        return Sealed([(byte)'U', 1, (byte)(length + 9), 0, (byte)count, .. buffer.AsSpan(5, length), 0, 0, 0, 0]);
    }

    private static byte[] Sealed(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var one in bytes.AsSpan(0, bytes.Length - 4))
        {
            crc = System.Numerics.BitOperations.Crc32C(crc, one);
        }

        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), ~crc);
        return bytes;
    }

    private static int Only(ref BitWriter bits, ulong pack, int gapBits = 0)
    {
        Head(ref bits, gapBits);
        bits.WriteRice(0, 0);
        bits.Write(1, 24);
        bits.Write(pack, 40);
        return bits.Finish();
    }

    private static int Two(ref BitWriter bits, uint firstNonce, uint secondNonce)
    {
        Head(ref bits, 0);
        bits.WriteRice(0, 0);
        bits.Write(firstNonce, 24);
        bits.Write(0, 40);
        bits.WriteRice(0, 0);
        bits.WriteRice(0, 0);
        bits.Write(secondNonce, 24);
        bits.Write(0, 40);
        return bits.Finish();
    }

    private static void Head(ref BitWriter bits, int gapBits)
    {
        bits.Write((ulong)Start, 46);
        bits.Write((ulong)gapBits, 6);
        bits.Write(0, 5);
    }
}
