using MetaRouter.Core.Catalog;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// Known outcomes in, snapshot out: encoder, low-rank logistic model (its penalty chosen by validation), forest, token and latency models,
/// and a cross-fitted calibration sample. Cells may be missing, so tables of different models can be joined.
/// </summary>
/// <remarks>Deterministic for a seed whatever the thread count. About ten seconds for 5,000 requests and 8 models on two cores.</remarks>
public static class SnapshotTrainer
{
    private const int Width = PromptEncoder.Features;

    /// <exception cref="ArgumentException">Fewer than 20 rows, or no score at all.</exception>
    public static Snapshot Train(OutcomeTable table, TrainingOptions? options = null, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(table);
        options ??= new TrainingOptions();
        if (table.Rows < 20 || table.Score.All(float.IsNaN))
        {
            throw new ArgumentException($"Table '{table.Name}' has {table.Rows} rows; training needs at least 20 with scores.", nameof(table));
        }

        var order = Enumerable.Range(0, table.Rows).ToArray();
        new Random(options.Seed).Shuffle(order);
        table = table.Take(order);

        Report(0, "learning the encoder");
        var (encoder, x, tokens) = LearnEncoder(table.Queries, table.Groups, options, cancellationToken);
        Report(0.4, "choosing the penalty");
        var logistic = new LowRankLogistic.Options { Rank = options.Rank, Seed = options.Seed };
        logistic = logistic with { Decay = ChooseDecay(x, table.Score, table.ModelCount, logistic, options.Decays, cancellationToken) };
        Report(0.55, "fitting quality");
        var quality = FitQuality(x, table.Score, table.ModelCount, logistic, options);
        cancellationToken.ThrowIfCancellationRequested();
        Report(0.7, "fitting tokens and latency");
        var (profiles, inputTokens, outputTokens) = PriceFit.Fit(table, tokens);
        var (tokenWeights, tokenFactor) = LogLinear.Fit(x, outputTokens, Width, table.ModelCount);
        var (latencyWeights, latencyFactor) = LogLinear.Fit(x, table.LatencySeconds, Width, table.ModelCount);
        var prompt = PromptTokens(table, tokens);
        var topics = encoder.Topics.Topics;
        var onTopic = TopicQuality.Fit(x, Width, PromptEncoder.Described, topics, quality.Scores, quality.TreeMean);
        var heads = new ModelHead[table.ModelCount];
        for (var k = 0; k < heads.Length; k++)
        {
            heads[k] = new ModelHead(
                quality.Logistic.Bias[k], quality.Logistic.Ability.Slice(k * options.Rank, options.Rank).ToArray(), quality.TreeMean[k], quality.Basis.AsSpan(k * quality.Targets, quality.Targets).ToArray(),
                tokenWeights.AsSpan(k * Width, Width).ToArray(), tokenFactor[k], prompt[k].Offset, prompt[k].Ratio,
                latencyFactor[k] > 0 ? latencyWeights.AsSpan(k * Width, Width).ToArray() : [], latencyFactor[k])
            {
                OnTopic = onTopic.AsSpan(k * topics, topics).ToArray(),
            };
        }

        Report(0.75, "calibrating");
        var (sample, correlation) = Calibrate(table, x, inputTokens, outputTokens, logistic, options, cancellationToken);
        var origin = $"{table.Name}: {table.Rows} requests, {table.ModelCount} models, seed {options.Seed}";
        var snapshot = new Snapshot(origin, encoder, quality.Logistic.Projection.ToArray(), quality.Forest, profiles, heads, correlation, sample.Rounded(), PopulationPrior.Default);
        Report(1, "done");
        return snapshot;

        void Report(double done, string step) => progress?.Report(new TrainingProgress(done, step));
    }

    /// <summary>An encoder learned from requests, and their features and token estimates. The topics of these very rows are told out of fold, so that they can be trained on.</summary>
    /// <param name="groups">What kind each request is of.</param>
    /// <returns>Features are n x <see cref="PromptEncoder.Features"/>.</returns>
    public static (PromptEncoder Encoder, float[] Features, float[] Tokens) LearnEncoder(IReadOnlyList<string> texts, IReadOnlyList<string> groups, TrainingOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var encoder = PromptEncoder.Learn(texts, options.Seed, options.Families, options.Vectors ?? Snapshot.Default.Encoder.Vectors);
        cancellationToken.ThrowIfCancellationRequested();
        var (x, tokens) = Encode(encoder, texts);
        var (kind, kinds) = TopicModel.Number(groups);
        var told = TopicGroups.Learn(kinds, kind, x, Width, PromptEncoder.Described, texts);
        encoder = encoder.With(TopicModel.OutOfFold(x, Width, PromptEncoder.Described, groups, options.Seed, (row, p) => p.CopyTo(x.AsSpan((row * Width) + PromptEncoder.Described)), cancellationToken).With(told));
        return (encoder, x, tokens);
    }

    /// <summary>Features, n x <see cref="PromptEncoder.Features"/>, and token estimates.</summary>
    public static (float[] Features, float[] Tokens) Encode(PromptEncoder encoder, IReadOnlyList<string> texts)
    {
        var (x, tokens) = (new float[texts.Count * Width], new float[texts.Count]);
        Parallel.For(0, texts.Count, () => new RequestEncoding(), (i, _, scratch) =>
        {
            encoder.Encode(texts[i], scratch);
            scratch.Features.CopyTo(x.AsSpan(i * Width));
            tokens[i] = scratch.Tokens;
            return scratch;
        }, _ => { });
        return (x, tokens);
    }

    /// <summary>The penalty with the least squared error on held-out rows: a fifth, or with few rows each fifth in turn.</summary>
    private static float ChooseDecay(float[] x, float[] y, int models, LowRankLogistic.Options options, IReadOnlyList<float> decays, CancellationToken cancellationToken)
    {
        var n = y.Length / models;
        var folds = n < 3000 ? 5 : 1;
        var loss = new double[decays.Count * folds];
        Parallel.For(0, loss.Length, new ParallelOptions { CancellationToken = cancellationToken }, job =>
        {
            var (decay, fold) = (decays[job / folds], job % folds);
            var (fit, held) = Part(n, 5, fold);
            var model = LowRankLogistic.Fit(Rows(x, fit, Width), Rows(y, fit, models), Width, models, options with { Decay = decay });
            var q = new float[models];
            foreach (var row in held)
            {
                model.Predict(x.AsSpan(row * Width, Width), q);
                for (var k = 0; k < models; k++)
                {
                    var error = LowRankLogistic.Sigmoid(q[k]) - y[(row * models) + k];
                    loss[job] += float.IsNaN(error) ? 0 : error * error;
                }
            }
        });
        return decays.Select((decay, i) => (decay, total: loss.AsSpan(i * folds, folds).ToArray().Sum())).MinBy(d => d.total).decay;
    }

    /// <param name="Scores">Those it was fitted on, without gaps.</param>
    private sealed record QualityFit(LowRankLogistic Logistic, ExtraTrees Forest, float[] TreeMean, float[] Basis, int Targets, float[] Scores)
    {
        public void Predict(ReadOnlySpan<float> x, Span<float> quality)
        {
            Span<float> leaf = stackalloc float[Targets];
            Forest.Predict(x, leaf);
            Logistic.Predict(x, quality);
            for (var k = 0; k < quality.Length; k++)
            {
                var trees = TreeMean[k] + System.Numerics.Tensors.TensorPrimitives.Dot<float>(Basis.AsSpan(k * Targets, Targets), leaf);
                quality[k] = (LowRankLogistic.Sigmoid(quality[k]) + Math.Clamp(trees, 0f, 1f)) / 2;
            }
        }
    }

    /// <summary>
    /// The forest predicts the models' departures from their means, in a basis of the models' abilities: a leaf holds at most
    /// rank + 1 numbers however many models there are, and loses nothing when there are no more models than that.
    /// Cells nobody observed are filled in by the logistic model.
    /// </summary>
    private static QualityFit FitQuality(float[] x, float[] y, int models, LowRankLogistic.Options logisticOptions, TrainingOptions options)
    {
        var n = y.Length / models;
        var logistic = LowRankLogistic.Fit(x, y, Width, models, logisticOptions);
        var filled = Filled(logistic, x, y);
        var mean = new float[models];
        for (var i = 0; i < filled.Length; i++)
        {
            mean[i % models] += filled[i] / n;
        }

        var (basis, loading, targets) = AbilityBasis(logistic);
        var projected = new float[n * targets];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < targets; j++)
            {
                var sum = 0f;
                for (var k = 0; k < models; k++)
                {
                    sum += (filled[(i * models) + k] - mean[k]) * basis[(k * targets) + j];
                }

                projected[(i * targets) + j] = sum;
            }
        }

        var forest = ExtraTrees.Fit(x, projected, Width, targets, new ExtraTrees.Options { Trees = options.Trees, MinLeaf = Math.Max(16, (int)(n * options.LeafShare)), Seed = options.Seed });
        return new QualityFit(logistic, forest, mean, loading, targets, filled);
    }

    /// <summary>The scores, and where nobody observed one what the logistic model expects.</summary>
    private static float[] Filled(LowRankLogistic logistic, float[] x, float[] y)
    {
        var models = logistic.Models;
        var (filled, predicted) = ((float[])y.Clone(), new float[models]);
        for (var i = 0; i < y.Length / models; i++)
        {
            var row = filled.AsSpan(i * models, models);
            if (float.IsNaN(System.Numerics.Tensors.TensorPrimitives.Sum<float>(row)))
            {
                logistic.Predict(x.AsSpan(i * Width, Width), predicted);
                for (var k = 0; k < models; k++)
                {
                    row[k] = float.IsNaN(row[k]) ? LowRankLogistic.Sigmoid(predicted[k]) : row[k];
                }
            }
        }

        return filled;
    }

    /// <summary>
    /// A basis of the span of (1, abilities), K x min(K, rank + 1): first what all models share, then orthonormal what sets them apart.
    /// The shared part, which no choice between models depends on, is made small, so that trees are grown for the differences.
    /// </summary>
    /// <returns>What projects departures on the basis, and what leads back.</returns>
    private static (float[] Project, float[] Loading, int Targets) AbilityBasis(LowRankLogistic logistic)
    {
        const float shared = 0.3f;
        var (models, rank) = (logistic.Models, logistic.Rank);
        var targets = Math.Min(models, rank + 1);
        var mean = new double[rank];
        for (var i = 0; i < models * rank; i++)
        {
            mean[i % rank] += logistic.Ability[i] / models;
        }

        var gram = new double[models * models];
        for (var a = 0; a < models; a++)
        {
            for (var b = 0; b < models; b++)
            {
                for (var j = 0; j < rank; j++)
                {
                    gram[(a * models) + b] += (logistic.Ability[(a * rank) + j] - mean[j]) * (logistic.Ability[(b * rank) + j] - mean[j]);
                }
            }
        }

        // Centred abilities are orthogonal to the ones, and so are the leading eigenvectors.
        var (_, vectors) = SymmetricEigen.Decompose(gram, models);
        var (project, loading) = (new float[models * targets], new float[models * targets]);
        for (var k = 0; k < models; k++)
        {
            project[k * targets] = shared / MathF.Sqrt(models);
            loading[k * targets] = 1 / (shared * MathF.Sqrt(models));
            for (var j = 1; j < targets; j++)
            {
                project[(k * targets) + j] = loading[(k * targets) + j] = (float)vectors[(k * models) + j - 1];
            }
        }

        return (project, loading, targets);
    }

    /// <summary>Per model, least squares of prompt tokens on the estimate; where no file counted tokens, the estimate itself.</summary>
    private static (float Offset, float Ratio)[] PromptTokens(OutcomeTable table, float[] estimate)
    {
        var k = table.ModelCount;
        return [.. Enumerable.Range(0, k).Select(model =>
        {
            double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
            for (var i = 0; i < table.Rows; i++)
            {
                double y = table.InputTokens[(i * k) + model];
                if (!double.IsNaN(y))
                {
                    double e = estimate[i];
                    (n, sx, sy, sxx, sxy) = (n + 1, sx + e, sy + y, sxx + (e * e), sxy + (e * y));
                }
            }

            var variance = sxx - (sx * sx / Math.Max(n, 1));
            if (n < 2 || variance <= 1e-6)
            {
                return (0f, n > 0 && sx > 0 ? (float)(sy / sx) : 1f);
            }

            var ratio = Math.Max(0, (sxy - (sx * sy / n)) / variance);
            return ((float)Math.Max(0, (sy - (ratio * sx)) / n), (float)ratio);
        })];
    }

    private static (CalibrationSample Sample, float Correlation) Calibrate(OutcomeTable table, float[] x, float[] inputTokens, float[] outputTokens, LowRankLogistic.Options logistic, TrainingOptions options, CancellationToken cancellationToken)
    {
        var (n, models) = (table.Rows, table.ModelCount);
        if (options.CalibrationFolds < 2)
        {
            return (new CalibrationSample([0], [], [], [], [], [], []), 0.2f);
        }

        var (quality, tokens) = (new float[n * models], new float[n * models]);
        for (var fold = 0; fold < options.CalibrationFolds; fold++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (fit, held) = Part(n, options.CalibrationFolds, fold);
            var (fx, fy, ft) = (Rows(x, fit, Width), Rows(table.Score, fit, models), Rows(outputTokens, fit, models));
            var model = FitQuality(fx, fy, models, logistic, options);
            var (weights, factor) = LogLinear.Fit(fx, ft, Width, models);
            Parallel.ForEach(held, row =>
            {
                var features = x.AsSpan(row * Width, Width);
                model.Predict(features, quality.AsSpan(row * models, models));
                for (var k = 0; k < models; k++)
                {
                    tokens[(row * models) + k] = MathF.Exp(System.Numerics.Tensors.TensorPrimitives.Dot<float>(weights.AsSpan(k * Width, Width), features)) * factor[k];
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

    /// <summary>Mean over pairs of models of the correlation of what is left of their scores after prediction.</summary>
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

        return pairs == 0 || square == 0 ? 0.2f : (float)Math.Clamp(cross / pairs / (square / cells), 0, 0.9);
    }

    private static (int[] Fit, int[] Held) Part(int n, int parts, int part) =>
        ([.. Enumerable.Range(0, n).Where(i => i % parts != part)], [.. Enumerable.Range(0, n).Where(i => i % parts == part)]);

    private static float[] Rows(float[] matrix, int[] rows, int width)
    {
        var taken = new float[rows.Length * width];
        for (var i = 0; i < rows.Length; i++)
        {
            matrix.AsSpan(rows[i] * width, width).CopyTo(taken.AsSpan(i * width));
        }

        return taken;
    }
}
