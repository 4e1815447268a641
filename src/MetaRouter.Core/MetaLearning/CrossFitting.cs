using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// Predictions of training rows by models that did not see them: each fold is predicted by a fit on the others. Predictions of rows that were fitted on
/// are too sure, and so would be the beliefs and values drawn from them.
/// </summary>
/// <remarks>Source: cross-fitting, Stone 1974, Cross-validatory choice and assessment of statistical predictions.</remarks>
internal static class CrossFitting
{
    private const int Width = PromptEncoder.Features;
    private const float UsualCorrelation = 0.2f; // taken where no two models answered the same held-out request
    private const double MostCorrelation = 0.9;

    /// <param name="sources">Sources of the table's rows: each fit grows a forest per source, as the predictor that is calibrated does.</param>
    /// <param name="report">Told what share is done, 0 to 1.</param>
    /// <returns>The sample, and the mean correlation of two models' residuals.</returns>
    public static (CalibrationSample Sample, float Correlation) Calibrate(
        OutcomeTable table,
        float[] x,
        float[] inputTokens,
        float[] outputTokens,
        RowSources sources,
        LowRankLogistic.Options logistic,
        TrainingOptions options,
        Action<double> report,
        CancellationToken cancellationToken)
    {
        var (n, models) = (table.Rows, table.ModelCount);
        if (options.CalibrationFolds == 0)
        {
            return (new CalibrationSample([0], [], [], [], [], [], []), UsualCorrelation);
        }

        var (quality, tokens) = (new float[n * models], new float[n * models]);
        for (var fold = 0; fold < options.CalibrationFolds; fold++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = fold;
            var (fit, held) = SnapshotTrainer.Part(n, options.CalibrationFolds, fold);
            var (fx, fy, ft) = (DenseRows.Take(x, fit, Width), DenseRows.Take(table.Score, fit, models), DenseRows.Take(outputTokens, fit, models));
            var model = QualityFit.Fit(
                fx, fy, models, sources.Take(fit), logistic, options,
                (forest, forests) => report((part + ((double)forest / forests)) / options.CalibrationFolds), cancellationToken);
            var (weights, factor) = LogLinear.Fit(fx, ft, Width, models);
            Parallel.ForEach(held, row =>
            {
                var features = x.AsSpan(row * Width, Width);
                model.Predict(features, quality.AsSpan(row * models, models));
                for (var k = 0; k < models; k++)
                {
                    tokens[(row * models) + k] = MathF.Exp(TensorPrimitives.Dot<float>(weights.AsSpan(k * Width, Width), features)) * factor[k];
                }
            });
        }

        return (Collect(table, quality, tokens, inputTokens, outputTokens, options.CalibrationRows), ResidualCorrelation(table.Score, quality, models));
    }

    private static CalibrationSample Collect(OutcomeTable table, float[] quality, float[] tokens, float[] inputTokens, float[] outputTokens, int limit)
    {
        var start = new List<int> { 0 };
        var (model, q, score, expected, output, input) = (new List<ushort>(), new List<float>(), new List<float>(), new List<float>(), new List<float>(), new List<float>());
        foreach (var i in Sampled(table.Score, table.ModelCount, limit))
        {
            for (var k = 0; k < table.ModelCount; k++)
            {
                var cell = (i * table.ModelCount) + k;
                if (!float.IsNaN(table.Score[cell]) && !float.IsNaN(outputTokens[cell]))
                {
                    model.Add((ushort)k);
                    q.Add(quality[cell]);
                    score.Add(table.Score[cell]);
                    expected.Add(tokens[cell]);
                    output.Add(outputTokens[cell]);
                    input.Add(float.IsNaN(inputTokens[cell]) ? 0 : inputTokens[cell]);
                }
            }

            start.Add(model.Count);
        }

        return new CalibrationSample([.. start], [.. model], [.. q], [.. score], [.. expected], [.. output], [.. input]);
    }

    /// <summary>
    /// Up to <paramref name="limit"/> rows such that models which answered few requests are seen about as often as those which answered many: a row is
    /// taken while one of its models has been seen less than a quota, the largest quota that keeps the limit.
    /// </summary>
    private static List<int> Sampled(float[] score, int models, int limit)
    {
        var n = score.Length / models;
        var (least, most) = (0, n);
        while (least < most)
        {
            var quota = least + ((most - least + 1) / 2);
            (least, most) = Take(quota).Count <= limit ? (quota, most) : (least, quota - 1);
        }

        return Take(least);

        List<int> Take(int quota)
        {
            var (seen, rows) = (new int[models], new List<int>());
            for (var i = 0; i < n; i++)
            {
                var row = score.AsSpan(i * models, models);
                var wanted = false;
                for (var k = 0; k < models && !wanted; k++)
                {
                    wanted = !float.IsNaN(row[k]) && seen[k] < quota;
                }

                if (wanted)
                {
                    rows.Add(i);
                    for (var k = 0; k < models; k++)
                    {
                        seen[k] += float.IsNaN(row[k]) ? 0 : 1;
                    }
                }
            }

            return rows;
        }
    }

    /// <summary>Mean over pairs of models of the correlation of their residuals, score less prediction.</summary>
    private static float ResidualCorrelation(float[] score, float[] quality, int models)
    {
        var n = score.Length / models;
        double cross = 0, square = 0;
        long pairs = 0, cells = 0;
        for (var i = 0; i < n; i++)
        {
            double sum = 0, sumOfSquares = 0;
            var seen = 0;
            for (var k = 0; k < models; k++)
            {
                double e = score[(i * models) + k] - quality[(i * models) + k];
                if (!double.IsNaN(e))
                {
                    (sum, sumOfSquares, seen) = (sum + e, sumOfSquares + (e * e), seen + 1);
                }
            }

            cross += ((sum * sum) - sumOfSquares) / 2;
            pairs += (long)seen * (seen - 1) / 2;
            square += sumOfSquares;
            cells += seen;
        }

        return pairs == 0 || square == 0 ? UsualCorrelation : (float)Math.Clamp(cross / pairs / (square / cells), 0, MostCorrelation);
    }
}
