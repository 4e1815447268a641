using System.Buffers.Text;
using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using static MetaRouter.Core.Tests.Routing.SomeReceipts;
using Outcome = MetaRouter.Core.Routing.Outcome;

namespace MetaRouter.Core.Tests.Routing;

public sealed class ReceiptSealerTests : IDisposable
{
    private const long Minute = 60_000;
    private const long Day = 1_440 * Minute;

    private readonly ReceiptSealer _sealer = new([Key(1)]);

    public void Dispose() => _sealer.Dispose();

    [Fact]
    public void Open_OfWhatWasSealed_GivesTheSameReceipt() => Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
    {
        var receipt = Any(new Random(seed));
        return _sealer.Open(_sealer.Seal(receipt), receipt.TenantHash, receipt.UserHash, receipt.DecisionTimeMs + 1, out var opened) == new ReceiptVerdict(ReceiptStatus.Valid, "") && opened == receipt;
    }));

    /// <summary>Characters changed, cut away, put in, doubled, or two tokens spliced: never valid, and nothing is told.</summary>
    [Fact]
    public void Open_OfWhatWasTamperedWith_IsNeverValid() => Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<(int Seed, byte At, byte Length, char Put)>(), how =>
    {
        var random = new Random(how.Seed);
        var receipt = Any(random);
        var (token, other) = (_sealer.Seal(receipt), _sealer.Seal(receipt with { TenantHash = receipt.TenantHash ^ 1 }));
        var (at, length) = (how.At % token.Length, 1 + (how.Length % 8));
        var end = Math.Min(token.Length, at + length);
        string[] tampered = [token.Remove(at, end - at), token.Insert(at, how.Put.ToString()), token[..at] + how.Put + token[(at + 1)..], token[..at] + other[at..], token + token[at..end]];
        return tampered.Where(t => t != token && t != other).All(t => !_sealer.Open(t, receipt.TenantHash, receipt.UserHash, receipt.DecisionTimeMs, out var opened).IsValid && opened == default);
    }));

    [Fact]
    public void Seal_SameDecisionOnAnyNode_SameToken()
    {
        using var other = new ReceiptSealer([Key(1), Key(2)]);

        other.Seal(Some()).ShouldBe(_sealer.Seal(Some()));
    }

    [Fact]
    public void Seal_AnyOtherDecision_SharesNeitherNonceNorBody()
    {
        var token = _sealer.Seal(Some());
        var other = _sealer.Seal(Some() with { Nonce = 8 });

        other[..4].ShouldBe(token[..4]);
        other[4..20].ShouldNotBe(token[4..20]);
        Enumerable.Range(20, token.Length - 20).Count(i => other[i] == token[i]).ShouldBeLessThan(20);
    }

    [Fact]
    public void Seal_SmallestAndLargest_HaveOneLengthBelow512()
    {
        var largest = Some() with
        {
            TenantHash = ulong.MaxValue,
            UserHash = ulong.MaxValue,
            DecisionTimeMs = SignalKey.MaxDecisionTimeMs,
            Nonce = SignalKey.MaxNonce,
            SnapshotVersion = ulong.MaxValue,
            CatalogVersion = ulong.MaxValue,
            ChosenModel = uint.MaxValue,
            OfferedModel = uint.MaxValue,
            IsExplored = true,
            IsComparison = true,
            First = new Outcome(1, float.MaxValue, float.MaxValue),
            InputTokens = float.MaxValue,
            Features = new ReceiptFeatures(Enumerable.Repeat(-65504f, ReceiptFeatures.MaxCount).ToArray()),
        };

        _sealer.Seal(largest).Length.ShouldBe(ReceiptSealer.TokenLength);
        _sealer.Seal(Some() with { Features = default }).Length.ShouldBe(ReceiptSealer.TokenLength);
        ReceiptSealer.TokenLength.ShouldBeLessThan(512);
        _sealer.Seal(largest).ShouldAllBe(c => char.IsAsciiLetterOrDigit(c) || c == '-' || c == '_');
    }

    [Fact]
    public void Seal_AllocatesTheTokenAndNothingElse()
    {
        var receipt = Some();
        var token = _sealer.Seal(receipt);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            token = _sealer.Seal(receipt);
        }

        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / 100;
        each.ShouldBeLessThanOrEqualTo(24 + (2 * token.Length));
    }

    [Fact]
    public void Seal_FromManyThreads_GivesTheSameTokens()
    {
        var expected = Enumerable.Range(0, 64).Select(i => _sealer.Seal(Some() with { Nonce = (uint)i })).ToArray();

        Parallel.For(0, 20_000, i =>
        {
            var token = _sealer.Seal(Some() with { Nonce = (uint)(i % 64) });
            token.ShouldBe(expected[i % 64]);
            _sealer.Open(token, 10, 20, Now, out _).IsValid.ShouldBeTrue();
        });
    }

    [Fact]
    public void Seal_IntoBytes_IsTheSameToken()
    {
        var utf8 = new byte[ReceiptSealer.TokenLength];

        _sealer.Seal(Some(), utf8).ShouldBe(ReceiptSealer.TokenLength);
        System.Text.Encoding.ASCII.GetString(utf8).ShouldBe(_sealer.Seal(Some()));
    }

    /// <summary>Fewer features than there is room for: what the room held before must not reach the bytes.</summary>
    [Fact]
    public void Write_IntoUsedRoom_GivesTheSameBytes()
    {
        var (clean, used) = (new byte[ReceiptCodec.Bytes], Enumerable.Repeat((byte)0xFF, ReceiptCodec.Bytes).ToArray());
        ReceiptCodec.Write(Some(), clean);
        ReceiptCodec.Write(Some(), used);

        used.ShouldBe(clean);
    }

    public static TheoryData<string, Receipt> Invalid() => new()
    {
        { "decision time", Some() with { DecisionTimeMs = -1 } },
        { "nonce", Some() with { Nonce = 1 << 24 } },
        { "topic", Some() with { Topic = 64 } },
        { "chosen model", Some() with { ChosenModel = 0 } },
        { "propensity", Some() with { Propensity = 0 } },
        { "propensity", Some() with { Propensity = float.NaN } },
        { "pair propensity", Some() with { PairPropensity = 1.5f } },
        { "chosen model", Some() with { First = new Outcome(2, 0, 0) } },
        { "offered model", Some() with { Offered = new Outcome(0, float.NaN, 0) } },
        { "pool's middle", Some() with { Middle = new Outcome(0, 0, -1) } },
        { "input tokens", Some() with { InputTokens = float.PositiveInfinity } },
        { "output tokens", Some() with { OutputTokens = -1 } },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Seal_InvalidReceipt_IsRefusedByName(string named, Receipt receipt) =>
        Should.Throw<ArgumentException>(() => _sealer.Seal(receipt)).Message.ShouldContain(named);

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("chatcmpl-123")]
    [InlineData("{}{}")]
    public void Open_SomethingElse_IsMalformed(string token) => Refused(token, ReceiptStatus.Malformed, "not a receipt");

    [Fact]
    public void Open_EveryPrefix_IsMalformed()
    {
        var token = _sealer.Seal(Some());
        for (var length = 0; length < token.Length; length++)
        {
            Refused(token[..length], ReceiptStatus.Malformed, "receipt");
        }

        Refused(token + "A", ReceiptStatus.Malformed, "225 characters");
    }

    [Theory]
    [InlineData(' ')]
    [InlineData('\n')]
    [InlineData('=')]
    [InlineData('+')]
    [InlineData('é')]
    public void Open_StrangeCharacter_IsMalformed(char character)
    {
        var token = _sealer.Seal(Some());
        Refused(token[..100] + character + token[101..], ReceiptStatus.Malformed, "character outside");
        Refused(token[..^1] + character, ReceiptStatus.Malformed, "character outside");
    }

    [Fact]
    public void Open_AnotherVersion_NamesBoth()
    {
        Refused(Base64Url.EncodeToString([(byte)'R', 9, 1]) + "whatever follows", ReceiptStatus.UnknownVersion, "version 9");
        Refused(Base64Url.EncodeToString([(byte)'R', 9, 1]), ReceiptStatus.UnknownVersion, "understands version 1");
    }

    [Fact]
    public void Open_KeyRotatedAway_NamesTheKey()
    {
        using var rotated = new ReceiptSealer([Key(2)]);

        rotated.Open(_sealer.Seal(Some()), 10, 20, Now, out _).ShouldSatisfyAllConditions(
            verdict => verdict.Status.ShouldBe(ReceiptStatus.UnknownKey),
            verdict => verdict.Message.ShouldContain("key 1"));
    }

    [Fact]
    public void Open_KeyStillInTheRing_IsValidAfterRotation()
    {
        using var rotated = new ReceiptSealer([Key(2), Key(1)]);

        rotated.Open(_sealer.Seal(Some()), 10, 20, Now, out _).IsValid.ShouldBeTrue();
        rotated.Seal(Some()).ShouldNotBe(_sealer.Seal(Some()));
    }

    [Fact]
    public void Seal_DuringARotation_IsByTheDecisionsTime()
    {
        const long From = 1_000_000 * Minute;
        var (before, after) = (Some() with { DecisionTimeMs = From - 1 }, Some() with { DecisionTimeMs = From });
        using var told = new ReceiptSealer([new ReceiptKey(2, Key(2).Secret) { SealsFromMs = From }, Key(1)]);
        using var untold = new ReceiptSealer([Key(1)]);

        told.Seal(before).ShouldBe(untold.Seal(before));
        told.Open(told.Seal(after), after.TenantHash, after.UserHash, From, out var opened).IsValid.ShouldBeTrue();
        opened.ShouldBe(after);
        untold.Open(told.Seal(after), after.TenantHash, after.UserHash, From, out _).Status.ShouldBe(ReceiptStatus.UnknownKey);
        untold.Replace([new ReceiptKey(2, Key(2).Secret) { SealsFromMs = From }, Key(1)]);
        untold.Seal(after).ShouldBe(told.Seal(after));
    }

    [Fact]
    public void Open_SealedWithAnEarlierKeyAfterItsSuccessor_IsRefused()
    {
        const long From = 1_000_000 * Minute;
        using var leaked = new ReceiptSealer([Key(1)]);
        using var rotated = new ReceiptSealer([new ReceiptKey(2, Key(2).Secret) { SealsFromMs = From }, Key(1)]);

        Status(From - 1).ShouldBe(ReceiptStatus.Valid);
        Status(From + (5 * Minute)).ShouldBe(ReceiptStatus.Valid); // a clock may run slow
        Status(From + (5 * Minute) + 1).ShouldBe(ReceiptStatus.UnknownKey);

        ReceiptStatus Status(long decided)
        {
            var receipt = Some() with { DecisionTimeMs = decided };
            return rotated.Open(leaked.Seal(receipt), receipt.TenantHash, receipt.UserHash, decided, out _).Status;
        }
    }

    [Fact]
    public void Erasure_CoversWhatWasDecidedWithoutItWithinTheSkewOfClocks()
    {
        const long At = 1_000_000 * Minute;
        var skew = TimeSpan.FromMinutes(5);

        Erasure.Covers(Some() with { DecisionTimeMs = At }, At, skew).ShouldBeTrue();
        Erasure.Covers(Some() with { DecisionTimeMs = At + (5 * Minute) }, At, skew).ShouldBeTrue();
        Erasure.Covers(Some() with { DecisionTimeMs = At + 1, Erasure = Erasure.Name(At) }, At, skew).ShouldBeFalse();
        Erasure.Covers(Some() with { DecisionTimeMs = At, Erasure = Erasure.Name(At) }, At, skew).ShouldBeTrue();
        Erasure.Covers(Some() with { DecisionTimeMs = At + 1, Erasure = Erasure.Name(At - 1) }, At, skew).ShouldBeTrue();
        Erasure.Covers(Some() with { DecisionTimeMs = At + (5 * Minute) + 1 }, At, skew).ShouldBeFalse();
        Erasure.Covers(Some() with { DecisionTimeMs = 1 }, 0, skew).ShouldBeFalse();
        Erasure.Name(0).ShouldBe((ushort)0);
        Enumerable.Range(0, 200_000).Select(i => Erasure.Name(At + i)).ShouldNotContain((ushort)0);
    }

    [Fact]
    public void Open_AnyCharacterChanged_IsRefused()
    {
        var token = _sealer.Seal(Some());
        for (var i = 0; i < token.Length; i++)
        {
            var changed = token.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            var verdict = _sealer.Open(changed, 10, 20, Now, out var receipt);
            verdict.IsValid.ShouldBeFalse();
            receipt.ShouldBe(default);
            if (i >= 4)
            {
                verdict.Status.ShouldBe(ReceiptStatus.Forged);
                verdict.Message.ShouldContain("not genuine");
            }
        }
    }

    [Fact]
    public void Open_SealedWithAnotherSecretUnderTheSameKeyId_IsForged()
    {
        using var forger = new ReceiptSealer([new ReceiptKey(1, SHA256.HashData("another secret"u8))]);

        Refused(forger.Seal(Some()), ReceiptStatus.Forged, "not genuine");
    }

    [Theory]
    [InlineData(11, 20)]
    [InlineData(10, 21)]
    public void Open_ByAnotherTenantOrUser_IsForeign(ulong tenant, ulong user)
    {
        var verdict = _sealer.Open(_sealer.Seal(Some()), tenant, user, Now, out var receipt);

        verdict.Status.ShouldBe(ReceiptStatus.Foreign);
        verdict.Message.ShouldContain("another tenant or user");
        receipt.ShouldBe(default);
    }

    [Fact]
    public void Open_ForgedAndForeign_IsCalledForged()
    {
        var token = _sealer.Seal(Some());
        var changed = token[..50] + (token[50] == 'A' ? 'B' : 'A') + token[51..];

        _sealer.Open(changed, 11, 21, Now, out _).Status.ShouldBe(ReceiptStatus.Forged);
    }

    [Fact]
    public void Open_AtTheEndOfItsLife_IsExpiredOneMillisecondLater()
    {
        _sealer.Open(_sealer.Seal(Some()), 10, 20, Now + (7 * Day), out _).IsValid.ShouldBeTrue();
        _sealer.Open(_sealer.Seal(Some()), 10, 20, Now + (7 * Day) + 1, out _).ShouldSatisfyAllConditions(
            verdict => verdict.Status.ShouldBe(ReceiptStatus.Expired),
            verdict => verdict.Message.ShouldContain("2026-01-01 00:00:00Z"),
            verdict => verdict.Message.ShouldContain("7 days"));
    }

    [Fact]
    public void Open_FurtherAheadThanClocksDiffer_IsFromTheFuture()
    {
        _sealer.Open(_sealer.Seal(Some()), 10, 20, Now - (5 * Minute), out _).IsValid.ShouldBeTrue();
        _sealer.Open(_sealer.Seal(Some()), 10, 20, Now - (5 * Minute) - 1, out _).ShouldSatisfyAllConditions(
            verdict => verdict.Status.ShouldBe(ReceiptStatus.FromTheFuture),
            verdict => verdict.Message.ShouldContain("5 minutes"));
    }

    [Fact]
    public void Open_RandomTokens_NeverThrow()
    {
        var random = new Random(2);
        var header = _sealer.Seal(Some())[..4];
        for (var i = 0; i < 2_000; i++)
        {
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            _sealer.Open((i % 2 == 0 ? header : "") + Base64Url.EncodeToString(bytes), 10, 20, Now, out _).IsValid.ShouldBeFalse();
        }
    }

    [Fact]
    public void New_EmptyRing_IsRefused() => Should.Throw<ArgumentException>(() => new ReceiptSealer([])).Message.ShouldContain("at least one key");

    [Fact]
    public void New_TwoKeysOfOneId_IsRefused() => Should.Throw<ArgumentException>(() => new ReceiptSealer([Key(2), Key(1), Key(1)])).Message.ShouldContain("2 keys of id 1");

    [Fact]
    public void New_ShortSecret_IsRefused() => Should.Throw<ArgumentException>(() => new ReceiptKey(3, new byte[31])).Message.ShouldContain("31 bytes");

    [Fact]
    public void New_OptionsOutOfRange_NamesEveryProblem()
    {
        var message = Should.Throw<ArgumentException>(() => new ReceiptSealer([Key(1)], new ReceiptOptions { Lifetime = TimeSpan.Zero, ClockSkew = TimeSpan.FromDays(1) })).Message;

        message.ShouldContain("Lifetime is 00:00:00");
        message.ShouldContain("ClockSkew is 1.00:00:00");
        Should.Throw<ArgumentException>(() => new ReceiptOptions { Lifetime = TimeSpan.FromDays(31) }.Validate()).Message.ShouldContain("Lifetime is 31");
        Should.Throw<ArgumentException>(() => new ReceiptOptions { ClockSkew = TimeSpan.FromSeconds(-1) }.Validate()).Message.ShouldContain("ClockSkew is -00:00:01");
        new ReceiptOptions { Lifetime = TimeSpan.FromMinutes(1), ClockSkew = TimeSpan.Zero }.Validate();
        new ReceiptOptions { Lifetime = TimeSpan.FromDays(30), ClockSkew = TimeSpan.FromHours(1) }.Validate();
    }

    private void Refused(string token, ReceiptStatus status, string named)
    {
        var verdict = _sealer.Open(token, 10, 20, Now, out var receipt);
        verdict.Status.ShouldBe(status);
        verdict.Message.ShouldContain(named);
        receipt.ShouldBe(default);
    }
}
