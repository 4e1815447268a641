using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Tests.Text;

public class PromptEncoderTests
{
    private static readonly string[] Texts =
    [
        .. Enumerable.Range(0, 60).Select(i => $"Solve the equation {i}x + 3 = {i * 7} and give the integral of its square"),
        .. Enumerable.Range(0, 60).Select(i => $"Write a poem about the sea, with {i} verses and a sad sailor"),
    ];

    private static readonly PromptEncoder Encoder = PromptEncoder.Learn(Texts, seed: 1);

    [Theory]
    [MemberData(nameof(AnyText.Hard), MemberType = typeof(AnyText))]
    public void Encode_HardText_KeepsItsPromises(string text) => CheckPromises(text);

    [Fact]
    public void Encode_AnyText_KeepsItsPromises() => Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
    {
        CheckPromises(AnyText.Random(new Random(seed)));
        return true;
    }));

    [Fact]
    public void Encode_KnownText_HasADensePartOfLengthOne() => DenseNorm(Encode(Texts[3])).ShouldBe(1, 1e-4);

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("今天天气很好")]
    public void Encode_NothingKnown_HasNoDensePart(string text)
    {
        DenseNorm(Encode(text)).ShouldBe(0);
        Encode(text)[^1].ShouldBe(1);
    }

    [Fact]
    public void Encode_EqualTexts_AreEqualWhateverWasEncodedBefore()
    {
        var scratch = new RequestEncoding();
        foreach (var text in Texts.Take(10))
        {
            Encoder.Encode(Texts[^1], scratch);
            Encoder.Encode(text, scratch);
            scratch.Features.ToArray().ShouldBe(Encode(text));
        }
    }

    [Fact]
    public void Encode_TwoKindsOfText_AreNearerWithinThanAcross()
    {
        var (a, b, c) = (Encode("Solve 12x + 3 = 5 for x"), Encode("the integral of the square of the equation"), Encode("a poem about a sailor"));
        Dot(a, b).ShouldBeGreaterThan(Dot(a, c));
        Dot(a, b).ShouldBeGreaterThan(Dot(b, c));
    }

    [Fact]
    public void Learn_SameSeed_IsTheSameBitsWhateverTheThreads()
    {
        var again = OneThread.Run(() => PromptEncoder.Learn(Texts, seed: 1));
        again.Rows.SequenceEqual(Encoder.Rows).ShouldBeTrue();
        again.Scale.SequenceEqual(Encoder.Scale).ShouldBeTrue();
        again.Idf.SequenceEqual(Encoder.Idf).ShouldBeTrue();
    }

    [Fact]
    public void Learn_TextsWithNothingInCommon_StillEncodes()
    {
        var encoder = PromptEncoder.Learn(["", " ", "a", "xyz"], seed: 1);
        var into = new RequestEncoding();
        encoder.Encode("a xyz", into);
        into.Features.ToArray().ShouldAllBe(v => float.IsFinite(v));
    }

    [Fact]
    public void Quantize_SmoothColumns_AreOffByHalfAStep()
    {
        var random = new Random(4);
        var dense = new float[NgramCounter.Buckets * PromptEncoder.Dense];
        for (var i = 0; i < dense.Length; i++)
        {
            dense[i] = ((random.NextSingle() * 2) - 1) * (1 + (i % PromptEncoder.Dense));
        }

        var encoder = PromptEncoder.Quantize(new float[NgramCounter.Buckets], dense);
        var worst = 0.0;
        for (var i = 0; i < dense.Length; i++)
        {
            var step = encoder.Scale[i % PromptEncoder.Dense];
            worst = Math.Max(worst, Math.Abs((encoder.Rows[i] * step) - dense[i]) / step);
        }

        worst.ShouldBeLessThan(0.501);
        encoder.Scale[5].ShouldBe(6 / 127f, 1e-3f);
    }

    [Fact]
    public void Quantize_AColumnOfZeros_StaysZero()
    {
        var encoder = PromptEncoder.Quantize(new float[NgramCounter.Buckets], new float[NgramCounter.Buckets * PromptEncoder.Dense]);
        encoder.Rows.ContainsAnyExcept((sbyte)0).ShouldBeFalse();
        encoder.Scale.ContainsAnyExcept(0f).ShouldBeFalse();
    }

    [Fact]
    public void Encode_Megabyte_CostsNoMoreThanItsLimit()
    {
        var text = AnyText.Megabyte(3);
        CheckPromises(text);
        var into = new RequestEncoding();
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 10; i++)
        {
            Encoder.Encode(text, into);
        }

        // About 1 ms each; the bound is for a busy machine.
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void New_WrongShape_NamesWhatItFound() =>
        Should.Throw<ArgumentException>(() => new PromptEncoder(new float[3], [], new float[PromptEncoder.Dense])).Message.ShouldContain("found 3, 0 and 64");

    private static void CheckPromises(string text)
    {
        var x = Encode(text);
        x.Length.ShouldBe(PromptEncoder.Features);
        x.ShouldAllBe(v => float.IsFinite(v));
        x[^1].ShouldBe(1);
        var norm = DenseNorm(x);
        (norm == 0 || Math.Abs(norm - 1) < 1e-4).ShouldBeTrue($"norm {norm}");
        Encode(text).ShouldBe(x);
    }

    private static float[] Encode(string text)
    {
        var into = new RequestEncoding();
        Encoder.Encode(text, into);
        into.Tokens.ShouldBeGreaterThan(0);
        return into.Features.ToArray();
    }

    private static double DenseNorm(float[] x) => Math.Sqrt(x.Take(PromptEncoder.Dense).Sum(v => (double)v * v));

    private static double Dot(float[] a, float[] b) => a.Take(PromptEncoder.Dense).Zip(b).Sum(p => (double)p.First * p.Second);
}
