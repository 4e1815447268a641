using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// How far preference labels are off, request by request: <c>Delta(x) = psi(x) - eta(x)</c>, the effect of a treatment t (gold 1, preference 0) where
/// psi(x) = E[gold | x] and eta(x) = E[preference | x].
/// </summary>
/// <remarks>
/// With e = P(gold | x) and nuisances m1, m0 of psi and eta fitted without the fold they predict, Delta is m1 - m0 and a regression of what that leaves of the pseudo-outcomes:
/// <code>
/// doubly robust:  m1 - m0 + t (y - m1) / e - (1 - t) (y - m0) / (1 - e)                          (1)
/// residual:       (y - m) / (t - e)  with weight  (t - e)^2,  m = e m1 + (1 - e) m0              (2)
/// </code>
/// m0 is regressed on all features. Gold is too little for that alone, so m1 is a mixture of three: m0 and what gold adds to it by the causes (shrunk towards believing the judge);
/// gold by the causes and by what of m0 the causes do not explain (shrunk towards not believing); and gold by all features. Gold labels of the other folds say how much of each.
/// They also say how much of Delta's departures from its mean is believed: where they do not confirm them by two standard errors, every label is lifted by the same amount.
/// A correction that varies by chance spoils the order of the labels more than the bias that it removes.
/// Every regression is <see cref="RidgeDesign"/>. O(folds (n D^2 + D^3)).
/// Sources: DR-learner, Kennedy 2020 (arXiv:2004.14497); R-learner, Nie and Wager 2021 (arXiv:1712.04912); stacking, Wolpert 1992; positive-part shrinkage, James and Stein 1961.
/// </remarks>
/// <param name="x">n x features, row-major.</param>
/// <param name="cause">n x causes, row-major, each of mean 0 and deviation 1.</param>
/// <param name="y">Of each request, in one unit for both kinds.</param>
internal sealed class LabelEffect(float[] x, int features, float[] cause, int causes, float[] y, bool[] isGold, DebiasingOptions options)
{
    private const int Folds = 5;

    // The few gold rows, each over e, hold nearly all of the pseudo-outcomes' noise.
    private const double Caution = 4;

    // Standard errors within which a slope is taken for chance.
    private const double Doubt = 2;

    // Weight of equal shares in the mixture, in units of the noise of one gold label.
    private const double Prior = .3;

    // No label counts more than fifty times another.
    private const float LeastPropensity = .02f;

    // No correction can exceed the range of the labels by more than noise.
    private const float Widest = 1.2f;

    private readonly int[] _gold = [.. Enumerable.Range(0, isGold.Length).Where(i => isGold[i])], _judged = [.. Enumerable.Range(0, isGold.Length).Where(i => !isGold[i])];
    private readonly int[] _fold = FoldsOf(isGold);

    /// <summary>Delta of each request, gold or not.</summary>
    public float[] Estimate()
    {
        var (m0, m1) = Nuisances();
        var (left, weight) = PseudoOutcomes(m0, m1, Propensity());
        var correction = new RidgeDesign(cause, causes, weight, Caution).Fit(left);
        float[] effect = [.. m1.Select((m, i) => m - m0[i] + correction.Predict(cause.AsSpan(i * causes, causes)))];
        var (mean, share) = (effect.Average(), (float)Confirmed([.. _gold.Select(i => m1[i] - m0[i])], [.. _gold.Select(i => y[i] - m0[i])]));
        var widest = Widest * Math.Max(y.Max() - y.Min(), 1e-6f);
        return [.. effect.Select(v => Math.Clamp(mean + (share * (v - mean)), -widest, widest))];
    }

    /// <summary>Each label's fold, by its place among its kind, so that the folds have equally many of either kind.</summary>
    private static int[] FoldsOf(bool[] isGold)
    {
        var (gold, judged) = (0, 0);
        return [.. isGold.Select(g => (g ? gold++ : judged++) % Folds)];
    }

    /// <summary>m0 and m1 of each request, by what the other folds' labels taught.</summary>
    private (float[] M0, float[] M1) Nuisances()
    {
        var n = y.Length;
        var unit = Math.Max(PreferenceDebiasing.Spread(y, _gold), 1e-3f) / 4;
        var (m0, doubting, trusting, alone) = (new float[n], new float[n], new float[n], new float[n]);
        for (var f = 0; f < Folds; f++)
        {
            int[] judgedBy = [.. _judged.Where(i => _fold[i] != f)], gradedBy = [.. _gold.Where(i => _fold[i] != f)];
            var preference = new RidgeDesign(DenseRows.Take(x, judgedBy, features), features).Fit(DenseRows.Take(y, judgedBy, 1));
            float[] eta = [.. Enumerable.Range(0, n).Select(i => preference.Predict(x.AsSpan(i * features, features)))];
            // The part of eta that the causes explain may be bias; the rest is a feature of its own.
            var explained = new RidgeDesign(cause, causes).Fit(eta);
            var joined = WithLast(cause, causes, [.. eta.Select((v, i) => (v - explained.Predict(cause.AsSpan(i * causes, causes))) / unit)]);
            var design = new RidgeDesign(DenseRows.Take(joined, gradedBy, causes + 1), causes + 1);
            var graded = design.Fit(DenseRows.Take(y, gradedBy, 1));
            var added = design.Fit([.. gradedBy.Select(i => y[i] - eta[i])]);
            var only = new RidgeDesign(DenseRows.Take(x, gradedBy, features), features).Fit(DenseRows.Take(y, gradedBy, 1));
            foreach (var i in Enumerable.Range(0, n).Where(i => _fold[i] == f))
            {
                var row = joined.AsSpan(i * (causes + 1), causes + 1);
                (m0[i], doubting[i], trusting[i], alone[i]) = (eta[i], graded.Predict(row), eta[i] + added.Predict(row), only.Predict(x.AsSpan(i * features, features)));
            }
        }

        return (m0, Stacked(y, _gold, trusting, [doubting, alone]));
    }

    /// <summary>What m1 - m0 leaves unexplained of each request's pseudo-outcome, and its weight.</summary>
    private (float[] Left, float[] Weight) PseudoOutcomes(float[] m0, float[] m1, float[] propensity)
    {
        var (left, weight) = (new float[y.Length], new float[y.Length]);
        for (var i = 0; i < y.Length; i++)
        {
            var e = propensity[i];
            if (options.Learner == DebiasingLearner.DoublyRobust)
            {
                (left[i], weight[i]) = (isGold[i] ? (y[i] - m1[i]) / e : (m0[i] - y[i]) / (1 - e), 1); // (1)
            }
            else
            {
                var treated = (isGold[i] ? 1 : 0) - e;
                left[i] = ((y[i] - ((e * m1[i]) + ((1 - e) * m0[i]))) / treated) - (m1[i] - m0[i]); // (2)
                weight[i] = treated * treated;
            }
        }

        return (left, weight);
    }

    /// <summary>P(gold | x): the share of gold, or a linear model of it, cross-fitted.</summary>
    private float[] Propensity()
    {
        var n = isGold.Length;
        var propensity = new float[n];
        Array.Fill(propensity, Math.Clamp(_gold.Length / (float)n, LeastPropensity, 1 - LeastPropensity));
        for (var f = 0; f < Folds && !options.IsRandomised; f++)
        {
            int[] fit = [.. Enumerable.Range(0, n).Where(i => _fold[i] != f)];
            var model = new RidgeDesign(DenseRows.Take(x, fit, features), features).Fit([.. fit.Select(i => isGold[i] ? 1f : 0f)]);
            foreach (var i in Enumerable.Range(0, n).Where(i => _fold[i] == f))
            {
                propensity[i] = Math.Clamp(model.Predict(x.AsSpan(i * features, features)), LeastPropensity, 1 - LeastPropensity);
            }
        }

        return propensity;
    }

    /// <summary>
    /// How much of a predicted effect's departures from its mean the observed ones bear out, 0 to 1: the slope of observed on predicted, times the positive part of
    /// 1 - (<see cref="Doubt"/> standard errors / slope)^2.
    /// </summary>
    /// <param name="predicted">Predictions by models that did not see the row.</param>
    internal static double Confirmed(ReadOnlySpan<float> predicted, ReadOnlySpan<float> observed)
    {
        var (n, meanPredicted, meanObserved) = (predicted.Length, TensorPrimitives.Sum(predicted) / (double)predicted.Length, TensorPrimitives.Sum(observed) / (double)observed.Length);
        var (spread, common, total) = (0.0, 0.0, 0.0);
        for (var i = 0; i < n; i++)
        {
            var (x, v) = (predicted[i] - meanPredicted, observed[i] - meanObserved);
            (spread, common, total) = (spread + (x * x), common + (x * v), total + (v * v));
        }

        if (n < 3 || !(spread > 0) || !(common > 0))
        {
            return 0;
        }

        var slope = common / spread;
        var squaredError = Math.Max(0, total - (slope * common)) / (n - 2) / spread;
        return Math.Clamp(slope * (1 - (Doubt * Doubt * squaredError / (slope * slope))), 0, 1);
    }

    /// <summary>
    /// The mixture of candidates that predicts gold labels best, each candidate fitted without the fold it predicts: least squares, held to equal shares as if by
    /// <see cref="Prior"/> times as much noise, then to shares of 0 or more.
    /// </summary>
    private static float[] Stacked(float[] y, int[] gold, float[] first, float[][] others)
    {
        var k = others.Length;
        var error = gold.Average(i => Math.Pow(y[i] - first[i], 2));
        var (gram, share) = (new double[k * k], new double[k]);
        for (var a = 0; a < k; a++)
        {
            for (var b = 0; b < k; b++)
            {
                gram[(a * k) + b] = gold.Sum(i => (double)(others[a][i] - first[i]) * (others[b][i] - first[i])) + (a == b ? Prior * error : 0);
            }

            share[a] = gold.Sum(i => (double)(others[a][i] - first[i]) * (y[i] - first[i])) + (Prior * error / (k + 1));
        }

        Cholesky.Factor(gram, k);
        Cholesky.Solve(gram, k, share);
        for (var a = 0; a < k; a++)
        {
            share[a] = Math.Clamp(share[a], 0, 1);
        }

        var total = Math.Max(share.Sum(), 1);
        return [.. first.Select((v, i) => (float)(v + Enumerable.Range(0, k).Sum(a => share[a] / total * (others[a][i] - v))))];
    }

    /// <summary>A matrix with a column more.</summary>
    private static float[] WithLast(float[] matrix, int width, float[] last)
    {
        var joined = new float[last.Length * (width + 1)];
        for (var i = 0; i < last.Length; i++)
        {
            matrix.AsSpan(i * width, width).CopyTo(joined.AsSpan(i * (width + 1)));
            joined[(i * (width + 1)) + width] = last[i];
        }

        return joined;
    }
}
