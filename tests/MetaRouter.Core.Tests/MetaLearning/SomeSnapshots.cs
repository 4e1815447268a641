using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Tests.Prediction;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Tests.MetaLearning;

/// <summary>Snapshots to test with.</summary>
internal static class SomeSnapshots
{
    public static readonly TrainingOptions Quick = new() { Trees = 30, Rank = 3, Decays = [1e-3f, 3e-3f] };

    private static readonly Lazy<Snapshot> Kinds = new(() => SnapshotTrainer.Train(SomeTables.TwoKinds(200, seed: 1), Quick));
    private static readonly Lazy<Snapshot> Topics = new(() => SnapshotTrainer.Train(Named(SomeTables.TwoKinds(200, seed: 1)), Quick));

    /// <summary>Knows two words and no n-gram.</summary>
    public static PromptEncoder Blank { get; } = new(new float[NgramCounter.Buckets], new sbyte[NgramCounter.Buckets * PromptEncoder.Dense], new float[PromptEncoder.Dense], TwoWords());

    /// <summary>Vectors for the words of buckets 3 and 5.</summary>
    private static WordVectors TwoWords()
    {
        var (marks, rows, scale) = (new ushort[NgramCounter.WordBuckets], new sbyte[NgramCounter.WordBuckets * WordVectors.Dense], new float[WordVectors.Dense]);
        (marks[3], marks[5]) = (7, 9);
        rows.AsSpan(3 * WordVectors.Dense, WordVectors.Dense).Fill(1);
        rows.AsSpan(5 * WordVectors.Dense, WordVectors.Dense).Fill(-1);
        scale.AsSpan().Fill(0.5f);
        return new WordVectors(marks, rows, scale);
    }

    /// <summary>Trained on <see cref="SomeTables.TwoKinds"/>: 200 requests, 4 models.</summary>
    public static Snapshot TwoKinds => Kinds.Value;

    /// <summary>The same, told which requests are sums and which are poems.</summary>
    public static Snapshot TwoTopics => Topics.Value;

    /// <summary>
    /// Two benchmarks in one table: of the first 600 requests "sums" and "poems" answered, of the 600 others "counts", "verses" and "dear", who are what those are. Both are of sums and
    /// poems, the second of longer ones.
    /// </summary>
    public static Snapshot TwoSources => Sources.Value;

    /// <summary>The same, told which requests are sums and which are poems: every part that the format has.</summary>
    public static Snapshot TwoSourcesOfTwoTopics => SourcesOfTopics.Value;

    private static readonly Lazy<Snapshot> SourcesOfTopics = new(() => SnapshotTrainer.Train(Named(SomeTables.TwoSources(600, seed: 1)), Quick));

    private static readonly Lazy<Snapshot> Sources = new(() => SnapshotTrainer.Train(SomeTables.TwoSources(600, seed: 1), Quick));

    private static OutcomeTable Named(OutcomeTable t) =>
        new(t.Name, t.Models, t.Ids, t.Queries, [.. t.Queries.Select(q => q.Contains('=', StringComparison.Ordinal) ? "sums" : "poems")], t.Score, t.CostUsd, t.InputTokens, t.OutputTokens, t.LatencySeconds);

    /// <summary>A model of a snapshot made by hand: predictions do not depend on the request.</summary>
    /// <param name="Quality">Expected, of every request.</param>
    /// <param name="Price">US dollars per million completion tokens; prompts cost a quarter.</param>
    /// <param name="Tokens">Completion tokens of every request.</param>
    public sealed record Known(string Id, float Quality, double Price, float Tokens = 100);

    public static ModelProfile Profile(string id, double price) => new(new(id), new(price / 4), new(price));

    /// <summary>A snapshot whose every number is known.</summary>
    public static Snapshot ByHand(IReadOnlyList<Known> models, CalibrationSample? sample = null)
    {
        var half = BitConverter.SingleToInt32Bits(0.5f);
        var forest = new ExtraTrees([0, 3], [new(half, 2, 70), new(0, 0, ExtraTrees.Leaf), new(1, 0, ExtraTrees.Leaf), new(2, 0, ExtraTrees.Leaf)], [0, 0, 0], [0.01f]);
        var heads = models.Select(m => new ModelHead(
            MathF.Log(m.Quality / (1 - m.Quality)), [0], m.Quality, [0], new float[PromptEncoder.Features], m.Tokens, 0, 1, new float[PromptEncoder.Features], 2));
        return new Snapshot("by hand", Blank, new float[2 * PromptEncoder.Features], new GatedForests(forest), [.. models.Select(m => Profile(m.Id, m.Price))], [.. heads], 0.25f, sample ?? NoSample, PopulationPrior.Default);
    }

    public static CalibrationSample NoSample => new([0], [], [], [], [], [], []);

    /// <summary>Every model answered every row, as expected, with 100 completion tokens and no prompt.</summary>
    /// <param name="score">Rows x models: expected and realised quality.</param>
    public static CalibrationSample Sample(int models, params float[] score)
    {
        float[] tokens = [.. score.Select(_ => 100f)];
        return new([.. Enumerable.Range(0, (score.Length / models) + 1).Select(i => i * models)], [.. score.Select((_, i) => (ushort)(i % models))], score, score, tokens, tokens, [.. score.Select(_ => 0f)]);
    }
}
