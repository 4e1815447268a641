using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>What a router earned on each test row at each position: positions x rows, row-major; costs over tau. Chance enters as its expectation.</summary>
internal sealed record DialRun(float[] Quality, float[] Cost)
{
    public static DialRun Of(DialSplit split, OutcomePredictions predictions)
    {
        var (n, k, positions) = (split.Test.Rows, split.Test.ModelCount, DialSplit.Positions);
        if (predictions.Quality.Length != n * k || predictions.CostUsd.Length != n * k)
        {
            throw new InvalidOperationException($"A router predicted {predictions.Quality.Length} qualities and {predictions.CostUsd.Length} costs for {n} requests x {k} models.");
        }

        var worth = new double[k];
        return Fill(split, (p, row) =>
        {
            var best = 0;
            predictions.Worth(row, positions[p] / split.Tau, worth);
            for (var m = 1; m < k; m++)
            {
                // Of equals the cheaper: at lambda 0 ties are common.
                if (worth[m] > worth[best] || (worth[m] == worth[best] && predictions.CostUsd[(row * k) + m] < predictions.CostUsd[(row * k) + best]))
                {
                    best = m;
                }
            }

            return new RandomMix(best, best, 0);
        });
    }

    /// <summary>At each position the coin between two models that costs what <paramref name="router"/> cost there; the two are chosen on the training rows.</summary>
    public static DialRun MixMatching(DialSplit split, DialRun router)
    {
        var n = split.Test.Rows;
        var (trained, tested) = (Means(split.Train, split.Tau), Means(split.Test, split.Tau));
        RandomMix[] mixes = [.. Enumerable.Range(0, DialSplit.Positions.Count).Select(p =>
        {
            var cost = 0.0;
            foreach (var c in router.Cost.AsSpan(p * n, n))
            {
                cost += c;
            }

            // Which two is learned; how often is set by the real prices, so that the costs match.
            var mix = RandomMix.Matching(trained, cost / n);
            var (from, to) = (tested[mix.Cheap].Cost, tested[mix.Dear].Cost);
            return to > from ? mix with { DearShare = Math.Clamp(((cost / n) - from) / (to - from), 0, 1) } : mix;
        })];
        return Fill(split, (p, _) => mixes[p]);
    }

    /// <summary>Any model, all equally often.</summary>
    public static DialRun Random(DialSplit split)
    {
        var (n, k) = (split.Test.Rows, split.Test.ModelCount);
        var (quality, cost) = (new float[n], new float[n]);
        for (var i = 0; i < n * k; i++)
        {
            quality[i / k] += split.Test.Score[i] / k;
            cost[i / k] += (float)(split.Test.CostUsd[i] / split.Tau / k);
        }

        return new DialRun([.. DialSplit.Positions.SelectMany(_ => quality)], [.. DialSplit.Positions.SelectMany(_ => cost)]);
    }

    private static DialRun Fill(DialSplit split, Func<int, int, RandomMix> choose)
    {
        var (n, k, test) = (split.Test.Rows, split.Test.ModelCount, split.Test);
        var run = new DialRun(new float[DialSplit.Positions.Count * n], new float[DialSplit.Positions.Count * n]);
        for (var p = 0; p < DialSplit.Positions.Count; p++)
        {
            for (var row = 0; row < n; row++)
            {
                var mix = choose(p, row);
                var (cheap, dear) = ((row * k) + mix.Cheap, (row * k) + mix.Dear);
                run.Quality[(p * n) + row] = (float)(((1 - mix.DearShare) * test.Score[cheap]) + (mix.DearShare * test.Score[dear]));
                run.Cost[(p * n) + row] = (float)((((1 - mix.DearShare) * test.CostUsd[cheap]) + (mix.DearShare * test.CostUsd[dear])) / split.Tau);
            }
        }

        return run;
    }

    private static CostQuality[] Means(OutcomeTable table, double tau)
    {
        var (quality, cost) = ColumnMeans.Of(table);
        return [.. quality.Zip(cost, (q, c) => new CostQuality(c / tau, q))];
    }
}
