using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Core.Tests.Prediction;
using static MetaRouter.Core.Tests.MetaLearning.SomeSnapshots;

namespace MetaRouter.Core.Tests.Routing;

public class RoutingPoolTests
{
    private static readonly Snapshot Three = ByHand([new("small", 0.5f, 0.4), new("medium", 0.7f, 4, 200), new("large", 0.9f, 40)], Sample(3, 0.5f, 0.7f, 0.9f, 0.5f, 0.5f, 1));

    [Fact]
    public void Predict_ByHand_IsHeadAndPrice()
    {
        var (outcomes, tokens) = Predict(RoutingPool.OfSnapshot(Three), promptTokens: 1000);
        outcomes.Select(o => o.Quality).ShouldBe([0.5f, 0.7f, 0.9f], 1e-5);
        tokens.ShouldBe([100, 200, 100], 1e-3);
        outcomes.Select(o => o.CostUsd * 1e6f).ShouldBe([140, 1800, 14_000], 0.1);
        outcomes.ShouldAllBe(o => Math.Abs(o.LatencySeconds - 2) < 1e-5 && o.IsValid);
    }

    [Theory]
    [InlineData(150, 140, 1600, 14_000)]
    [InlineData(50, 120, 1200, 12_000)]
    public void Predict_CompletionWithALimit_CountsNoMoreTokens(int limit, float small, float medium, float large)
    {
        var pool = RoutingPool.OfSnapshot(Three);

        var (outcomes, tokens) = Predict(pool, promptTokens: 1000, limit: limit);

        outcomes.Select(o => o.CostUsd * 1e6f).ShouldBe([small, medium, large], 0.1);
        tokens.ShouldAllBe(t => t <= limit);
        outcomes.Select(o => o with { CostUsd = 0 }).ShouldBe(Predict(pool, promptTokens: 1000).Outcomes.Select(o => o with { CostUsd = 0 }));
        pool.PredictCostUsd("text", 1000, pool.Catalog.Models[2].Id, limit, new RequestEncoding()).ShouldBe(large * 1e-6, 1e-7);
    }

    /// <summary>Of models that were only ever billed what is foretold are millionths of a dollar, which a limit of tokens says nothing of.</summary>
    [Fact]
    public void Predict_CompletionWithALimit_LeavesWhatIsNotForetoldInTokens()
    {
        var billed = new Snapshot(Three.Origin, Three.Encoder, Three.Projection, Three.Forest, [.. Three.Models.Select(m => m with { InputPrice = new(0), OutputPrice = new(PriceFit.NominalUsdPerMillion) })], Three.Heads, Three.OutcomeCorrelation, Three.Calibration, Three.Prior);
        var pool = RoutingPool.OfSnapshot(billed);

        Predict(pool, promptTokens: 1000, limit: 5).Outcomes.ShouldBe(Predict(pool, promptTokens: 1000).Outcomes);

        var priced = new RoutingPool(billed, new ModelCatalog([Three.Models[0]])); // at a price a token its mean call counts as a typical one
        Predict(priced, promptTokens: 1000, limit: 5).Tokens.ShouldBe([5]);
    }

    [Fact]
    public void Predict_PromptTokensUnknown_AreEstimatedFromTheText()
    {
        var into = new RequestEncoding();
        Three.Encoder.Encode("some text of seven words or so", into);
        Predict(RoutingPool.OfSnapshot(Three), float.NaN, "some text of seven words or so").Outcomes
            .ShouldBe(Predict(RoutingPool.OfSnapshot(Three), into.Tokens, "some text of seven words or so").Outcomes);
    }

    [Fact]
    public void Predict_PriceChanged_ScalesCostAndTouchesNothingElse()
    {
        var snapshot = TwoKinds;
        var before = Predict(RoutingPool.OfSnapshot(snapshot), 50, "Write a poem about the sea");
        var doubled = new ModelCatalog(snapshot.Models.Select((m, i) => i == 1 ? m with { InputPrice = new(m.InputPrice.Usd * 2), OutputPrice = new(m.OutputPrice.Usd * 2) } : m));
        var after = Predict(new RoutingPool(snapshot, doubled), 50, "Write a poem about the sea");
        after.Tokens.ShouldBe(before.Tokens);
        for (var k = 0; k < 4; k++)
        {
            (after.Outcomes[k] with { CostUsd = 0 }).ShouldBe(before.Outcomes[k] with { CostUsd = 0 });
            after.Outcomes[k].CostUsd.ShouldBe(before.Outcomes[k].CostUsd * (k == 1 ? 2 : 1), before.Outcomes[k].CostUsd * 1e-5f);
        }
    }

    [Fact]
    public void Predict_OutputScale_MultipliesCompletionTokensAndTheirCostAlone()
    {
        var pool = Pool(Profile("small", 0.4), Profile("medium", 4) with { OutputScale = 7 }, Profile("large", 40) with { OutputScale = 0.5 });

        var (outcomes, tokens) = Predict(pool, promptTokens: 1000);

        tokens.ShouldBe([100, 1400, 50], 1e-3);
        outcomes.Select(o => o.CostUsd * 1e6f).ShouldBe([140, 6600, 12_000], 0.1);
        outcomes.Select(o => o with { CostUsd = 0 }).ShouldBe(Predict(RoutingPool.OfSnapshot(Three), promptTokens: 1000).Outcomes.Select(o => o with { CostUsd = 0 }));
        pool.PredictCostUsd("text", 1000, new("medium"), 0, new RequestEncoding()).ShouldBe(6600e-6, 1e-7);
        pool.PredictOutputTokens("text", new("medium"), 0, new RequestEncoding()).ShouldBe(1400, 1e-3f);
        Predict(pool, promptTokens: 1000, limit: 300).Tokens.ShouldBe([100, 300, 50], 1e-3); // the limit is on what is then expected
    }

    [Fact]
    public void Predict_OutputScaleOf1_ChangesNoBit()
    {
        var (outcomes, tokens) = Predict(RoutingPool.OfSnapshot(TwoKinds), 50, "Write a poem about the sea");
        var scaled = Predict(new RoutingPool(TwoKinds, new ModelCatalog(TwoKinds.Models.Select(m => m with { OutputScale = 1 }))), 50, "Write a poem about the sea");
        scaled.Outcomes.ShouldBe(outcomes);
        scaled.Tokens.ShouldBe(tokens);
    }

    /// <summary>The answers there have no prompt, so that longer ones cost what dearer ones do.</summary>
    [Fact]
    public void New_OutputScale_MovesTheScaleAndTheRecordsAsAPriceDoes()
    {
        var longer = Pool(Profile("small", 0.4), Profile("medium", 4) with { OutputScale = 25 }, Profile("large", 40));
        var dearer = Pool(Profile("small", 0.4), Profile("medium", 100), Profile("large", 40));

        longer.CostScaleUsd.ShouldBe(0.01, 1e-9);
        longer.Values.Quality.ToArray().ShouldBe(dearer.Values.Quality.ToArray(), 1e-6);
        longer.Values.RelativeCost.ToArray().ShouldBe(dearer.Values.RelativeCost.ToArray(), 1e-6);
    }

    [Fact]
    public void New_OutputScaleOfAModelNeverSeen_MovesTheScaleAndNotItsKin()
    {
        var (plain, thinks) = (Pool(Profile("small", 0.4), Profile("new", 4)), Pool(Profile("small", 0.4), Profile("new", 4) with { OutputScale = 25 }));
        thinks.CostScaleUsd.ShouldBe(25 * plain.CostScaleUsd, 1e-8);
        Predict(thinks).Outcomes[1].Quality.ShouldBe(Predict(plain).Outcomes[1].Quality);

        Pool(Profile("new-dear", 40) with { OutputScale = 2 }, Profile("new-cheap", 0.4)).CostScaleUsd.ShouldBe(((300 * 10) + (600 * 40)) * 1e-6, 1e-12, "nobody ever saw either");
    }

    [Fact]
    public void Predict_LatencyTheOperatorKnows_Replaces()
    {
        var pool = Pool(Profile("small", 0.4) with { LatencySeconds = 0.25 }, Profile("large", 40));
        Predict(pool).Outcomes.Select(o => o.LatencySeconds).ShouldBe([0.25f, 2], 1e-5);
    }

    [Fact]
    public void Predict_CatalogOrderAndSubset_GoByName()
    {
        Predict(Pool(Profile("large", 40), Profile("small", 0.4))).Outcomes.Select(o => o.Quality).ShouldBe([0.9f, 0.5f], 1e-5);
        Predict(Pool(Profile("medium", 4))).Outcomes[0].Quality.ShouldBe(0.7f, 1e-5);
    }

    [Fact]
    public void Predict_NewModelWithASibling_IsTheSiblingAtItsOwnPrice()
    {
        var (outcomes, tokens) = Predict(Pool(Profile("medium", 4), Profile("medium-2", 1) with { Sibling = new("medium") }), promptTokens: 1000);
        tokens[1].ShouldBe(tokens[0]);
        outcomes[1].Quality.ShouldBe(outcomes[0].Quality);
        outcomes[1].CostUsd.ShouldBe(outcomes[0].CostUsd / 4, 1e-9f);
    }

    [Fact]
    public void Predict_SiblingOfASibling_IsFollowedThroughTheCatalog() =>
        Predict(Pool(Profile("x3", 1) with { Sibling = new("x2") }, Profile("x2", 1) with { Sibling = new("large") })).Outcomes.Select(o => o.Quality).ShouldBe([0.9f, 0.9f], 1e-5);

    [Fact]
    public void Predict_SiblingsInACircle_GoByPrice()
    {
        var circle = Predict(Pool(Profile("x", 4) with { Sibling = new("y") }, Profile("y", 4) with { Sibling = new("z") }, Profile("z", 4) with { Sibling = new("x") })).Outcomes;
        circle.ShouldAllBe(o => o.Quality == Predict(Pool(Profile("alone", 4)), 100, "text").Outcomes[0].Quality);
    }

    [Fact]
    public void Predict_SiblingNobodyKnows_GoesByPrice() =>
        Predict(Pool(Profile("x", 4) with { Sibling = new("unheard-of") })).Outcomes[0].Quality.ShouldBe(Predict(Pool(Profile("alone", 4))).Outcomes[0].Quality);

    [Fact]
    public void Predict_NewModels_LieBetweenTheKnownAndGrowWithPrice()
    {
        double[] prices = [0, 0.01, 0.4, 1, 2, 4, 10, 20, 40, 100, 1000];
        var quality = Predict(Pool([.. prices.Select((p, i) => Profile($"new{i}", p))])).Outcomes.Select(o => o.Quality).ToArray();
        quality.ShouldAllBe(q => q >= 0.5f - 1e-5f && q <= 0.9f + 1e-5f);
        quality.Zip(quality.Skip(1)).ShouldAllBe(p => p.Second >= p.First - 1e-6f);
        quality[0].ShouldBe(0.5f, 0.001f, "below every known price: like the cheapest");
        quality[2].ShouldBe(0.5f, 0.02f);
        quality[5].ShouldBe(0.7f, 0.02f);
        quality[8].ShouldBe(0.9f, 0.02f);
    }

    [Fact]
    public void New_OnlyModelsNeverSeen_RoutesByPrice()
    {
        var pool = Pool(Profile("new-dear", 40), Profile("new-cheap", 0.4));
        pool.CostScaleUsd.ShouldBe((300 * 50) * 1e-6, 1e-12, "a call of 300 and 300 tokens of the dearest");
        pool.Values.Quality[0].ShouldBeGreaterThan(pool.Values.Quality[^1]);
        pool.Values.RelativeCost[0].ShouldBe(1, 1e-6f);
        pool.Values.RelativeCost[^1].ShouldBe(0.01f, 1e-4f);
    }

    [Fact]
    public void New_Calibration_ByHand()
    {
        // 100 tokens each and no prompt: tau is 100 * 40e-6. Rows (.5 .7 .9) and (.5 .5 1): large twice when cost is nothing, small twice when it is all.
        var pool = RoutingPool.OfSnapshot(Three);
        pool.CostScaleUsd.ShouldBe(0.004, 1e-9);
        pool.Context.CostScaleUsd.ShouldBe(pool.CostScaleUsd);
        pool.Context.Correlation.ShouldBe(0.25f);
        (pool.Values.Quality[0], pool.Values.RelativeCost[0]).ShouldBe((0.95f, 1f));
        (pool.Values.Quality[^1], pool.Values.RelativeCost[^1]).ShouldBe((0.5f, 0.01f));

        // Around lambda 0.3: .7 - .03 beats .9 - .3 on the first row, 1 - .3 beats .5 - .003 on the second. Promises were kept, so every position is worth what it promised.
        for (var g = 0; g < PreferenceGrid.Length; g++)
        {
            (float Quality, float Cost)[] raw = [Best(PreferenceGrid.Lambda[g], .5f, .7f, .9f), Best(PreferenceGrid.Lambda[g], .5f, .5f, 1f)];
            pool.Values.Quality[g].ShouldBe(raw.Average(c => c.Quality), 1e-5f);
            pool.Values.RelativeCost[g].ShouldBe(raw.Average(c => c.Cost), 1e-5f);
        }

        pool.Values.Quality[PreferenceGrid.Nearest(0.3)].ShouldBe(.85f, 1e-5f);

        static (float Quality, float Cost) Best(float lambda, params float[] quality) => quality.Zip([0.01f, 0.1f, 1f]).MaxBy(c => c.First - (lambda * c.Second));
    }

    [Fact]
    public void New_AnswersLongerThanExpected_KnowsHowFarCostsMayLie()
    {
        // Two cells expected at 100 tokens that took 50 and 150: off by half, and a Gaussian's deviation is 1.25 mean errors.
        var sample = new CalibrationSample([0, 2], [0, 1], [0.5f, 0.5f], [1, 0], [100, 100], [50, 150], [0, 0]);
        var pool = RoutingPool.OfSnapshot(ByHand([new("a", 0.5f, 1), new("b", 0.7f, 1)], sample));
        pool.Context.CostSpread.ShouldBe((float)(Math.Sqrt(Math.PI / 2) * 0.5), 1e-5f);
        RoutingPool.OfSnapshot(Three).Context.CostSpread.ShouldBe(0, "costs there are as expected");
    }

    [Fact]
    public void New_DisabledModel_IsNotInTheValueTable()
    {
        var pool = Pool(Profile("small", 0.4), Profile("medium", 4), Profile("large", 40) with { Enabled = false });
        pool.CostScaleUsd.ShouldBe(0.0004, 1e-9);
        pool.Values.Quality[0].ShouldBe(0.6f, 1e-5f); // .7 and .5
        pool.Values.Quality.ToArray().ShouldAllBe(q => q < 0.75f);
    }

    [Fact]
    public void New_DisabledModelNobodyEverSaw_DoesNotSetTheScale()
    {
        var pool = Pool(Profile("new", 4), Profile("new-dear", 400) with { Enabled = false });
        pool.CostScaleUsd.ShouldBe((300 * 5) * 1e-6, 1e-12);
    }

    [Fact]
    public void New_EverythingDisabled_StillHasAScale()
    {
        var pool = Pool(Profile("small", 0.4) with { Enabled = false }, Profile("large", 40) with { Enabled = false });
        pool.CostScaleUsd.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void New_AllFree_HasNoCostAndTakesTheBest()
    {
        var pool = Pool(Profile("small", 0), Profile("large", 0));
        pool.CostScaleUsd.ShouldBe(1);
        pool.Values.RelativeCost.ToArray().ShouldAllBe(c => c == 0);
        pool.Values.Quality.ToArray().ShouldAllBe(q => Math.Abs(q - 0.95f) < 1e-5);
        Predict(pool).Outcomes.ShouldAllBe(o => o.CostUsd == 0 && o.IsValid);
        Predict(Pool(Profile("new", 0))).Outcomes[0].IsValid.ShouldBeTrue();
    }

    /// <summary>Of models that nobody is billed for a table has often no tokens: what they are metered by then is no price.</summary>
    [Fact]
    public void New_AllMeteredAtNothingWithoutTokens_IsFree()
    {
        string[] queries = [.. Enumerable.Range(0, 40).Select(i => $"What is item {i}?")];
        var table = SomeTables.Of(["a", "b"], queries, [.. queries.SelectMany((_, i) => new[] { i % 2f, i % 3 == 0 ? 1f : 0 })], new double[2 * queries.Length]);

        var pool = RoutingPool.OfSnapshot(SnapshotTrainer.Train(table, Quick));
        pool.IsFree.ShouldBeTrue();
        Predict(pool).Outcomes.ShouldAllBe(o => o.CostUsd == 0);

        new RoutingPool(pool.Snapshot, new ModelCatalog([new ModelProfile(new ModelId("a"), new(1), new(4)), pool.Snapshot.Models[1]])).IsFree.ShouldBeFalse();
    }

    [Fact]
    public void New_OneModelThatAnswered_FallsBackOnMeans()
    {
        var pool = Pool(Profile("medium", 4));
        pool.Values.Quality.ToArray().ShouldAllBe(q => q == 0.7f);
        pool.CostScaleUsd.ShouldBe(0.0004, 1e-9);
    }

    [Fact]
    public void New_LatencyKnownOfSomeModelsOnly_StillTakesANewModel()
    {
        var heads = Three.Heads.Select((h, i) => i == 0 ? h with { LatencyWeights = [], LatencyFactor = 0 } : h).ToArray();
        var snapshot = new Snapshot("test", Three.Encoder, Three.Projection, Three.Forest, Three.Models, heads, 0.2f, NoSample, PopulationPrior.Default);
        Predict(new RoutingPool(snapshot, new ModelCatalog([Profile("small", 0.4), Profile("new", 4)]))).Outcomes.Select(o => o.LatencySeconds).ShouldBe([0, 2], 1e-5);
    }

    [Fact]
    public void New_TrainedSnapshot_EarnsLessQualityForLessCostAlongTheDial()
    {
        var values = RoutingPool.OfSnapshot(TwoKinds).Values;
        values.Quality[0].ShouldBeGreaterThan(0.85f);
        values.Quality[^1].ShouldBeLessThan(0.4f);
        values.RelativeCost[0].ShouldBeGreaterThan(values.RelativeCost[^1] * 5);
    }

    /// <summary>What a source's requests show of its models beyond their mean over all is in the topics' table already: counted once.</summary>
    [Fact]
    public void Temper_ModelsOfOneSourceAmongSeveral_StandApartOnATopicAsItsTableTells()
    {
        ExtraTrees Silent() => new([0], [new(0, 0, ExtraTrees.Leaf)], [0], [0]);
        var about = new TopicModel(2, new float[2 * (PromptEncoder.Described + 1)]);
        ModelHead[] heads = [.. Three.Heads.Zip([0, .1f, .3f], (h, beyond) => h with { TreeMean = .5f, TreeLoading = [beyond, 0, 0, 0], OnTopic = [beyond, beyond], KnownTo = 1 })];
        var snapshot = new Snapshot("test", Blank.With(about), Three.Projection, new GatedForests([Silent(), Silent()], about), Three.Models, heads, 0.2f, NoSample, PopulationPrior.Default);
        var pool = new RoutingPool(snapshot, new ModelCatalog([Profile("medium", 4), Profile("large", 40)]));

        var (into, counted) = (new RequestEncoding(), new Outcome[2]);
        snapshot.Encoder.Encode("any", into);
        into.Familiarity.ShouldBe(1);
        pool.Temper(into, [new(.5f, 0, 0), new(.5f, 0, 0)], counted);

        // .6 and .8 of requests about this; the prediction says alike, and counts in a share of Detail.
        counted.Select(c => c.Quality).ShouldBe([.5f - (.1f * (1 - Familiarity.Detail)), .5f + (.1f * (1 - Familiarity.Detail))], 1e-5);
    }

    private static RoutingPool Pool(params ModelProfile[] models) => new(Three, new ModelCatalog(models));

    private static (Outcome[] Outcomes, float[] Tokens) Predict(RoutingPool pool, float promptTokens = 100, string text = "any", int limit = 0)
    {
        var into = new RequestEncoding();
        pool.Snapshot.Encoder.Encode(text, into);
        var (outcomes, tokens) = (new Outcome[pool.Catalog.Count], new float[pool.Catalog.Count]);
        pool.Predict(into, promptTokens, outcomes, tokens, new float[pool.Projected], limit);
        return (outcomes, tokens);
    }
}
