using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// What a handful of graded answers tell of a model that joins a trained predictor: the mode of a Gaussian belief over its head.
/// </summary>
/// <remarks>
/// <code>
/// logistic half: logit q = b + d(x) + a . p(x),  (b, a) ~ N(kin's, S)   its mode, by Boehning's bound
/// forest half:   q = c m + (1 - c) q' + l . leaf(x) + noise,  (m, l) ~ N(kin's, S)   in closed form; q' is the first half's, c the forests' certainty
/// tokens:        the mean of real / expected, and twice as expected
/// </code>
/// S is the covariance of the heads that are known, with a ridge: models differ from each other as they were seen to. Where they were not seen to differ, or there is
/// but one, b and m keep some variance: else no answer could move them. With no answer the head is the kin's;
/// what all models share (d, p and the trees) stays. O(n r^2 + r^3), and O(n r + r^2) a step, r = rank + 1; under a millisecond for 20 answers.
/// Sources: Boehning and Lindsay, "Monotonicity of quadratic-approximation algorithms", 1988; one-parameter abilities learned from few answers, Lord's item response theory 1980.
/// </remarks>
public static class ModelAbility
{
    private const int Steps = 100; // of Boehning's bound, which climbs slowly where answers are one-sided
    private const double ScoreNoise = 0.2; // variance of a right-or-wrong answer about its expected quality, at most 0.25
    private const double ExpectedAnswers = 2; // of the kin's length, beside those that were counted
    private const double Ridge = 0.1; // of the mean variance: fewer models than directions leave some unseen

    // The least variance of b, in logits, and of m: among models that look alike, and where nothing tells how far models lie apart.
    private const double AlikeLogit = 0.04, AlikeMean = 0.0025, LoneLogit = 0.5, LoneMean = 0.02;

    /// <summary>The least <see cref="ModelHead.TokenFactor"/>: at 0, as of kin that never used a token, there is nothing to scale.</summary>
    internal const float LeastTokenFactor = 1e-3f;

    /// <param name="kin">What the model is taken to be like before any answer.</param>
    /// <param name="known">The heads whose differences say how far from its kin a model may lie; one at least.</param>
    /// <param name="projected">n rows of (d.x, P x).</param>
    /// <param name="leaves">n rows of the forests' targets.</param>
    /// <param name="certain">n of <see cref="GatedForests.Certainty"/>: an answer to a request that no forest knows says nothing of m.</param>
    /// <param name="score">n scores, 0 to 1.</param>
    /// <param name="tokenRatio">n of real over expected completion tokens; NaN: not counted.</param>
    public static ModelHead Fit(
        ModelHead kin,
        IReadOnlyList<ModelHead> known,
        ReadOnlySpan<float> projected,
        ReadOnlySpan<float> leaves,
        ReadOnlySpan<float> certain,
        ReadOnlySpan<float> score,
        ReadOnlySpan<float> tokenRatio)
    {
        ArgumentNullException.ThrowIfNull(kin);
        ArgumentNullException.ThrowIfNull(known);
        var (rank, targets, n) = (kin.Ability.Length, kin.TreeLoading.Length, score.Length);
        if (projected.Length != n * (rank + 1) || leaves.Length != n * targets || certain.Length != n || tokenRatio.Length != n)
        {
            throw new ArgumentException(
                $"{n} answers need {n * (rank + 1)} projected features, {n * targets} leaf values, {n} certainties and {n} token ratios; "
                    + $"found {projected.Length}, {leaves.Length}, {certain.Length} and {tokenRatio.Length}.",
                nameof(projected));
        }

        if (n == 0)
        {
            return kin;
        }

        var isLone = known.Count < 2;
        var (skills, trees) = (new double[n][], new double[n][]);
        for (var i = 0; i < n; i++)
        {
            var p = projected.Slice(i * (rank + 1), rank + 1);
            skills[i] = [p[0], 1, .. Wide(p[1..])];
        }

        var logistic = Climb([kin.Bias, .. kin.Ability], Precision(known, h => [h.Bias, .. h.Ability], isLone ? LoneLogit : AlikeLogit), skills, score, isLogistic: true);
        for (var i = 0; i < n; i++)
        {
            var smooth = Logistic.Sigmoid(skills[i][0] + TensorPrimitives.Dot<double>(logistic, skills[i].AsSpan(1)));
            trees[i] = [(1 - certain[i]) * smooth, certain[i], .. Wide(leaves.Slice(i * targets, targets))];
        }

        var forest = Climb([kin.TreeMean, .. kin.TreeLoading], Precision(known, h => [h.TreeMean, .. h.TreeLoading], isLone ? LoneMean : AlikeMean), trees, score, isLogistic: false);
        // The mean of the ratios, not of their logarithms, which would take every model for cheaper than it is.
        var (counted, sum) = (0, 0.0);
        foreach (var ratio in tokenRatio)
        {
            (counted, sum) = ratio > 0 ? (counted + 1, sum + ratio) : (counted, sum);
        }

        return kin with
        {
            Bias = (float)logistic[0],
            Ability = [.. logistic.Skip(1).Select(v => (float)v)],
            TreeMean = (float)forest[0],
            TreeLoading = [.. forest.Skip(1).Select(v => (float)v)],
            TokenFactor = (float)(kin.TokenFactor * (sum + ExpectedAnswers) / (counted + ExpectedAnswers)),
        };
    }

    /// <summary>The inverse of the heads' covariance, row-major.</summary>
    /// <param name="least">The least variance of the first parameter.</param>
    private static double[] Precision(IReadOnlyList<ModelHead> known, Func<ModelHead, float[]> of, double least)
    {
        var heads = known.Select(of).ToArray();
        var size = heads[0].Length;
        var mean = Enumerable.Range(0, size).Select(j => heads.Average(h => (double)h[j])).ToArray();
        var covariance = new double[size * size];
        for (var i = 0; i < size; i++)
        {
            for (var j = 0; j < size; j++)
            {
                covariance[(i * size) + j] = heads.Sum(h => (h[i] - mean[i]) * (h[j] - mean[j])) / Math.Max(1, heads.Length - 1);
            }
        }

        var ridge = (Ridge * Enumerable.Range(0, size).Average(i => covariance[(i * size) + i])) + 1e-6;
        for (var i = 0; i < size; i++)
        {
            covariance[(i * size) + i] += ridge;
        }

        covariance[0] = Math.Max(covariance[0], least);
        Cholesky.Factor(covariance, size);
        var (inverse, column) = (new double[size * size], new double[size]);
        for (var j = 0; j < size; j++)
        {
            Array.Clear(column);
            column[j] = 1;
            Cholesky.Solve(covariance, size, column);
            for (var i = 0; i < size; i++)
            {
                inverse[(i * size) + j] = column[i];
            }
        }

        return inverse;
    }

    /// <summary>The mode of the parameters given the answers.</summary>
    /// <param name="rows">Of each answer an offset, then what each parameter is multiplied with.</param>
    private static double[] Climb(double[] prior, double[] precision, double[][] rows, ReadOnlySpan<float> score, bool isLogistic)
    {
        // A logistic curve bends by a quarter at most: with that for its curvature every step climbs, where Newton's own may jump past the top and away. A
        // straight line's is its own, and one step is there.
        var (bend, noise, steps) = isLogistic ? (.25, 1.0, Steps) : (1.0, ScoreNoise, 1);
        var (size, curvature) = (prior.Length, (double[])precision.Clone());
        foreach (var row in rows)
        {
            var x = row.AsSpan(1);
            for (var i = 0; i < size; i++)
            {
                for (var j = 0; j <= i; j++)
                {
                    curvature[(i * size) + j] += bend * x[i] * x[j] / noise;
                }
            }
        }

        Cholesky.Factor(curvature, size);
        var (at, gradient) = ((double[])prior.Clone(), new double[size]);
        for (var step = 0; step < steps; step++)
        {
            for (var i = 0; i < size; i++)
            {
                gradient[i] = 0;
                for (var j = 0; j < size; j++)
                {
                    gradient[i] -= precision[(i * size) + j] * (at[j] - prior[j]);
                }
            }

            for (var r = 0; r < score.Length; r++)
            {
                var x = rows[r].AsSpan(1);
                var value = rows[r][0] + TensorPrimitives.Dot(at, x);
                var missed = score[r] - (isLogistic ? Logistic.Sigmoid(value) : value);
                for (var i = 0; i < size; i++)
                {
                    gradient[i] += missed * x[i] / noise;
                }
            }

            Cholesky.Solve(curvature, size, gradient);
            TensorPrimitives.Add(at, gradient, at);
        }

        return at;
    }

    private static double[] Wide(ReadOnlySpan<float> values)
    {
        var wide = new double[values.Length];
        TensorPrimitives.ConvertTruncating(values, wide);
        return wide;
    }
}
