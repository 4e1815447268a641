using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.MetaLearning;

/// <summary>How good each model's answer will be: the mean of a low-rank logistic model and of a forest or several, fitted together.</summary>
/// <param name="TreeMean">K means, which the forests' departures are added to.</param>
/// <param name="Loading">K x <see cref="GatedForests.Targets"/>: from the forests' numbers back to the models.</param>
/// <param name="Scores">The scores it was fitted on, gaps filled in.</param>
/// <param name="KnownTo">K: see <see cref="ModelHead.KnownTo"/>.</param>
internal sealed record QualityFit(LowRankLogistic LowRank, GatedForests Forest, float[] TreeMean, float[] Loading, float[] Scores, ushort[] KnownTo)
{
    private const int Width = PromptEncoder.Features;

    private readonly ushort[] _sets = [.. KnownTo.Distinct()];
    private readonly float[] _worth = Forest.Worth(KnownTo);

    public void Predict(ReadOnlySpan<float> x, Span<float> quality)
    {
        var leaves = new float[_sets.Length * Forest.Targets]; // as many sets as models, at worst: too much for a stack
        Forest.Predict(x, _sets, _worth, leaves);
        LowRank.Predict(x, quality);
        for (var k = 0; k < quality.Length; k++)
        {
            ReadOnlySpan<float> leaf = leaves.AsSpan(Array.IndexOf(_sets, KnownTo[k]) * Forest.Targets, Forest.Targets);
            quality[k] = ModelHead.Quality(Logistic.Sigmoid(quality[k]), TreeMean[k], Loading.AsSpan(k * leaf.Length, leaf.Length), leaf, Forest.Certainty(leaf));
        }
    }

    /// <summary>
    /// The forest predicts the models' departures from their means, in a basis of the models' abilities: a leaf holds at most
    /// rank + 1 numbers however many models there are, and loses nothing when there are no more models than that.
    /// Of rows of one source, cells nobody observed are filled in by the logistic model. Where there are several (<see cref="RowSources"/>), each grows a forest of its own,
    /// for the differences seen among the models that answered there.
    /// </summary>
    /// <param name="x">n rows of <see cref="PromptEncoder.Features"/>.</param>
    /// <param name="y">n x K scores, NaN where not observed.</param>
    /// <param name="sources">Sources of the rows; a source without rows gets a forest that says nothing.</param>
    /// <param name="grown">Told, before each forest, its number and how many there are; may be null.</param>
    public static QualityFit Fit(
        float[] x,
        float[] y,
        int models,
        RowSources sources,
        LowRankLogistic.Options logisticOptions,
        TrainingOptions options,
        Action<int, int>? grown,
        CancellationToken cancellationToken)
    {
        var n = y.Length / models;
        var logistic = LowRankLogistic.Fit(x, y, Width, models, logisticOptions);
        var filled = Filled(logistic, x, y);
        if (sources.Count == 1)
        {
            grown?.Invoke(0, 1);
            var (forest, means, loading) = Grow(x, filled, logistic, options, cancellationToken);
            return new QualityFit(logistic, new GatedForests(forest), means, loading, filled, [.. means.Select(_ => ushort.MaxValue)]);
        }

        var mean = Means(filled, models);
        var known = KnownIn(y, sources, models);
        var (parts, members) = (new (ExtraTrees Forest, float[] Mean, float[] Loading)[sources.Count], new int[sources.Count][]);
        for (var s = 0; s < parts.Length; s++)
        {
            grown?.Invoke(s, parts.Length);
            int[] rows = [.. Enumerable.Range(0, n).Where(i => sources.Of[i] == s)];
            members[s] = [.. Enumerable.Range(0, models).Where(k => (known[k] >> s & 1) == 1)];
            parts[s] = Grow(DenseRows.Take(x, rows, Width), [.. rows.SelectMany(i => members[s].Select(k => filled[(i * models) + k]))], logistic.Of(members[s]), options, cancellationToken);
        }

        var gate = TopicModel.Fit(x, Width, PromptEncoder.Described, [.. sources.Of], sources.Count, options.Seed, cancellationToken);
        var forests = new GatedForests([.. parts.Select(p => p.Forest)], gate);
        var loadings = new float[models * forests.Targets];
        for (var s = 0; s < parts.Length; s++)
        {
            var (mean0, own) = (parts[s].Mean, parts[s].Forest.Targets);
            for (var m = 0; m < mean0.Length; m++)
            {
                var row = loadings.AsSpan((members[s][m] * forests.Targets) + forests.At(s), 1 + own);
                row[0] = mean0[m] - mean[members[s][m]];
                parts[s].Loading.AsSpan(m * own, own).CopyTo(row[1..]);
            }
        }

        return new QualityFit(logistic, forests, mean, loadings, filled, known);
    }

    /// <summary>A forest of what sets these models apart on these rows.</summary>
    private static (ExtraTrees Forest, float[] Mean, float[] Loading) Grow(float[] x, float[] score, LowRankLogistic logistic, TrainingOptions options, CancellationToken cancellationToken)
    {
        if (score.Length == 0)
        {
            return (new ExtraTrees([0], [new(0, 0, ExtraTrees.Leaf)], [0], [0]), new float[logistic.Models], new float[logistic.Models]);
        }

        var (models, n) = (logistic.Models, score.Length / logistic.Models);
        var mean = Means(score, models);
        var (basis, loading, targets) = AbilityBasis(logistic);
        var projected = new float[n * targets];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < targets; j++)
            {
                var sum = 0f;
                for (var k = 0; k < models; k++)
                {
                    sum += (score[(i * models) + k] - mean[k]) * basis[(k * targets) + j];
                }

                projected[(i * targets) + j] = sum;
            }
        }

        return (
            ExtraTrees.Fit(
                x, projected, Width, targets,
                new ExtraTrees.Options { Trees = options.Trees, MinLeaf = Math.Max(16, (int)(n * options.LeafShare)), Seed = options.Seed },
                cancellationToken),
            mean, loading);
    }

    private static float[] Means(float[] score, int models)
    {
        var (mean, n) = (new float[models], score.Length / models);
        for (var i = 0; i < score.Length; i++)
        {
            mean[i % models] += score[i] / n;
        }

        return mean;
    }

    /// <summary>The sources in which each model answered a twentieth of the requests or more.</summary>
    private static ushort[] KnownIn(float[] y, RowSources sources, int models)
    {
        const int least = 20;
        var (rows, answered, known) = (new int[GatedForests.Most], new int[GatedForests.Most * models], new ushort[models]);
        for (var i = 0; i < y.Length / models; i++)
        {
            rows[sources.Of[i]]++;
            for (var k = 0; k < models; k++)
            {
                answered[(sources.Of[i] * models) + k] += float.IsNaN(y[(i * models) + k]) ? 0 : 1;
            }
        }

        for (var cell = 0; cell < answered.Length; cell++)
        {
            known[cell % models] |= (ushort)(answered[cell] > 0 && answered[cell] * least >= rows[cell / models] ? 1 << (cell / models) : 0);
        }

        return known;
    }

    /// <summary>The scores, and where nobody observed one what the logistic model expects.</summary>
    private static float[] Filled(LowRankLogistic logistic, float[] x, float[] y)
    {
        var models = logistic.Models;
        var (filled, predicted) = ((float[])y.Clone(), new float[models]);
        for (var i = 0; i < y.Length / models; i++)
        {
            var row = filled.AsSpan(i * models, models);
            if (float.IsNaN(TensorPrimitives.Sum<float>(row)))
            {
                logistic.Predict(x.AsSpan(i * Width, Width), predicted);
                for (var k = 0; k < models; k++)
                {
                    row[k] = float.IsNaN(row[k]) ? Logistic.Sigmoid(predicted[k]) : row[k];
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
}
