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

    /// <exception cref="ArgumentException">Fewer than 20 rows, no score at all, or an option outside its range.</exception>
    public static Snapshot Train(OutcomeTable table, TrainingOptions? options = null, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(table);
        options ??= new TrainingOptions();
        options.Validate();
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
        var sources = RowSources.Find(table.Score, table.ModelCount);
        var quality = QualityFit.Fit(
            x, table.Score, table.ModelCount, sources, logistic, options,
            (forest, forests) => Report(0.58 + (0.12 * forest / forests), forests == 1 ? "growing the forest" : $"growing forest {forest + 1} of {forests}"),
            cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        Report(0.7, "fitting tokens and latency");
        var (profiles, inputTokens, outputTokens) = PriceFit.Fit(table, tokens);
        var (tokenWeights, tokenFactor) = LogLinear.Fit(x, outputTokens, Width, table.ModelCount);
        var (latencyWeights, latencyFactor) = LogLinear.Fit(x, table.LatencySeconds, Width, table.ModelCount);
        var prompt = PromptTokens(table, tokens);
        var topics = encoder.Topics.Topics;
        var onTopic = TopicQuality.Fit(x, Width, PromptEncoder.Described, topics, quality.Forest.IsOne ? quality.Scores : table.Score, quality.TreeMean);
        var heads = new ModelHead[table.ModelCount];
        for (var k = 0; k < heads.Length; k++)
        {
            heads[k] = new ModelHead(
                quality.LowRank.Bias[k], quality.LowRank.Ability.Slice(k * options.Rank, options.Rank).ToArray(),
                quality.TreeMean[k], quality.Loading.AsSpan(k * quality.Forest.Targets, quality.Forest.Targets).ToArray(),
                tokenWeights.AsSpan(k * Width, Width).ToArray(), tokenFactor[k], prompt[k].Offset, prompt[k].Ratio,
                latencyFactor[k] > 0 ? latencyWeights.AsSpan(k * Width, Width).ToArray() : [], latencyFactor[k])
            {
                OnTopic = onTopic.AsSpan(k * topics, topics).ToArray(),
                KnownTo = quality.KnownTo[k],
            };
        }

        Report(0.75, "calibrating");
        var (sample, correlation) = CrossFitting.Calibrate(table, x, inputTokens, outputTokens, sources, logistic, options, done => Report(0.75 + (0.25 * done), "calibrating"), cancellationToken);
        var origin = $"{table.Name}: {table.Rows} requests, {table.ModelCount} models, seed {options.Seed}";
        var snapshot = new Snapshot(origin, encoder, quality.LowRank.Projection.ToArray(), quality.Forest, profiles, heads, correlation, sample.Rounded(), PopulationPrior.Default);
        Report(1, "done");
        return snapshot;

        void Report(double done, string step) => progress?.Report(new TrainingProgress(done, step));
    }

    /// <summary>An encoder learned from requests, and their features and token estimates. The topics of these very rows are predicted out of fold, so that they can be trained on.</summary>
    /// <param name="groups">The kind of each request.</param>
    /// <returns>Features are n x <see cref="PromptEncoder.Features"/>.</returns>
    public static (PromptEncoder Encoder, float[] Features, float[] Tokens) LearnEncoder(
        IReadOnlyList<string> texts, IReadOnlyList<string> groups, TrainingOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var encoder = PromptEncoder.Learn(texts, options.Seed, options.Families, options.Vectors ?? Snapshot.Default.Encoder.Vectors);
        cancellationToken.ThrowIfCancellationRequested();
        var (x, tokens) = Encode(encoder, texts);
        var (kind, kinds) = TopicModel.Number(groups);
        var told = TopicGroups.Learn(kinds, kind, x, Width, PromptEncoder.Described, texts, Snapshot.Default.Encoder.Topics.Groups);
        encoder = encoder.With(TopicModel.OutOfFold(
            x, Width, PromptEncoder.Described, groups, options.Seed,
            (row, p) => p.CopyTo(x.AsSpan((row * Width) + PromptEncoder.Described)), cancellationToken).With(told));
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
            var model = LowRankLogistic.Fit(DenseRows.Take(x, fit, Width), DenseRows.Take(y, fit, models), Width, models, options with { Decay = decay });
            var q = new float[models];
            foreach (var row in held)
            {
                model.Predict(x.AsSpan(row * Width, Width), q);
                for (var k = 0; k < models; k++)
                {
                    var error = Logistic.Sigmoid(q[k]) - y[(row * models) + k];
                    loss[job] += float.IsNaN(error) ? 0 : error * error;
                }
            }
        });
        return decays.Select((decay, i) => (decay, total: loss.AsSpan(i * folds, folds).ToArray().Sum())).MinBy(d => d.total).decay;
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

    internal static (int[] Fit, int[] Held) Part(int n, int parts, int part) =>
        ([.. Enumerable.Range(0, n).Where(i => i % parts != part)], [.. Enumerable.Range(0, n).Where(i => i % parts == part)]);
}
