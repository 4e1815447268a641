using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Baselines.Learning;
using MetaRouter.Evaluation.Baselines.Personal;

namespace MetaRouter.Evaluation.Tests.Baselines;

/// <summary>Every gradient written by hand is what differences say it is, at weights that are not special.</summary>
public sealed class GradientTests
{
    private const double Step = 1e-5;

    private static readonly OutcomeTable s_table = WithAGap(Topics.Table(80, 0));

    public static TheoryData<string> Losses => ["routellm-mf", "uniroute", "cross-attention", "confidence-driven", "barp", "amortised encoder"];

    [Theory]
    [MemberData(nameof(Losses))]
    public void Gradient_OfEachLoss_IsItsSlope(string name)
    {
        var loss = Create(name);
        var random = new Random(5);
        var weights = loss.Start(random);
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] += .3 * (random.NextDouble() - .5);
        }

        foreach (var row in (int[])[0, 1, 2, 7])
        {
            var gradient = new double[weights.Length];
            loss.Of(weights, row, gradient).ShouldBe(loss.Of(weights, row, []), 1e-12);
            gradient.Max(Math.Abs).ShouldBeGreaterThan(1e-3);
            var checkedSlopes = 0;
            foreach (var at in Enumerable.Range(0, 150).Select(_ => random.Next(weights.Length)).Append(Array.IndexOf(gradient, gradient.Max())))
            {
                var kept = weights[at];
                weights[at] = kept + Step;
                var up = loss.Of(weights, row, []);
                weights[at] = kept - Step;
                var slope = (up - loss.Of(weights, row, [])) / (2 * Step);
                weights[at] = kept;
                gradient[at].ShouldBe(slope, 1e-6 + (1e-4 * Math.Abs(slope)), $"{name}, row {row}, weight {at}");
                checkedSlopes += slope == 0 ? 0 : 1;
            }

            checkedSlopes.ShouldBeGreaterThan(20);
        }
    }

    [Fact]
    public void Gradient_IsAddedToWhatIsThere()
    {
        var loss = Create("routellm-mf");
        var weights = loss.Start(new Random(1));
        var (once, twice) = (new double[weights.Length], new double[weights.Length]);
        loss.Of(weights, 0, once);
        loss.Of(weights, 0, twice);
        loss.Of(weights, 0, twice);
        twice.ShouldBe(once.Select(g => 2 * g), 1e-12);
    }

    private static ILoss Create(string name)
    {
        var (text, _) = TextVectors.Read(s_table, s_table);
        int[] rows = [.. Enumerable.Range(0, s_table.Rows)];
        return name switch
        {
            "routellm-mf" => new RouteLlmMatrix.Loss(s_table, text),
            "uniroute" => Uni(text, rows),
            "cross-attention" => new CrossAttention.Loss(s_table, text, CrossAttention.Embed(s_table, text, rows, 0, default)),
            "confidence-driven" => new ConfidenceRouter.Loss(s_table, text, [.. Enumerable.Range(0, s_table.Rows * 3).Select(i => .1 + (i % 9 / 10.0))], [.4, .5, .9]),
            "barp" => new Episodes(text),
            "amortised encoder" => new AmortisedNetwork(new AmortisedSample(RoutingPool.OfSnapshot(SnapshotTrainer.Train(s_table))), 3),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such loss."),
        };
    }

    private static UniRoute.Loss Uni(TextVectors text, int[] rows)
    {
        var clusters = KMeans.Fit(text, rows, 6, 1, default);
        var (quality, _) = ClusterMeans.Of(s_table, rows, [.. rows.Select(r => clusters.Nearest(text.Dense(r)))], clusters.Count, 2);
        return new UniRoute.Loss(s_table, text, quality, clusters, rows);
    }

    private static OutcomeTable WithAGap(OutcomeTable table)
    {
        // Row 2 lacks a model's outcome.
        (table.Score[7], table.CostUsd[7]) = (float.NaN, double.NaN);
        return table;
    }

    /// <summary>REINFORCE's loss with the episode of each row held still.</summary>
    private sealed class Episodes(TextVectors text) : ILoss
    {
        private readonly BanditPolicy.Network _network = new(3);

        public double[] Start(Random random) => _network.Start(random);

        public double Of(ReadOnlySpan<double> weights, int row, Span<double> gradient) => _network.Loss(weights, text.Of(row), .1 + (.08 * row), row % 3, .7 - (.2 * row), gradient);
    }
}
