using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.MetaLearning;

/// <summary>How good each model's answer will be: the mean of a low-rank logistic model and of a forest, fitted together.</summary>
/// <param name="TreeMean">K: what the forest's departures are added to.</param>
/// <param name="Basis">K x targets: from the forest's numbers back to the models.</param>
/// <param name="Targets">Numbers in a leaf.</param>
/// <param name="Scores">Those it was fitted on, without gaps.</param>
internal sealed record QualityFit(LowRankLogistic Logistic, ExtraTrees Forest, float[] TreeMean, float[] Basis, int Targets, float[] Scores)
{
    private const int Width = PromptEncoder.Features;

    public void Predict(ReadOnlySpan<float> x, Span<float> quality)
    {
        Span<float> leaf = stackalloc float[Targets];
        Forest.Predict(x, leaf);
        Logistic.Predict(x, quality);
        for (var k = 0; k < quality.Length; k++)
        {
            var trees = TreeMean[k] + TensorPrimitives.Dot<float>(Basis.AsSpan(k * Targets, Targets), leaf);
            quality[k] = (LowRankLogistic.Sigmoid(quality[k]) + Math.Clamp(trees, 0f, 1f)) / 2;
        }
    }

    /// <summary>
    /// The forest predicts the models' departures from their means, in a basis of the models' abilities: a leaf holds at most
    /// rank + 1 numbers however many models there are, and loses nothing when there are no more models than that.
    /// Cells nobody observed are filled in by the logistic model.
    /// </summary>
    public static QualityFit Fit(float[] x, float[] y, int models, LowRankLogistic.Options logisticOptions, TrainingOptions options)
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
            if (float.IsNaN(TensorPrimitives.Sum<float>(row)))
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
}
