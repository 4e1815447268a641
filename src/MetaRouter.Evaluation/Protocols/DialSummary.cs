using System.Globalization;
using System.Numerics.Tensors;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// Turns runs into rows. Every figure is a function of the mean quality and cost at each position, averaged over the splits; a replicate resamples the
/// pool's rows (one draw for all splits, since a row tests in half of them) and the splits, the same for every router.
/// </summary>
internal static class DialSummary
{
    private const int Replicates = 2000;

    private static readonly int s_lambdas = P2.Lambdas.Count;
    private static readonly int s_averaged = P2.Lambdas.Count(l => l <= 1);

    // After the gains: mean gain, hypervolume, distance, AIQ.
    private static readonly int s_figures = s_lambdas + 4;

    /// <param name="kinds">Where the splits go through kinds of request, over and over: how many. A replicate draws kinds then, each with all its splits.</param>
    public static IReadOnlyList<DialRow> Of(int poolRows, IReadOnlyList<DialSplit> splits, IReadOnlyList<(string Name, DialRun[] Runs)> routers, CancellationToken cancellationToken, int? kinds = null)
    {
        var single = Enumerable.Range(0, routers.Count).Single(r => routers[r].Name == new BestSingle().Name);
        var oracle = Enumerable.Range(0, routers.Count).Single(r => routers[r].Name == new Oracle().Name);
        var estimate = Figures(Enumerable.Repeat(1f, splits.Count).ToArray(), s => Means(routers, s, Enumerable.Repeat(1f, splits[s].TestRows.Length).ToArray()), single, oracle, out var means);

        var bootstrap = new Bootstrap(0, Replicates);
        var replicates = new double[Replicates][][];
        Parallel.For(0, Replicates, new ParallelOptions { CancellationToken = cancellationToken }, b =>
        {
            var (rows, draws) = (new float[poolRows], new float[kinds ?? splits.Count]);
            bootstrap.Counts(b, rows);
            bootstrap.Counts(b, draws, axis: 1);
            replicates[b] = Figures([.. splits.Select((_, s) => draws[s % draws.Length])], s => Means(routers, s, [.. splits[s].TestRows.Select(row => rows[row])]), single, oracle, out _);
        });

        return [.. routers.Select((router, r) =>
        {
            Interval Of(int figure) => bootstrap.Percentiles([.. replicates.Select(b => b[r][figure])]);
            var figures = estimate[r];
            (double, Interval) Ahead(int figure, int sign) =>
                (sign * (estimate[0][figure] - figures[figure]), bootstrap.Percentiles([.. replicates.Select(b => sign * (b[0][figure] - b[r][figure]))]));
            var (gain, hv, igd) = (Ahead(s_lambdas, 1), Ahead(s_lambdas + 1, 1), Ahead(s_lambdas + 2, -1));
            return new DialRow(
                router.Name,
                ByLambda(l => figures[l]),
                ByLambda(Of),
                figures[s_lambdas],
                Of(s_lambdas),
                figures[s_lambdas + 1],
                Of(s_lambdas + 1),
                figures[s_lambdas + 2],
                Of(s_lambdas + 2),
                figures[s_lambdas + 3],
                Of(s_lambdas + 3),
                ByLambda(l => means[r][l].Cost),
                ByLambda(l => means[r][l].Quality),
                r == 0 ? null : new DialLead(gain.Item1, gain.Item2, hv.Item1, hv.Item2, igd.Item1, igd.Item2))
            {
                Dial = means[r][s_lambdas..],
            };
        })];
    }

    /// <summary>Router x figure, averaged over the splits by their weights; <paramref name="averages"/> likewise of router x position.</summary>
    private static double[][] Figures(float[] splitWeights, Func<int, CostQuality[][]> meansOf, int single, int oracle, out CostQuality[][] averages)
    {
        double[][]? sums = null;
        averages = [];
        var total = splitWeights.Sum();
        for (var s = 0; s < splitWeights.Length; s++)
        {
            if (splitWeights[s] == 0)
            {
                continue;
            }

            var means = meansOf(s);
            var weight = splitWeights[s] / total;
            sums ??= [.. means.Select(_ => new double[s_figures])];
            averages = averages.Length == 0 ? [.. means.Select(m => new CostQuality[m.Length])] : averages;
            var oracleFront = means[oracle][s_lambdas..];
            for (var r = 0; r < means.Length; r++)
            {
                for (var l = 0; l < s_lambdas; l++)
                {
                    var gain = Utility(means[r][l], l) - Utility(means[single][l], l);
                    sums[r][l] += weight * gain;
                    sums[r][s_lambdas] += l < s_averaged ? weight * gain / s_averaged : 0;
                }

                var dial = means[r][s_lambdas..];
                sums[r][s_lambdas + 1] += weight * ParetoFront.Hypervolume(dial);
                sums[r][s_lambdas + 2] += weight * ParetoFront.InvertedGenerationalDistance(dial, oracleFront);
                sums[r][s_lambdas + 3] += weight * ParetoFront.Aiq(dial);
                for (var p = 0; p < means[r].Length; p++)
                {
                    averages[r][p] = new CostQuality(averages[r][p].Cost + (weight * means[r][p].Cost), averages[r][p].Quality + (weight * means[r][p].Quality));
                }
            }
        }

        return sums!;

        static double Utility(CostQuality mean, int l) => mean.Quality - (P2.Lambdas[l] * mean.Cost);
    }

    /// <summary>Router x position: the weighted means over one split's test rows.</summary>
    private static CostQuality[][] Means(IReadOnlyList<(string Name, DialRun[] Runs)> routers, int split, float[] weights)
    {
        var total = (double)TensorPrimitives.Sum<float>(weights);
        return [.. routers.Select(router =>
        {
            var (run, n) = (router.Runs[split], weights.Length);
            var means = new CostQuality[DialSplit.Positions.Count];
            for (var p = 0; p < means.Length; p++)
            {
                means[p] = new CostQuality(
                    TensorPrimitives.Dot<float>(weights, run.Cost.AsSpan(p * n, n)) / total,
                    TensorPrimitives.Dot<float>(weights, run.Quality.AsSpan(p * n, n)) / total);
            }

            return means;
        })];
    }

    private static Dictionary<string, T> ByLambda<T>(Func<int, T> value) =>
        P2.Lambdas.Index().ToDictionary(l => l.Item.ToString("R", CultureInfo.InvariantCulture), l => value(l.Index));
}
