using MetaRouter.Core.Text;

namespace MetaRouter.Core.Tests.Text;

public class WordVectorsTests
{
    private static readonly WordVectors Learned = WordVectors.Learn(Documents(), seed: 1);

    [Fact]
    public void Learn_WordsInTheSamePlaces_StandNearEachOther()
    {
        // "cat" and "dog" never meet, but have the same neighbours; "loan" has others.
        Cosine("cat", "dog").ShouldBeGreaterThan(Cosine("cat", "loan") + 0.3);
        Cosine("bank", "loan").ShouldBeGreaterThan(Cosine("bank", "dog") + 0.3);
    }

    [Fact]
    public void Learn_RareWords_HaveNoVector()
    {
        Knows("hapax").ShouldBeFalse();
        Knows("cat").ShouldBeTrue();
    }

    [Fact]
    public void Learn_TooLittleText_KnowsNothing() => WordVectors.Learn(["a few words only"], seed: 1).Count.ShouldBe(0);

    [Fact]
    public void Learn_Again_IsTheSameToTheByteOnAnyThreads()
    {
        var again = OneThread.Run(() => WordVectors.Learn(Documents(), seed: 1));
        again.Rows.All.ToArray().ShouldBe(Learned.Rows.All.ToArray());
        again.ScaleArray.ShouldBe(Learned.ScaleArray);
        again.Marks.ToArray().ShouldBe(Learned.Marks.ToArray());
    }

    [Fact]
    public void New_WrongShape_NamesWhatItFound() =>
        Should.Throw<ArgumentException>(() => new WordVectors(new ushort[2], new sbyte[3], new float[4])).Message.ShouldContain("found 2, 3 and 4");

    [Fact]
    public void Encode_WordsOfOneTopicNeverLabelled_ComeOutNearTheirKind()
    {
        // The encoder saw neither "dog" nor "loan" in a request.
        var encoder = PromptEncoder.Learn(["the cat", "a bank", "the cat", "a bank"], seed: 1, vectors: Learned);
        Dot("dog", "cat").ShouldBeGreaterThan(Dot("dog", "bank") + 0.3);

        double Dot(string a, string b) => Part(a).Zip(Part(b)).Sum(p => (double)p.First * p.Second);

        float[] Part(string text)
        {
            var into = new RequestEncoding();
            encoder.Encode(text, into);
            return into.Features.Slice(PromptEncoder.Dense, WordVectors.Dense).ToArray();
        }
    }

    /// <summary>Two worlds of words: in each, any word stands beside any other; cat and dog (bank and loan) never in one document.</summary>
    private static IEnumerable<string> Documents()
    {
        var random = new Random(7);
        for (var i = 0; i < 600; i++)
        {
            var (world, subject) = i % 2 == 0 ? ("animal", i % 4 == 0 ? "cat" : "dog") : ("money", i % 4 == 1 ? "bank" : "loan");
            yield return string.Join(' ', Enumerable.Range(0, 12).SelectMany(_ => new[] { subject, $"{world}{random.Next(60)}" })) + (i == 0 ? " hapax" : "");
        }
    }

    private static bool Knows(string word) => Learned.Knows(NgramCounter.Bucket(Key(word)), NgramCounter.MarkOf(Key(word)));

    private static double Cosine(string a, string b)
    {
        var (x, y) = (Vector(a), Vector(b));
        return x.Zip(y).Sum(p => p.First * p.Second) / Math.Sqrt(x.Sum(v => v * v) * y.Sum(v => v * v));
    }

    private static double[] Vector(string word) =>
        [.. Learned.Rows.All.Slice(NgramCounter.Bucket(Key(word)) * WordVectors.Dense, WordVectors.Dense).ToArray().Select((v, j) => (double)v * Learned.ScaleArray[j])];

    private static ulong Key(string word)
    {
        var keys = new List<ulong>();
        NgramCounter.Keys(word, keys);
        return keys.Single();
    }
}
