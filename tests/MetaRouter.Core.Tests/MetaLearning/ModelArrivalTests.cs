using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using static MetaRouter.Core.Tests.MetaLearning.SomeSnapshots;

namespace MetaRouter.Core.Tests.MetaLearning;

public class ModelArrivalTests
{
    private static readonly Snapshot Three = ByHand([new("small", 0.5f, 0.4), new("medium", 0.7f, 4, 200), new("large", 0.9f, 40)], Sample(3, 0.5f, 0.7f, 0.9f, 0.5f, 0.5f, 1));

    /// <summary>Bills without tokens: a unit is a millionth of a dollar, 100 a call.</summary>
    private static readonly Snapshot Billed = new(Three.Origin, Three.Encoder, Three.Projection, Three.Forest, [.. Three.Models.Select(m => m with { InputPrice = new(0), OutputPrice = new(PriceFit.NominalUsdPerMillion) })], Three.Heads, Three.OutcomeCorrelation, Three.Calibration, Three.Prior);
    private static readonly ModelProfile Newcomer = Profile("large-2", 10) with { Sibling = new("large") };

    [Fact]
    public void Add_NoAnswers_IsTheSiblingAtItsOwnPriceEverywhere()
    {
        var snapshot = ModelArrival.Add(Three, Newcomer, []);

        snapshot.Heads[3].ShouldBe(Three.Heads[2]);
        snapshot.Models[3].Id.ShouldBe(Newcomer.Id);
        var (added, listed) = (RoutingPool.OfSnapshot(snapshot), new RoutingPool(Three, new([.. Three.Models, Newcomer])));
        added.Values.Quality.ToArray().ShouldBe(listed.Values.Quality.ToArray(), 5e-4, "a catalog that lists it does as much, but for half precision");
        added.Values.RelativeCost.ToArray().ShouldBe(listed.Values.RelativeCost.ToArray(), 5e-4);
        added.CostScaleUsd.ShouldBe(listed.CostScaleUsd);
        SnapshotCodec.Read(SnapshotCodec.Write(snapshot)).Version.ShouldBe(snapshot.Version);
    }

    [Fact]
    public void New_NewcomerListedBesideTheKnown_TakesPartInTheValueTable()
    {
        // The sibling's answers at a hundredth of its price: what any dial position but the last earns.
        var pool = new RoutingPool(Three, new([.. Three.Models, Profile("bargain", .4) with { Sibling = new("large") }]));
        pool.Values.RelativeCost[20].ShouldBeLessThan(RoutingPool.OfSnapshot(Three).Values.RelativeCost[20]);
        pool.Values.Quality[20].ShouldBe(.95f, .01f);
    }

    [Fact]
    public void Add_GradedAnswers_MoveQualityTowardsThemAndMoreWithMore()
    {
        float Quality(int graded) => Predicted(ModelArrival.Add(Three, Newcomer, [.. Enumerable.Range(0, graded).Select(i => new GradedAnswer($"question {i}", i % 4 == 0 ? 1 : 0))]));

        Quality(0).ShouldBe(.9f, 1e-5f);
        Quality(4).ShouldBeLessThan(Quality(0));
        Quality(20).ShouldBeLessThan(Quality(4));
        Quality(400).ShouldBe(.25f, .05f);
        Predicted(Three).ShouldBe(.9f, 1e-5f);
    }

    /// <summary>Poems of the other benchmark, as bad as the sibling's would be: they say nothing against the newcomer where its sibling is known.</summary>
    [Fact]
    public void Add_AnswersUnlikeTheSourcesOfItsSibling_LeaveItsMeanThereAsItIs()
    {
        var (snapshot, random) = (TwoSources, new Random(5));
        var counts = snapshot.Heads[snapshot.Numbers[new("counts")]];
        var added = ModelArrival.Add(snapshot, Profile("counts-2", 1) with { Sibling = new("counts") }, [.. Enumerable.Range(0, 20).Select(_ => new GradedAnswer(Prediction.SomeTables.Poem(random), 0))]);

        added.Heads[^1].KnownTo.ShouldBe(counts.KnownTo);
        added.Heads[^1].TreeMean.ShouldBe(counts.TreeMean, .05f);
        added.Heads[^1].Bias.ShouldBeLessThan(counts.Bias);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Add_GradedAnswers_MoveQualityAlsoWhereKnownModelsAreOneOrAlike(int known)
    {
        var snapshot = ByHand([.. Enumerable.Range(0, known).Select(i => new Known($"m{i}", 0.9f, 1))], Sample(known, [.. Enumerable.Repeat(0.9f, known)]));
        float Quality(int graded) => Predicted(ModelArrival.Add(snapshot, Profile("newcomer", 1) with { Sibling = new("m0") }, [.. Enumerable.Range(0, graded).Select(i => new GradedAnswer($"question {i}", 0))]));

        Quality(0).ShouldBe(.9f, 1e-3f);
        Quality(30).ShouldBeLessThan(known == 1 ? .5f : .8f);
        Quality(1000).ShouldBeLessThan(.2f);
    }

    [Fact]
    public void Add_CountedTokensWhereKinNeverAnsweredWithAny_AreThoseCounted()
    {
        var silent = new Snapshot(Three.Origin, Three.Encoder, Three.Projection, Three.Forest, Three.Models, [.. Three.Heads.Select(h => h with { TokenFactor = 0 })], Three.OutcomeCorrelation, Three.Calibration, Three.Prior);
        var snapshot = ModelArrival.Add(silent, Newcomer, [.. Enumerable.Range(0, 98).Select(i => new GradedAnswer($"question {i}", 1, 100))]);

        var (outcomes, tokens) = (new Outcome[4], new float[4]);
        var (pool, scratch) = (RoutingPool.OfSnapshot(snapshot), new RequestEncoding());
        snapshot.Encoder.Encode("question 5", scratch);
        pool.Predict(scratch, 10, outcomes, tokens, new float[pool.Projected]);
        tokens[3].ShouldBe(98, 1);
        SnapshotCodec.Read(SnapshotCodec.Write(snapshot)).Version.ShouldBe(snapshot.Version);
    }

    [Fact]
    public void Add_CountedTokens_ScaleTheExpected()
    {
        var snapshot = ModelArrival.Add(Three, Newcomer, [.. Enumerable.Range(0, 18).Select(i => new GradedAnswer($"question {i}", .9f, 400))]);

        // 18 answers of four times the length, and 2 as expected.
        (snapshot.Heads[3].TokenFactor / Three.Heads[2].TokenFactor).ShouldBe(74 / 20f, 1e-3f);
    }

    [Fact]
    public void Add_AnswersAsLongAsExpectedOnTheMean_LeaveTheLengthAsItIs()
    {
        // Half the length and one and a half times it: the mean is as expected, where the mean logarithm would say 13 % less.
        var snapshot = ModelArrival.Add(Three, Newcomer, [.. Enumerable.Range(0, 20).Select(i => new GradedAnswer($"question {i}", .9f, i % 2 == 0 ? 50 : 150))]);

        (snapshot.Heads[3].TokenFactor / Three.Heads[2].TokenFactor).ShouldBe(1, 1e-5f);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(4000)]
    public void Add_DearerThanItsSibling_StartsBetterByWhatPriceBought(double price)
    {
        var dearer = Newcomer with { InputPrice = new(price / 4), OutputPrice = new(price) };
        var (added, listed) = (ModelArrival.Add(Three, dearer, []), new RoutingPool(Three, new([.. Three.Models, dearer])));

        // Over .5, .7 and .9 at ten times the price each: logits 0, .847, 2.197.
        var step = Math.Log(10);
        var slope = 2.197 * step / ((2 * step * step) + 1);
        var logit = Math.Log(.9 / .1) + (slope * Math.Min(3, Math.Log(price / 40)));
        Predicted(added).ShouldBe((float)(1 / (1 + Math.Exp(-logit))), 2e-3f);
        OutcomesOf(listed)[^1].Quality.ShouldBe(Predicted(added), 1e-5f);
        listed.Values.Quality[0].ShouldBe(RoutingPool.OfSnapshot(added).Values.Quality[0], 1e-3f);
    }

    [Fact]
    public void Add_DearerThanItsSiblingWherePriceBoughtNothing_StartsAsIt()
    {
        var worse = ByHand([new("small", 0.9f, 0.4), new("medium", 0.7f, 4), new("large", 0.5f, 40)]);

        Predicted(ModelArrival.Add(worse, Profile("large-2", 400) with { Sibling = new("large") }, [])).ShouldBe(.5f, 1e-5f);
    }

    /// <summary>No price is near its own: it is like the dearest, whatever the distance.</summary>
    [Fact]
    public void Add_FarDearerThanAllWithoutASibling_IsLikeTheDearest()
    {
        var snapshot = ModelArrival.Add(Three, Profile("newcomer", 1e5), []);

        Predicted(snapshot).ShouldBe(.9f, 1e-3f);
        snapshot.Heads[3].KnownTo.ShouldBe(Three.Heads[2].KnownTo);
    }

    [Fact]
    public void Add_PriceOfTokensBesideASiblingBilledWithout_CostsAsItIsPriced()
    {
        var newcomer = new ModelProfile(new("large-2"), new(0), new(10)) { Sibling = new("large") };

        foreach (var pool in (RoutingPool[])[RoutingPool.OfSnapshot(ModelArrival.Add(Billed, newcomer, [])), new(Billed, new([.. Billed.Models, newcomer]))])
        {
            // 300 tokens at $10 a million, beside the sibling's 100 millionths.
            OutcomesOf(pool)[3].CostUsd.ShouldBe(3e-3f, 1e-6f);
            OutcomesOf(pool)[2].CostUsd.ShouldBe(1e-4f, 1e-7f);
            pool.CostScaleUsd.ShouldBe(3e-3, 1e-6);
            pool.Values.RelativeCost[^1].ShouldBe(.0333f, 1e-3f);
        }
    }

    [Fact]
    public void List_PricePerTokenOfAModelKnownByBillsAlone_IsChargedForTokens()
    {
        var listed = new ModelCatalog([.. Billed.Models.Take(2), Billed.Models[2] with { InputPrice = new(5), OutputPrice = new(10) }]);
        var doubled = new ModelCatalog([.. Billed.Models.Take(2), Billed.Models[2] with { OutputPrice = new(2) }]);

        // 300 tokens at $10 a million and 10 of the prompt at $5, beside 100 millionths for each of the others.
        OutcomesOf(new(Billed, listed))[2].CostUsd.ShouldBe(3.05e-3f, 1e-6f);
        OutcomesOf(new(Billed, listed))[0].CostUsd.ShouldBe(1e-4f, 1e-7f);
        new RoutingPool(Billed, listed).CostScaleUsd.ShouldBe(3e-3, 1e-6, "the sample's prompts are empty");
        OutcomesOf(new(Billed, doubled))[2].CostUsd.ShouldBe(2e-4f, 1e-7f);
        new RoutingPool(Billed, doubled).CostScaleUsd.ShouldBe(2e-4, 1e-7);
    }

    [Fact]
    public void Add_ModelOfTheOtherKind_IsToldFromItsSiblingByFewAnswers()
    {
        // Models 0 and 1 of the table answer one kind of request each; the newcomer answers the other kind than its declared sibling does.
        var known = TwoKinds;
        var answers = Prediction.SomeTables.TwoKinds(24, seed: 5);
        var (sibling, real) = (0, 1);
        var snapshot = ModelArrival.Add(known, Profile("newcomer", 1) with { Sibling = known.Models[sibling].Id }, [.. Enumerable.Range(0, 24).Select(i => new GradedAnswer(answers.Queries[i], answers.Score[(i * 4) + real]))]);
        var fresh = Prediction.SomeTables.TwoKinds(100, seed: 6);

        Error(snapshot, 4).ShouldBeLessThan(.7 * Error(known, sibling));

        double Error(Snapshot of, int model)
        {
            var pool = RoutingPool.OfSnapshot(of);
            var (into, outcomes, tokens, projected) = (new RequestEncoding(), new Outcome[pool.Catalog.Count], new float[pool.Catalog.Count], new float[pool.Projected]);
            return Enumerable.Range(0, 100).Average(i =>
            {
                of.Encoder.Encode(fresh.Queries[i], into);
                pool.Predict(into, 10, outcomes, tokens, projected);
                return Math.Pow(outcomes[model].Quality - fresh.Score[(i * 4) + real], 2);
            });
        }
    }

    [Fact]
    public void Add_KnownModelOrBadScore_IsRefused()
    {
        Should.Throw<ArgumentException>(() => ModelArrival.Add(Three, Profile("small", 1), [])).Message.ShouldContain("knows model 'small' already");
        Should.Throw<ArgumentException>(() => ModelArrival.Add(Three, Newcomer, [new("text", 1.5f)])).Message.ShouldContain("score 1.5");
    }

    private static float Predicted(Snapshot snapshot) => OutcomesOf(RoutingPool.OfSnapshot(snapshot))[^1].Quality;

    private static Outcome[] OutcomesOf(RoutingPool pool)
    {
        var (outcomes, tokens) = (new Outcome[pool.Catalog.Count], new float[pool.Catalog.Count]);
        pool.Predict(new RequestEncoding(), 10, outcomes, tokens, new float[pool.Projected]);
        return outcomes;
    }
}
