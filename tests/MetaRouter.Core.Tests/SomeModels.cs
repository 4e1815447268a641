using System.Globalization;
using System.Security.Cryptography;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Tests;

/// <summary>
/// Eight made-up models, "m0" to "m7", each better and dearer than the one before, with ever less to gain; a snapshot trained on them once for all tests.
/// </summary>
internal static class SomeModels
{
    public const int Count = 8;

    private static readonly double[] Quality = [.30, .50, .60, .68, .74, .79, .83, .86];

    private static readonly Lazy<RoutingPool> Trained = new(() => RoutingPool.OfSnapshot(SnapshotTrainer.Train(Table(240, seed: 1), new TrainingOptions { Rank = 3, Decays = [1e-3f], Trees = 20, CalibrationFolds = 2 })));

    public static RoutingPool Pool => Trained.Value;

    public static RoutingPolicy Policy { get; } = PolicyOf(new GuardrailOptions());

    public static ModelId Id(int k) => new($"m{k}");

    public static RoutingPolicy PolicyOf(GuardrailOptions guardrails) => new(new ReceiptSealer([new ReceiptKey(1, SHA256.HashData([1]))]), new Guardrails(guardrails), new ExplorationPolicy());

    /// <summary>The same snapshot at other prices.</summary>
    public static RoutingPool PoolAt(double priceFactor) => new(Pool.Snapshot, new ModelCatalog(Pool.Catalog.Models.Select(m => m with
    {
        InputPrice = new PricePerMillionTokens(m.InputPrice.Usd * priceFactor),
        OutputPrice = new PricePerMillionTokens(m.OutputPrice.Usd * priceFactor),
    })));

    /// <summary>A request like those of training.</summary>
    public static string Ask(int i)
    {
        string[] poem = ["verse", "rhyme", "sonnet", "rose", "moon", "lyric"], sum = ["add", "integral", "prime", "matrix", "root", "digit"];
        var (words, random) = (i % 2 == 0 ? poem : sum, new Random(i));
        return string.Create(CultureInfo.InvariantCulture, $"please {words[random.Next(6)]} {words[random.Next(6)]} {words[random.Next(6)]} item {i}");
    }

    private static OutcomeTable Table(int rows, int seed)
    {
        var random = new Random(seed);
        var (score, cost, input, output) = (new float[rows * Count], new double[rows * Count], new float[rows * Count], new float[rows * Count]);
        for (var cell = 0; cell < score.Length; cell++)
        {
            var (row, k) = (cell / Count, cell % Count);
            score[cell] = random.NextDouble() < Quality[k] + (row % 2 == 0 ? .08 : -.08) ? 1 : 0; // poems are easier
            (input[cell], output[cell]) = (20, 150 + random.Next(100));
            cost[cell] = ((input[cell] * (k + 1)) + (output[cell] * 4 * (k + 1))) * 1e-6;
        }

        float[] unknown = [.. Enumerable.Repeat(float.NaN, score.Length)];
        return new OutcomeTable("some", [.. Enumerable.Range(0, Count).Select(Id)], [.. Enumerable.Range(0, rows).Select(i => $"r{i}")], [.. Enumerable.Range(0, rows).Select(Ask)], [.. Enumerable.Repeat("some", rows)], score, cost, input, output, unknown);
    }
}
