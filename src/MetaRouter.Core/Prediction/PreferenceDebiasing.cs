using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Prediction;

/// <summary>How the bias of preference labels is learned.</summary>
public enum DebiasingLearner
{
    /// <summary>The same everywhere: the difference of means.</summary>
    MeanShift,

    /// <summary>Doubly robust pseudo-outcomes.</summary>
    DoublyRobust,

    /// <summary>Residual on residual, weighted by the treatment's: Robinson's transformation.</summary>
    Residual,
}

public sealed record DebiasingOptions
{
    /// <value>Default <see cref="DebiasingLearner.DoublyRobust"/>.</value>
    public DebiasingLearner Learner { get; init; } = DebiasingLearner.DoublyRobust;

    /// <value>Parts for cross-fitting; default 5, at least 2.</value>
    public int Folds { get; init; } = 5;

    /// <value>Whether gold labels were drawn at random from all requests, as in an experiment. Default false: how likely a request was to be graded is learned too.</value>
    public bool IsRandomised { get; init; }

    /// <value>Whether preference labels are brought to the spread of gold labels first. Default true.</value>
    public bool AlignsScale { get; init; } = true;
}

/// <param name="Label">Of each request: gold as given, preference labels aligned and corrected.</param>
/// <param name="Weight">What each label counts in a fit of both.</param>
/// <param name="Shift">What was added to each request's preference label, had it one.</param>
/// <param name="Scale">What preference labels were multiplied by.</param>
public sealed record DebiasedLabels(float[] Label, float[] Weight, float[] Shift, float Scale);

/// <summary>
/// Joins few labels that are right on average (gold: graded answers) with many that are not (preferences: a judge, a crowd). Which way a request was labelled is a treatment
/// t (gold 1, preference 0), psi(x) = E[gold | x], eta(x) = E[preference | x], and the bias is minus the treatment's effect, <c>Delta(x) = psi(x) - eta(x)</c>, which depends on the
/// request. Preference labels are lifted by an estimate of Delta and can then be pooled with gold.
/// </summary>
/// <remarks>
/// With e = P(gold | x) and nuisances m1, m0 fitted without the fold they predict, Delta is m1 - m0 and a regression of what that leaves of the pseudo-outcomes:
/// doubly robust, <c>m1 - m0 + t (y - m1) / e - (1 - t) (y - m0) / (1 - e)</c>;
/// residual, <c>(y - m) / (t - e)</c> with weight <c>(t - e)^2</c>, m = e m1 + (1 - e) m0.
/// m0 is regressed on all features. Gold is too little for that alone, so m1 is a mixture of three: m0 and what gold adds to it by the causes (shrunk towards believing the judge);
/// gold by the causes and by what of m0 the causes do not explain (shrunk towards not believing); and gold by all features. Gold labels of the other folds say how much of each.
/// They also say how much of Delta's departures from its mean is believed: where they do not confirm them by two standard errors, every label is lifted by the same.
/// A correction that varies by chance costs more order than the bias it takes away.
/// Every regression is <see cref="RidgeDesign"/>.
/// Before all, preference labels are aligned: brought to the spread of gold labels about the same mean.
/// O(folds (n D^2 + D^3)). Same input, same result.
/// Sources: Meta-Router, arXiv:2509.25535; DR-learner, Kennedy 2020 (arXiv:2004.14497); R-learner, Nie and Wager 2021 (arXiv:1712.04912); positive-part shrinkage, James and Stein 1961.
/// </remarks>
public static class PreferenceDebiasing
{
    /// <summary>Fewer gold labels cannot be cross-fitted.</summary>
    public const int LeastGold = 10;

    /// <summary>What a gold label counts beside a corrected one, whose correction errs for all of them alike.</summary>
    public const float GoldWeight = 3;

    // The few gold rows, each over e, hold nearly all of the pseudo-outcomes' noise.
    private const double Caution = 4;

    // Standard errors within which a slope is taken for chance.
    private const double Doubt = 2;

    // Of equal shares in the mixture, in units of the noise of one gold label.
    private const double Prior = .3;

    private const float LeastPropensity = .02f;

    // No correction can exceed the range of the labels by more than noise.
    private const float Widest = 1.2f;

    /// <summary>What a judge's bias is looked for in, of encoded requests: the features of a text's surface, such as its length.</summary>
    /// <param name="features">n x <see cref="PromptEncoder.Features"/>.</param>
    public static float[] CausesOf(ReadOnlySpan<float> features)
    {
        var causes = new float[features.Length / PromptEncoder.Features * NgramCounter.SurfaceLength];
        for (var (from, to) = (0, 0); to < causes.Length; from += PromptEncoder.Features, to += NgramCounter.SurfaceLength)
        {
            features.Slice(from + PromptEncoder.Described - NgramCounter.SurfaceLength, NgramCounter.SurfaceLength).CopyTo(causes.AsSpan(to));
        }

        return causes;
    }

    /// <param name="x">n x features, row-major: what labels are regressed on.</param>
    /// <param name="cause">n x causes, row-major: what the bias may depend on; few, since few gold labels must tell them apart.</param>
    /// <param name="label">Of each request, in one unit for both kinds, such as the first model's gain over the second: -1 to 1.</param>
    /// <param name="isGold">Which kind it is. What is a fold is told by the place among its kind.</param>
    /// <exception cref="ArgumentException">Fewer than <see cref="LeastGold"/> of a kind, or lengths that do not fit.</exception>
    public static DebiasedLabels Correct(float[] x, int features, float[] cause, int causes, float[] label, bool[] isGold, DebiasingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(cause);
        ArgumentNullException.ThrowIfNull(label);
        ArgumentNullException.ThrowIfNull(isGold);
        options ??= new DebiasingOptions();
        var n = label.Length;
        if (x.Length != n * features || cause.Length != n * causes || isGold.Length != n)
        {
            throw new ArgumentException($"{n} labels need {n} x {features} features, {n} x {causes} causes and {n} kinds; found {x.Length}, {cause.Length} and {isGold.Length}.");
        }

        int[] gold = [.. Enumerable.Range(0, n).Where(i => isGold[i])], judged = [.. Enumerable.Range(0, n).Where(i => !isGold[i])];
        if (gold.Length < LeastGold || judged.Length < LeastGold)
        {
            throw new ArgumentException($"There are {gold.Length} gold and {judged.Length} preference labels; the bias needs at least {LeastGold} of each.", nameof(isGold));
        }

        cause = Standardised(cause, causes);
        var (y, scale) = Aligned(label, gold, judged, options.AlignsScale);
        var shift = options.Learner == DebiasingLearner.MeanShift ? [.. Enumerable.Repeat(Mean(y, gold) - Mean(y, judged), n)] : Effect(x, features, cause, causes, y, isGold, gold, judged, options);
        return new DebiasedLabels([.. y.Select((v, i) => isGold[i] ? v : v + shift[i])], [.. isGold.Select(g => g ? GoldWeight : 1)], shift, scale);
    }

    private static (float[] Label, float Scale) Aligned(float[] label, int[] gold, int[] judged, bool aligns)
    {
        var (mean, spread) = (Mean(label, judged), Spread(label, judged));
        var scale = aligns && spread > 0 ? Spread(label, gold) / spread : 1;
        var aligned = (float[])label.Clone();
        foreach (var i in judged)
        {
            aligned[i] = mean + (scale * (label[i] - mean));
        }

        return (aligned, scale);
    }

    private static float[] Effect(float[] x, int features, float[] cause, int causes, float[] y, bool[] isGold, int[] gold, int[] judged, DebiasingOptions options)
    {
        var n = y.Length;
        var fold = new int[n];
        foreach (var kind in (int[][])[gold, judged])
        {
            for (var i = 0; i < kind.Length; i++)
            {
                fold[kind[i]] = i % options.Folds;
            }
        }

        var unit = Math.Max(Spread(y, gold), 1e-3f) / 4;
        var propensity = Propensity(x, features, isGold, fold, options);
        var (m0, doubting, trusting, alone) = (new float[n], new float[n], new float[n], new float[n]);
        for (var f = 0; f < options.Folds; f++)
        {
            int[] judgedBy = [.. judged.Where(i => fold[i] != f)], gradedBy = [.. gold.Where(i => fold[i] != f)], held = [.. Enumerable.Range(0, n).Where(i => fold[i] == f)];
            var preference = new RidgeDesign(DenseRows.Take(x, judgedBy, features), features).Fit(DenseRows.Take(y, judgedBy, 1));
            float[] eta = [.. Enumerable.Range(0, n).Select(i => preference.Predict(x.AsSpan(i * features, features)))];
            // What of eta the causes explain may be bias; the rest is taken apart from it.
            var explained = new RidgeDesign(cause, causes).Fit(eta);
            var joined = WithLast(cause, causes, [.. eta.Select((v, i) => (v - explained.Predict(cause.AsSpan(i * causes, causes))) / unit)]);
            var design = new RidgeDesign(DenseRows.Take(joined, gradedBy, causes + 1), causes + 1);
            var graded = design.Fit(DenseRows.Take(y, gradedBy, 1));
            var only = new RidgeDesign(DenseRows.Take(x, gradedBy, features), features).Fit(DenseRows.Take(y, gradedBy, 1));
            var added = design.Fit([.. gradedBy.Select(i => y[i] - eta[i])]);
            foreach (var i in held)
            {
                var row = joined.AsSpan(i * (causes + 1), causes + 1);
                (m0[i], doubting[i], trusting[i], alone[i]) = (eta[i], graded.Predict(row), eta[i] + added.Predict(row), only.Predict(x.AsSpan(i * features, features)));
            }
        }

        var m1 = Stacked(y, gold, trusting, [doubting, alone]);

        // What the difference of the nuisances leaves unexplained, in pseudo-outcomes.
        var (left, weight) = (new float[n], new float[n]);
        for (var i = 0; i < n; i++)
        {
            var e = propensity[i];
            if (options.Learner == DebiasingLearner.DoublyRobust)
            {
                left[i] = isGold[i] ? (y[i] - m1[i]) / e : (m0[i] - y[i]) / (1 - e);
                weight[i] = 1;
            }
            else
            {
                var treated = (isGold[i] ? 1 : 0) - e;
                left[i] = ((y[i] - ((e * m1[i]) + ((1 - e) * m0[i]))) / treated) - (m1[i] - m0[i]);
                weight[i] = treated * treated;
            }
        }

        var correction = new RidgeDesign(cause, causes, weight, Caution).Fit(left);
        var widest = Widest * Math.Max(y.Max() - y.Min(), 1e-6f);
        float[] effect = [.. Enumerable.Range(0, n).Select(i => m1[i] - m0[i] + correction.Predict(cause.AsSpan(i * causes, causes)))];
        var (mean, share) = (effect.Average(), (float)Confirmed([.. gold.Select(i => m1[i] - m0[i])], [.. gold.Select(i => y[i] - m0[i])]));
        return [.. effect.Select(v => Math.Clamp(mean + (share * (v - mean)), -widest, widest))];
    }

    /// <summary>
    /// How much of a foretold effect's departures from its mean the observed ones bear out, 0 to 1: the slope of observed on foretold, times the positive part of
    /// 1 - (<see cref="Doubt"/> standard errors / slope)^2.
    /// </summary>
    /// <param name="foretold">By models that did not see the row.</param>
    internal static double Confirmed(ReadOnlySpan<float> foretold, ReadOnlySpan<float> observed)
    {
        var (n, meanForetold, meanObserved) = (foretold.Length, TensorPrimitives.Sum(foretold) / (double)foretold.Length, TensorPrimitives.Sum(observed) / (double)observed.Length);
        var (spread, common, total) = (0.0, 0.0, 0.0);
        for (var i = 0; i < n; i++)
        {
            var (x, v) = (foretold[i] - meanForetold, observed[i] - meanObserved);
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
    /// The mixture of candidates that foretells gold labels best, each candidate fitted without the fold it predicts: least squares, held to equal shares as if by
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

    /// <summary>P(gold | x): the share of gold, or a linear model of it, cross-fitted.</summary>
    private static float[] Propensity(float[] x, int features, bool[] isGold, int[] fold, DebiasingOptions options)
    {
        var n = isGold.Length;
        var share = isGold.Count(g => g) / (float)n;
        var propensity = new float[n];
        Array.Fill(propensity, Math.Clamp(share, LeastPropensity, 1 - LeastPropensity));
        for (var f = 0; f < options.Folds && !options.IsRandomised; f++)
        {
            int[] fit = [.. Enumerable.Range(0, n).Where(i => fold[i] != f)];
            var model = new RidgeDesign(DenseRows.Take(x, fit, features), features).Fit([.. fit.Select(i => isGold[i] ? 1f : 0f)]);
            foreach (var i in Enumerable.Range(0, n).Where(i => fold[i] == f))
            {
                propensity[i] = Math.Clamp(model.Predict(x.AsSpan(i * features, features)), LeastPropensity, 1 - LeastPropensity);
            }
        }

        return propensity;
    }

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

    /// <summary>Every cause at mean 0 and deviation 1, so that one penalty is fair to all; one that never varies says nothing.</summary>
    private static float[] Standardised(float[] cause, int causes)
    {
        var n = causes == 0 ? 0 : cause.Length / causes;
        var scaled = new float[cause.Length];
        for (var c = 0; c < causes; c++)
        {
            float[] column = [.. Enumerable.Range(0, n).Select(i => cause[(i * causes) + c])];
            var (mean, spread) = (column.Average(), TensorPrimitives.StdDev<float>(column));
            for (var i = 0; i < n && spread > 1e-6f; i++)
            {
                scaled[(i * causes) + c] = (column[i] - mean) / spread;
            }
        }

        return scaled;
    }

    private static float Mean(float[] values, int[] rows) => (float)rows.Average(i => (double)values[i]);

    private static float Spread(float[] values, int[] rows)
    {
        var taken = DenseRows.Take(values, rows, 1);
        return TensorPrimitives.StdDev<float>(taken);
    }
}
