using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.Tests.Prediction;

/// <summary>Outcome tables to test with.</summary>
internal static class SomeTables
{
    /// <summary>One row a query, NaN for what is not given.</summary>
    public static OutcomeTable Of(string[] models, string[] queries, float[]? score = null, double[]? costUsd = null, float[]? input = null, float[]? output = null, float[]? latency = null)
    {
        var cells = models.Length * queries.Length;
        return new OutcomeTable(
            "test", [.. models.Select(m => new ModelId(m))], [.. queries.Select((_, i) => $"q{i}")], queries, [.. queries.Select(_ => "all")],
            score ?? Unknown(), costUsd ?? [.. Unknown().Select(v => (double)v)], input ?? Unknown(), output ?? Unknown(), latency ?? Unknown());

        float[] Unknown() => [.. Enumerable.Repeat(float.NaN, cells)];
    }

    /// <summary>
    /// Half the requests are sums, half are poems. "sums" is good at the first, "poems" at the second, "cheap" is poor at both and costs a tenth,
    /// "dear" is fair at both and costs three times as much.
    /// </summary>
    public static OutcomeTable TwoKinds(int rows, int seed, double missing = 0, bool latency = true)
    {
        string[] models = ["sums", "poems", "cheap", "dear"];
        double[] price = [5, 5, 0.5, 15];
        var random = new Random(seed);
        var queries = new string[rows];
        var (score, cost, input, output, seconds) = (new float[rows * 4], new double[rows * 4], new float[rows * 4], new float[rows * 4], new float[rows * 4]);
        for (var i = 0; i < rows; i++)
        {
            var sum = random.Next(2) == 0;
            queries[i] = sum ? Sum(random) : Poem(random);
            for (var k = 0; k < 4; k++)
            {
                var cell = (i * 4) + k;
                var good = k switch { 0 => sum ? 0.95 : 0.15, 1 => sum ? 0.15 : 0.95, 2 => 0.2, _ => 0.6 };
                var seen = random.NextDouble() >= missing;
                (score[cell], input[cell], output[cell], seconds[cell]) = (random.NextDouble() < good ? 1 : 0, 20 + random.Next(20), (sum ? 60 : 300) + random.Next(50), 1 + (k * 0.5f));
                cost[cell] = ((input[cell] * price[k]) + (output[cell] * price[k] * 4)) * 1e-6;
                if (!seen)
                {
                    (score[cell], input[cell], output[cell], seconds[cell], cost[cell]) = (float.NaN, float.NaN, float.NaN, float.NaN, double.NaN);
                }
            }
        }

        return Of(models, queries, score, cost, input, output, latency ? seconds : null);
    }

    /// <summary>
    /// Two benchmarks of <paramref name="rows"/> requests each: "sums" and "poems" answered the first, "counts", "verses" and "dear" the second, whose requests are longer. Who counts is as
    /// good at sums, who writes verses at poems.
    /// </summary>
    public static OutcomeTable TwoSources(int rows, int seed)
    {
        string[] models = ["sums", "poems", "counts", "verses", "dear"];
        var (first, second) = (TwoKinds(rows, seed), TwoKinds(rows, seed + 1));
        var queries = first.Queries.Concat(second.Queries.Select((q, i) => $"Exercise {i} of the second book, for the patient reader. {q}")).ToArray();
        var cells = 2 * rows * models.Length;
        var (score, cost, input, output) = (Unknown(), new double[cells], Unknown(), Unknown());
        Array.Fill(cost, double.NaN);
        for (var i = 0; i < 2 * rows; i++)
        {
            var (table, row, pairs) = i < rows ? (first, i, new[] { (0, 0), (1, 1) }) : (second, i - rows, new[] { (0, 2), (1, 3), (3, 4) });
            foreach (var (from, to) in pairs)
            {
                var (a, b) = ((row * 4) + from, (i * models.Length) + to);
                (score[b], cost[b], input[b], output[b]) = (table.Score[a], table.CostUsd[a], table.InputTokens[a], table.OutputTokens[a]);
            }
        }

        return Of(models, queries, score, cost, input, output);

        float[] Unknown() => [.. Enumerable.Repeat(float.NaN, cells)];
    }

    public static string Sum(Random random) => Pick(random, "Compute", "Solve", "Evaluate", "Simplify") + $" {random.Next(100)} + {random.Next(100)} * {random.Next(9)} = ? " + Pick(random, "Give the number.", "Show the steps.", "Round the result.");

    public static string Poem(Random random) => Pick(random, "Write a poem about", "Compose some verses on", "Sing of") + " " + Pick(random, "the sea", "autumn leaves", "an old lighthouse", "love and rain") + Pick(random, ", gently", ", in rhyme", ", without hope");

    private static string Pick(Random random, params string[] choices) => choices[random.Next(choices.Length)];
}
