using FsCheck;
using FsCheck.Fluent;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Tests.Text;

public class NgramCounterTests
{
    [Fact]
    public void Read_TinyText_CountsWordsAndPairs()
    {
        // ab twice, cd once; the pairs "ab ab" and "ab cd".
        var counter = Read("ab ab cd");
        counter.Words.Length.ShouldBe(4);
        counter.Count(WordBucket("ab")).ShouldBe(2);
        counter.Count(WordBucket("cd")).ShouldBe(1);
        counter.Count(Read("ab cd").Words[2]).ShouldBe(1);
        Sum(counter, counter.Words).ShouldBe(5);
    }

    [Fact]
    public void Read_TinyText_CountsCharactersWithinTokens()
    {
        // Of "ab" with its borders: " a", "ab", "b ", " ab", "ab ", " ab ".
        var counter = Read("ab");
        counter.Characters.Length.ShouldBe(6);
        Sum(counter, counter.Characters).ShouldBe(6);

        // Of a token of L characters 3 L; none across white space.
        counter = Read("ab ab\tcd efghi");
        Sum(counter, counter.Characters).ShouldBe(3 * (2 + 2 + 2 + 5));
        foreach (var bucket in Read("ab").Characters)
        {
            counter.Count(bucket).ShouldBe(2);
        }
    }

    [Fact]
    public void Read_TinyText_CountsItsSurface()
    {
        // 17 characters: one digit, one line break, one symbol, 3 upper case, 2 of code, words of 1, 1, 1, 1 and 2 letters and digits, one question, two listed options.
        var surface = Read("A. x+1\nB) {y}? Cz").Surface;
        surface.Length.ShouldBe(NgramCounter.SurfaceLength);
        surface[..10].ToArray().ShouldBe([MathF.Log(18) / 10, 1 / 18f, MathF.Log(2) / 5, 5 / 18f, 9 / 18f, 10 / 18f, 7 / 60f, 1 / 3f, 2 / 12f, 0], 1e-5);

        // One number, of one digit; no long word, 6 different ones of 6; no comma, one stop, one parenthesis; the longest line has 10 characters, no word comes before the first option but its letter.
        surface[10..].ToArray().ShouldBe([MathF.Log(2) / 5, 1 / 12f, 0, 1, 0, 1, 15 / 18f, 0, 0, 0, 0, MathF.Log(11) / 8, 0, 0], 1e-5);
    }

    [Fact]
    public void Read_CodeAndMoney_CountsItsSurface()
    {
        // 45 characters: "counterintuitive" has more than 9; two quotes, one equal sign, one backslash, one sign of money, eight spaces of indentation.
        var surface = Read("counterintuitive 2048\n        x = 'a\\n', $5").Surface;
        var n = 44f;
        surface[10].ShouldBe(MathF.Log(3) / 5, 1e-5);
        surface[11].ShouldBe(4 / 12f, 1e-5);
        surface[12].ShouldBe(3 / 6f, 1e-5);
        surface[14].ShouldBe(20 / n, 1e-5);
        surface[17].ShouldBe(2 * 15 / n, 1e-5);
        surface[18].ShouldBe(MathF.Log(2) / 5, 1e-5);
        surface[19].ShouldBe(20 / n, 1e-5);
        surface[20].ShouldBe(MathF.Log(9) / 4, 1e-5);
        surface[22].ShouldBe(MathF.Log(7) / 8, 1e-5);
        surface[23].ShouldBe(MathF.Log(2) / 4, 1e-5);
    }

    [Fact]
    public void Keys_AnyText_AreTheWordsThatAreCounted()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var text = AnyText.Random(new Random(seed));
            var keys = new List<ulong>();
            NgramCounter.Keys(text, keys);
            var counter = Read(text);
            keys.Select(k => (ushort)NgramCounter.Bucket(k)).Distinct().ShouldBe(counter.Singles.ToArray());
            foreach (var first in keys.DistinctBy(NgramCounter.Bucket))
            {
                counter.Mark(NgramCounter.Bucket(first)).ShouldBe(NgramCounter.MarkOf(first));
            }
        }
    }

    [Theory]
    [InlineData("Hello World", "hello WORLD")]
    [InlineData("ÉCOLE Ünïcode", "école ÜNÏCODE")]
    [InlineData("a b", "a\0b")]
    [InlineData("a b", "\r\n a\t\tb ")]
    public void Read_CaseAndWhiteSpace_MakeNoDifference(string one, string other)
    {
        var (a, b) = (Read(one), Read(other));
        b.Words.ToArray().ShouldBe(a.Words.ToArray());
        b.Characters.ToArray().ShouldBe(a.Characters.ToArray());
    }

    [Fact]
    public void Read_OtherOrder_ChangesOnlyThePairs()
    {
        var (a, b) = (Read("dog bites man"), Read("man bites dog"));
        b.Characters.ToArray().ShouldBe(a.Characters.ToArray(), ignoreOrder: true);
        b.Words.ToArray().Order().ShouldNotBe(a.Words.ToArray().Order());
    }

    [Fact]
    public void Read_AgainWithAnother_ForgetsTheLastText()
    {
        var used = new NgramCounter();
        for (var seed = 0; seed < 50; seed++)
        {
            used.Read(AnyText.Random(new Random(seed)));
            var text = AnyText.Random(new Random(seed + 1000));
            used.Read(text);
            var fresh = Read(text);
            used.Words.ToArray().ShouldBe(fresh.Words.ToArray());
            used.Characters.ToArray().ShouldBe(fresh.Characters.ToArray());
            used.Surface.ToArray().ShouldBe(fresh.Surface.ToArray());
            used.TokenEstimate.ShouldBe(fresh.TokenEstimate);
            for (var bucket = 0; bucket < NgramCounter.Buckets; bucket++)
            {
                if (used.Count(bucket) != fresh.Count(bucket))
                {
                    used.Count(bucket).ShouldBe(fresh.Count(bucket), $"bucket {bucket}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(AnyText.Hard), MemberType = typeof(AnyText))]
    public void Read_HardText_KeepsItsPromises(string text) => CheckPromises(text);

    [Fact]
    public void Read_AnyText_KeepsItsPromises() => Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
    {
        CheckPromises(AnyText.Random(new Random(seed)));
        return true;
    }));

    [Fact]
    public void Read_AnyString_KeepsItsPromises() => Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<string?>(), text =>
    {
        CheckPromises(text ?? "");
        return true;
    }));

    [Theory]
    [InlineData("")]
    [InlineData(" \n\t\0 ")]
    public void Read_NothingToRead_CountsNothing(string text)
    {
        var counter = Read(text);
        counter.Words.Length.ShouldBe(0);
        counter.Characters.Length.ShouldBe(0);
        counter.TokenEstimate.ShouldBe(1);
    }

    [Fact]
    public void Read_Megabyte_ReadsItsBeginningAndEnd()
    {
        var text = AnyText.Megabyte(1);
        CheckPromises(text);
        var altered = text.ToCharArray();
        Array.Fill(altered, 'Z', 500_000, 10_000);
        var (a, b) = (Read(text), Read(new string(altered)));
        b.Words.ToArray().ShouldBe(a.Words.ToArray());
        b.Characters.ToArray().ShouldBe(a.Characters.ToArray());
        b.Surface.ToArray().ShouldBe(a.Surface.ToArray());

        foreach (var at in new[] { 0, NgramCounter.MaxChars / 2, text.Length - 1, text.Length - (NgramCounter.MaxChars / 4) + 10 })
        {
            altered = text.ToCharArray();
            altered[at] = '7';
            Read(new string(altered)).Characters.ToArray().ShouldNotBe(a.Characters.ToArray(), $"character {at} is read");
        }
    }

    [Fact]
    public void Read_OneCharacterMoreThanTheLimit_HardlyMovesTheSurface()
    {
        var text = AnyText.Megabyte(2);
        var (whole, cut) = (Read(text[..NgramCounter.MaxChars]), Read(text[..(NgramCounter.MaxChars + 1)]));
        cut.Surface.ToArray().ShouldBe(whole.Surface.ToArray(), 0.002);
        cut.TokenEstimate.ShouldBe(whole.TokenEstimate, 5);
    }

    [Fact]
    public void Count_OverTheLimit_Saturates()
    {
        // 12,288 + 4,096 characters of one kind cannot reach 65,535; this pins down that no count wraps.
        var counter = Read(new string('a', NgramCounter.MaxChars));
        Sum(counter, counter.Characters).ShouldBe(3 * NgramCounter.MaxChars);
    }

    // The truth is what a byte-pair tokenizer of 100,000 tokens makes of the text.
    [Theory]
    [InlineData("The quick brown fox jumps over the lazy dog.", 10)]
    [InlineData("Hello, world!", 4)]
    [InlineData("for (int i = 0; i < n; i++) { sum += a[i]; }", 21)]
    public void TokenEstimate_ShortText_IsNear(string text, int tokens) => Read(text).TokenEstimate.ShouldBeInRange(tokens * 0.7f, (tokens * 1.3f) + 1);

    [Fact]
    public void TokenEstimate_EnglishProse_IsAboutFourCharactersEach()
    {
        const string Prose = "When the committee met again in the spring, nobody could remember who had first suggested that the old bridge be closed to traffic. The engineers had written a careful report, but it lay unread in a drawer while the members argued about money, about the weather, and about the mayor's nephew, who owned the ferry.";
        (Prose.Length / Read(Prose).TokenEstimate).ShouldBeInRange(3.6f, 5.4f);

        // A long text is estimated from its beginning and end.
        var many = string.Join(' ', Enumerable.Repeat(Prose, 400));
        (many.Length / Read(many).TokenEstimate).ShouldBeInRange(3.6f, 5.4f);
    }

    private static void CheckPromises(string text)
    {
        var counter = Read(text);
        var (words, characters) = (counter.Words.ToArray(), counter.Characters.ToArray());
        words.ShouldAllBe(b => b < NgramCounter.WordBuckets);
        characters.ShouldAllBe(b => b >= NgramCounter.WordBuckets && b < NgramCounter.Buckets);
        words.Distinct().Count().ShouldBe(words.Length);
        characters.Distinct().Count().ShouldBe(characters.Length);
        words.Concat(characters).ShouldAllBe(b => counter.Count(b) >= 1);
        Sum(counter, counter.Characters).ShouldBeLessThanOrEqualTo(3 * NgramCounter.MaxChars);

        // "About 0 to 1": only the logarithm of the length goes beyond, to 2.2 at two billion characters.
        counter.Surface.ToArray().Skip(1).ShouldAllBe(v => v >= 0 && v <= 1);
        counter.Surface[0].ShouldBeInRange(0, 2.2f);
        counter.TokenEstimate.ShouldBeInRange(1, (text.Length * 1.1f) + 2);
    }

    private static NgramCounter Read(string text)
    {
        var counter = new NgramCounter();
        counter.Read(text);
        return counter;
    }

    private static int WordBucket(string word) => Read(word).Words[0];

    private static int Sum(NgramCounter counter, ReadOnlySpan<ushort> buckets)
    {
        var sum = 0;
        foreach (var bucket in buckets)
        {
            sum += counter.Count(bucket);
        }

        return sum;
    }
}
