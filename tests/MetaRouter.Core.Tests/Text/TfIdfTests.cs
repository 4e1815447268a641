using MetaRouter.Core.Text;

namespace MetaRouter.Core.Tests.Text;

public class TfIdfTests
{
    private static readonly string[] Texts = ["red apple", "red pear", "green pear pear", ""];

    [Fact]
    public void Learn_ByHand_IsTheFormula()
    {
        var idf = TfIdf.Learn(Texts, minDocuments: 1).Idf;
        idf[Bucket("red")].ShouldBe(MathF.Log(5 / 3f) + 1, 1e-3f);
        idf[Bucket("apple")].ShouldBe(MathF.Log(5 / 2f) + 1, 1e-3f);
        idf[Bucket("pear")].ShouldBe(MathF.Log(5 / 3f) + 1, 1e-3f, "a text counts once however often it says a word");
        idf[Bucket("plum")].ShouldBe(0);
    }

    [Fact]
    public void Learn_RareBuckets_WeighNothing()
    {
        var idf = TfIdf.Learn(Texts, minDocuments: 2).Idf;
        idf[Bucket("red")].ShouldBeGreaterThan(1);
        idf[Bucket("apple")].ShouldBe(0);
    }

    [Fact]
    public void Learn_AnyWeight_SurvivesHalfPrecision()
    {
        foreach (var weight in TfIdf.Learn(Texts, minDocuments: 1).Idf)
        {
            if ((float)(Half)weight != weight)
            {
                ((float)(Half)weight).ShouldBe(weight);
            }
        }
    }

    [Fact]
    public void Transform_EachFamily_HasLengthOne()
    {
        var rows = TfIdf.Learn(Texts, minDocuments: 1).Transform(Texts);
        rows.Rows.ShouldBe(4);
        rows.Columns.ShouldBe(NgramCounter.Buckets);
        for (var i = 0; i < 3; i++)
        {
            Length(rows.Indexes(i).ToArray(), rows.Values(i).ToArray(), words: true).ShouldBe(1, 1e-5);
            Length(rows.Indexes(i).ToArray(), rows.Values(i).ToArray(), words: false).ShouldBe(1, 1e-5);
        }

        rows.Values(3).Length.ShouldBe(0);
    }

    [Fact]
    public void Transform_RepeatedWord_WeighsByTheLogarithm()
    {
        var (idf, rows) = (TfIdf.Learn(Texts, minDocuments: 1).Idf.ToArray(), TfIdf.Learn(Texts, minDocuments: 1).Transform(Texts));
        var green = rows.Values(2)[rows.Indexes(2).IndexOf(Bucket("green"))];
        var pear = rows.Values(2)[rows.Indexes(2).IndexOf(Bucket("pear"))];
        (pear / green).ShouldBe((1 + MathF.Log(2)) * idf[Bucket("pear")] / idf[Bucket("green")], 1e-4f);
    }

    [Fact]
    public void TermWeight_AnyCount_IsOnePlusTheLogarithm()
    {
        foreach (var count in new[] { 1, 2, 255, 256, 65_535 })
        {
            TfIdf.TermWeight(count).ShouldBe(1 + MathF.Log(count), 1e-5f);
        }
    }

    private static double Length(int[] index, float[] value, bool words) =>
        Math.Sqrt(index.Zip(value).Where(p => p.First < NgramCounter.WordBuckets == words).Sum(p => (double)p.Second * p.Second));

    private static int Bucket(string word)
    {
        var counter = new NgramCounter();
        counter.Read(word);
        return counter.Words[0];
    }
}
