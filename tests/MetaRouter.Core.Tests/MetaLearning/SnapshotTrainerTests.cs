using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.Prediction;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Tests.MetaLearning;

public class SnapshotTrainerTests
{
    [Fact]
    public void Train_TwoKindsOfText_RoutesEachToItsModel() => ShareRoutedRight(SomeSnapshots.TwoKinds).ShouldBeGreaterThan(0.9);

    [Fact]
    public void Train_AThirdOfTheCellsMissing_StillRoutesEachToItsModel() =>
        ShareRoutedRight(SnapshotTrainer.Train(SomeTables.TwoKinds(200, seed: 2, missing: 1 / 3.0), SomeSnapshots.Quick)).ShouldBeGreaterThan(0.9);

    /// <summary>A request like those of one benchmark, and models of the other: the logistic model links them by what they have in common.</summary>
    [Fact]
    public void Train_TwoBenchmarksOfOtherModels_RoutesAmongTheModelsOfEachAndAcross()
    {
        var snapshot = SomeSnapshots.TwoSources;
        snapshot.Forest.Forests.Length.ShouldBe(2);
        foreach (var pool in new[] { new[] { "sums", "poems" }, ["counts", "verses", "dear"], ["sums", "verses"], ["counts", "poems"] })
        {
            var router = new RoutingPool(snapshot, new ModelCatalog(snapshot.Models.Where(m => pool.Contains(m.Id.Value))));
            var random = new Random(3);
            for (var i = 0; i < 50; i++)
            {
                var isSum = i % 2 == 0;
                var best = Best(router, isSum ? SomeTables.Sum(random) : SomeTables.Poem(random));
                best.ShouldBeOneOf(isSum ? ["sums", "counts"] : ["poems", "verses"]);
            }
        }

        static string Best(RoutingPool router, string text)
        {
            var (encoding, outcomes, tokens, projected) = (new RequestEncoding(), new Outcome[router.Catalog.Count], new float[router.Catalog.Count], new float[router.Projected]);
            router.Snapshot.Encoder.Encode(text, encoding);
            router.Predict(encoding, float.NaN, outcomes, tokens, projected);
            return router.Catalog.Models[outcomes.Index().MaxBy(o => o.Item.Quality).Index].Id.Value;
        }
    }

    [Fact]
    public void Train_KnownPrices_AreRecovered()
    {
        var models = SomeSnapshots.TwoKinds.Models;
        models.Select(m => m.InputPrice.Usd).ShouldBe([5, 5, 0.5, 15]);
        models.Select(m => m.OutputPrice.Usd).ShouldBe([20, 20, 2, 60]);
    }

    [Fact]
    public void Train_Tokens_AreLearnedByKind()
    {
        var (sum, poem) = (Predict(SomeSnapshots.TwoKinds, SomeTables.Sum(new Random(1))), Predict(SomeSnapshots.TwoKinds, SomeTables.Poem(new Random(1))));
        sum.Tokens[0].ShouldBeInRange(60, 120);
        poem.Tokens[0].ShouldBeInRange(250, 400);
        poem.Outcomes[3].LatencySeconds.ShouldBe(2.5f, 0.5f);
    }

    [Theory]
    [InlineData("")]
    [InlineData("今天天气很好")]
    public void Train_TextOfUnknownWords_IsExpectedToTakeAnAverageAnswer(string text) =>
        Predict(SomeSnapshots.TwoKinds, text).Tokens.ShouldAllBe(t => t >= 85 && t <= 325, "requests took 60 to 350 tokens");

    [Fact]
    public void Train_SameSeed_IsTheSameBytesWhateverTheThreads()
    {
        var again = OneThread.Run(() => SnapshotTrainer.Train(SomeTables.TwoKinds(200, seed: 1), SomeSnapshots.Quick));
        SnapshotCodec.Write(again).AsSpan().SequenceEqual(SnapshotCodec.Write(SomeSnapshots.TwoKinds)).ShouldBeTrue();
        again.Version.ShouldBe(SomeSnapshots.TwoKinds.Version);
    }

    [Fact]
    public void Train_OtherSeed_IsAnotherModel() =>
        SnapshotTrainer.Train(SomeTables.TwoKinds(200, seed: 1), SomeSnapshots.Quick with { Seed = 2, CalibrationFolds = 0 }).Heads[0].Ability.ShouldNotBe(SomeSnapshots.TwoKinds.Heads[0].Ability);

    [Fact]
    public void Train_CalibrationSample_HoldsEveryAnsweredCellAndNoMore()
    {
        var sample = SomeSnapshots.TwoKinds.Calibration;
        sample.Rows.ShouldBe(200);
        sample.Model.Length.ShouldBe(800);
        sample.Score.Average().ShouldBe(SomeTables.TwoKinds(200, seed: 1).Score.Average(), 1e-4f);
        Enumerable.Range(0, 800).Average(i => Math.Pow(sample.Quality[i] - sample.Score[i], 2)).ShouldBeLessThan(0.17, "cross-fitted predictions beat the mean, .25");
    }

    [Fact]
    public void Train_NoLatencyOrTokensOrCosts_StillReadsBack()
    {
        var full = SomeTables.TwoKinds(40, seed: 3, latency: false);
        var bare = SomeTables.Of([.. full.Models.Select(m => m.Value)], [.. full.Queries], score: full.Score);
        var snapshot = SnapshotCodec.Read(SnapshotCodec.Write(SnapshotTrainer.Train(bare, SomeSnapshots.Quick)));
        snapshot.Heads.ShouldAllBe(h => h.LatencyFactor == 0 && h.LatencyWeights.Length == 0);
        Predict(snapshot, "anything").Outcomes.ShouldAllBe(o => o.IsValid && o.LatencySeconds == 0 && o.CostUsd == 0);
    }

    [Fact]
    public void Train_NoCalibration_StillRoutes()
    {
        var snapshot = SnapshotTrainer.Train(SomeTables.TwoKinds(40, seed: 4), SomeSnapshots.Quick with { CalibrationFolds = 0 });
        snapshot.Calibration.Rows.ShouldBe(0);
        RoutingPool.OfSnapshot(snapshot).CostScaleUsd.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Train_TooFewRows_NamesTheTableAndTheNeed()
    {
        var message = Should.Throw<ArgumentException>(() => SnapshotTrainer.Train(SomeTables.TwoKinds(19, seed: 1))).Message;
        message.ShouldContain("'test' has 19 rows");
        message.ShouldContain("at least 20");
    }

    [Fact]
    public void Train_NoScores_IsRefused() =>
        Should.Throw<ArgumentException>(() => SnapshotTrainer.Train(SomeTables.Of(["a"], [.. Enumerable.Range(0, 30).Select(i => $"{i}")]))).Message.ShouldContain("with scores");

    [Fact]
    public void Train_ALimitedSample_IsFull() =>
        SnapshotTrainer.Train(SomeTables.TwoKinds(40, seed: 4), SomeSnapshots.Quick with { CalibrationFolds = 2, CalibrationRows = 15 }).Calibration.Rows.ShouldBe(15);

    /// <summary>Scores that follow no text: two models alike, against each other, and each by its own coin.</summary>
    [Theory]
    [InlineData("alike", 0.9f, 0.9f)]
    [InlineData("against", 0, 0)]
    [InlineData("apart", 0, 0.2f)]
    public void Train_OutcomesOfTwoModels_CorrelateAsTheyDo(string how, float least, float most)
    {
        var random = new Random(3);
        string[] queries = [.. Enumerable.Range(0, 200).Select(_ => SomeTables.Sum(random))];
        float[] score = [.. queries.SelectMany(_ => Pair(random.Next(2)))];
        var snapshot = SnapshotTrainer.Train(SomeTables.Of(["a", "b"], queries, score), SomeSnapshots.Quick with { CalibrationFolds = 2 });
        snapshot.OutcomeCorrelation.ShouldBeInRange(least, most);

        float[] Pair(int coin) => how switch { "alike" => [coin, coin], "against" => [coin, 1 - coin], _ => [coin, random.Next(2)] };
    }

    [Fact]
    public void Train_PenaltiesToChooseFrom_TakesTheOneThatPredicts() =>
        SnapshotTrainer.Train(SomeTables.TwoKinds(200, seed: 1), SomeSnapshots.Quick with { Decays = [10, 1e-3f], CalibrationFolds = 0 }).Heads[0].Ability.Max(Math.Abs).ShouldBeGreaterThan(.1f);

    /// <summary>One model counts fewer tokens the longer the text, the other twice as many as estimated, less 6: neither a ratio nor an offset below 0 makes sense.</summary>
    [Fact]
    public void Train_PromptTokensThatFitNoLineAboveZero_AreHeldToIt()
    {
        string[] queries = [.. Enumerable.Range(0, 40).Select(i => string.Concat(Enumerable.Repeat("again and again ", 1 + (i % 9))))];
        float[] estimate = [.. queries.Select(Tokens)];
        float[] tokens = [.. estimate.SelectMany(e => (float[])[100 - e, (2 * e) - 6])];
        var table = SomeTables.Of(["falls", "below"], queries, [.. tokens.Select((_, i) => i % 3 == 0 ? 1f : 0)], input: tokens);
        var heads = SnapshotTrainer.Train(table, SomeSnapshots.Quick with { CalibrationFolds = 0 }).Heads;
        (heads[0].PromptTokenRatio, heads[1].PromptTokenOffset).ShouldBe((0, 0));
        heads[0].PromptTokenOffset.ShouldBe(100 - estimate.Average(), 1e-2f);
        heads[1].PromptTokenRatio.ShouldBe(2, 1e-3f);

        static float Tokens(string text)
        {
            var counter = new NgramCounter();
            counter.Read(text);
            return counter.TokenEstimate;
        }
    }

    [Fact]
    public void Train_Leaves_HoldSixteenRowsOrMore()
    {
        var forest = SomeSnapshots.TwoKinds.Forest.Forests[0];
        (forest.Leaves.Length / forest.Targets).ShouldBeLessThanOrEqualTo(SomeSnapshots.Quick.Trees * 200 / 16);
    }

    /// <summary>Fewer than a twentieth of a benchmark's requests do not make a model known to it.</summary>
    [Fact]
    public void Train_AFewAnswersInAnotherBenchmark_DoNotMakeAModelKnownThere()
    {
        var table = SomeTables.TwoSources(600, seed: 1);
        var counts = table.Models.Index().Single(m => m.Item.Value == "counts").Index;
        for (var row = 0; row < 29; row++)
        {
            table.Score[(row * table.ModelCount) + counts] = 1;
        }

        var heads = SnapshotTrainer.Train(table, SomeSnapshots.Quick with { Decays = [1e-3f], Trees = 3, CalibrationFolds = 0 }).Heads;
        heads[counts].KnownTo.ShouldBe(heads[counts + 1].KnownTo);
        heads[counts].KnownTo.ShouldNotBe(heads[0].KnownTo);
    }

    /// <summary>A rank above what a receipt carries, or a penalty that is no number, gave a snapshot that nothing could read.</summary>
    [Fact]
    public void Train_OptionsOutsideTheirRanges_NamesEach()
    {
        var wrong = new TrainingOptions { Rank = 16, Decays = [1e-3f, float.NaN], Trees = 0, LeafShare = double.NaN, CalibrationFolds = 1, CalibrationRows = -1 };
        var message = Should.Throw<ArgumentException>(() => SnapshotTrainer.Train(SomeTables.TwoKinds(30, seed: 1), wrong)).Message;
        message.ShouldContain("Rank is 16; set a length from 1 to 15");
        message.ShouldContain("Decays is [0.001, NaN]");
        message.ShouldContain("Trees is 0");
        message.ShouldContain("LeafShare is NaN");
        message.ShouldContain("CalibrationFolds is 1");
        message.ShouldContain("CalibrationRows is -1");
    }

    [Fact]
    public void Train_OptionsAtTheEndsOfTheirRanges_ReadsBack()
    {
        foreach (var options in new TrainingOptions[]
        {
            new() { Rank = 1, Decays = [0], Trees = 1, LeafShare = 0, CalibrationFolds = 0, CalibrationRows = 0 },
            new() { Rank = TrainingOptions.MaxRank, Decays = [1], Trees = 1, LeafShare = 1, CalibrationFolds = 2, CalibrationRows = 0 },
        })
        {
            var read = SnapshotCodec.Read(SnapshotCodec.Write(SnapshotTrainer.Train(SomeTables.TwoKinds(30, seed: 1), options)));
            read.Heads[0].Ability.Length.ShouldBe(options.Rank);
            read.Calibration.Model.ShouldBeEmpty();
            Predict(read, "anything").Outcomes.ShouldAllBe(o => o.IsValid);
        }
    }

    [Fact]
    public void Validate_NoPenalty_IsRefused() => Should.Throw<ArgumentException>(() => new TrainingOptions { Decays = [] }.Validate()).Message.ShouldContain("Decays is []");

    [Fact]
    public void Train_Cancelled_Stops()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Should.Throw<OperationCanceledException>(() => SnapshotTrainer.Train(SomeTables.TwoKinds(30, seed: 1), SomeSnapshots.Quick, cancellationToken: stop.Token));
    }

    private static double ShareRoutedRight(Snapshot snapshot)
    {
        var random = new Random(99);
        return Enumerable.Range(0, 100).Count(i => Best(i % 2 == 0 ? SomeTables.Sum(random) : SomeTables.Poem(random)) == i % 2) / 100.0;

        int Best(string text)
        {
            var outcomes = Predict(snapshot, text).Outcomes;
            return Array.IndexOf(outcomes, outcomes.MaxBy(o => o.Quality));
        }
    }

    private static (Outcome[] Outcomes, float[] Tokens) Predict(Snapshot snapshot, string text)
    {
        var pool = RoutingPool.OfSnapshot(snapshot);
        var into = new RequestEncoding();
        snapshot.Encoder.Encode(text, into);
        var (outcomes, tokens) = (new Outcome[pool.Catalog.Count], new float[pool.Catalog.Count]);
        pool.Predict(into, float.NaN, outcomes, tokens, new float[pool.Projected]);
        return (outcomes, tokens);
    }
}
