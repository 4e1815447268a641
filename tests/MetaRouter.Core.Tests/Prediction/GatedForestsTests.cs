using MetaRouter.Core.Prediction;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Tests.Prediction;

public class GatedForestsTests
{
    private const ushort First = 1, Second = 2, Both = 3;
    private static readonly float[] Request = new float[PromptEncoder.Features];

    [Fact]
    public void Predict_OneForest_IsItsWordToEverybody()
    {
        var forests = new GatedForests(Saying(3, -2));
        Told(forests, First, ushort.MaxValue).ShouldBe([3, -2, 3, -2]);
        forests.Certainty(Told(forests, First)).ShouldBe(1);
    }

    [Fact]
    public void Predict_ARequestLikeEither_HearsTheSourcesThatAModelIsKnownTo()
    {
        var forests = Two(firstLogit: 0);

        // Half as likely of each. Known to one: .5 / (.5 + .05) of certainty, all of it there; known to both: 1 / 1.05, in halves.
        Told(forests, First).ShouldBe([1 / 1.1f, 3 / 1.1f, 0, 0, 0], 1e-5);
        Told(forests, Second).ShouldBe([0, 0, 1 / 1.1f, 10 / 1.1f, 20 / 1.1f], 1e-5);
        Told(forests, Both).ShouldBe([.5f / 1.05f, 1.5f / 1.05f, .5f / 1.05f, 5 / 1.05f, 10 / 1.05f], 1e-5);
        forests.Certainty(Told(forests, Both)).ShouldBe(1 / 1.05f, 1e-5f);
    }

    [Fact]
    public void Predict_AnUnlikelySource_IsHeardOnlyByWhomNoOtherKnows()
    {
        var forests = Two(firstLogit: 4); // .982 and .018
        Told(forests, Both).ShouldBe([.95238f, 2.85714f, 0, 0, 0], 1e-4);
        forests.Certainty(Told(forests, Second)).ShouldBe(.01799f / .06799f, 1e-3f);
        forests.Certainty(Told(forests, 0)).ShouldBe(0);
    }

    [Theory]
    [InlineData(60)] // p worth is a denormal
    [InlineData(100)]
    [InlineData(1e9)]
    public void Predict_ASourceWithoutAnyProbability_IsNotHeardAndHarmsNoNumber(float firstLogit)
    {
        var forests = Two(firstLogit);
        foreach (var worth in (float[])[1e-3f, 1, 1000])
        {
            var told = new float[3 * forests.Targets];
            forests.Predict(Request, [First, Second, Both], [worth, worth], told);
            told.ShouldAllBe(t => float.IsFinite(t));
            forests.Certainty(told.AsSpan(forests.Targets, forests.Targets)).ShouldBe(0, 1e-6f);
            told[(2 * forests.Targets)..].ShouldBe(told[..forests.Targets], 1e-5);
        }
    }

    /// <summary>A bit that no forest has is nobody's.</summary>
    [Fact]
    public void Predict_KnownToASourceWithoutAForest_IsKnownToNone()
    {
        var forests = Two(firstLogit: 0);
        Told(forests, 4).ShouldAllBe(t => t == 0);
        Told(forests, ushort.MaxValue).ShouldBe(Told(forests, Both));
        forests.Usual([Head(.5f, 4, .1f, 0), Head(.7f, 4, 0, 0)]).ShouldBe([.5f, .7f]);
    }

    [Fact]
    public void Worth_OfASource_IsHowManyOthersOneIsComparedWithThere()
    {
        var forests = Two(firstLogit: 0);
        forests.Worth([First, Both, Both, Second, Second, Second]).ShouldBe([2, 4]);
        forests.Worth([First, Second]).ShouldBe([1e-3f, 1e-3f]);
        var told = new float[forests.Targets];
        forests.Predict(Request, [Both], [2, 6], told);
        (told[0], told[2]).ShouldBe((.25f / 1.05f, .75f / 1.05f));
    }

    [Fact]
    public void Usual_ModelsOfOneSource_StandApartAsTheirRequestsTellAndTogetherAsAllDo()
    {
        var forests = Two(firstLogit: 0);

        // Means .5 and .5 over all requests; .1 above and .3 above on those of the first source, whose requests are easy.
        forests.Usual([Head(.5f, First, .1f, 0), Head(.5f, First, .3f, 0)]).ShouldBe([.4f, .6f], 1e-6);

        // Of a source alone nothing is compared.
        forests.Usual([Head(.5f, First, .1f, 0), Head(.7f, Second, 0, -.2f)]).ShouldBe([.5f, .7f], 1e-6);
        new GatedForests(Saying(3)).Usual([Head(.5f, ushort.MaxValue, 9, 9), Head(.4f, ushort.MaxValue, 0, 0)]).ShouldBe([.5f, .4f]);
    }

    [Fact]
    public void Create_AGateOfAnotherNumber_IsRefused() =>
        Should.Throw<ArgumentException>(() => new GatedForests([Saying(1), Saying(2)], TopicModel.None)).Message.ShouldContain("There are 2 forests and a gate for 0 sources");

    private static ModelHead Head(float mean, ushort knownTo, float beyondFirst, float beyondSecond) =>
        new(0, [], mean, [beyondFirst, 0, beyondSecond, 0, 0], [], 1, 0, 1, [], 0) { KnownTo = knownTo };

    /// <summary>One that says 3, and one that says 10 and 20.</summary>
    private static GatedForests Two(float firstLogit)
    {
        const int width = PromptEncoder.Described + 1;
        var weights = new float[2 * width];
        weights[width - 1] = firstLogit;
        return new GatedForests([Saying(3), Saying(10, 20)], new TopicModel(2, weights));
    }

    private static ExtraTrees Saying(params sbyte[] leaf) => new([0], [new(0, 0, ExtraTrees.Leaf)], leaf, [.. leaf.Select(_ => 1f)]);

    private static float[] Told(GatedForests forests, params ushort[] knownTo)
    {
        var told = new float[knownTo.Length * forests.Targets];
        forests.Predict(Request, knownTo, [.. Enumerable.Repeat(1f, forests.Forests.Length)], told);
        return told;
    }
}
