using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Prediction;

/// <param name="Label">Of each request: gold as given, preference labels aligned and corrected.</param>
/// <param name="Weight">What each label counts in a fit of both.</param>
/// <param name="Shift">What was added to each request's preference label, or would be if it had one.</param>
/// <param name="Scale">What preference labels were multiplied by.</param>
public sealed record DebiasedLabels(float[] Label, float[] Weight, float[] Shift, float Scale);

/// <summary>
/// Joins few labels that are right on average (gold: graded answers) with many that are not (preferences: a judge, a crowd). Which way a request was labelled is a treatment
/// t (gold 1, preference 0), psi(x) = E[gold | x], eta(x) = E[preference | x], and the bias is minus the treatment's effect, <c>Delta(x) = psi(x) - eta(x)</c>, which depends on the
/// request. Preference labels are lifted by an estimate of Delta and can then be pooled with gold.
/// </summary>
/// <remarks>
/// Before all, preference labels are aligned: brought to the spread of gold labels about the same mean. Delta: <see cref="LabelEffect"/>.
/// O(folds (n D^2 + D^3)). Same input, same result. Source: Meta-Router, arXiv:2509.25535.
/// </remarks>
public static class PreferenceDebiasing
{
    /// <summary>Fewer gold labels cannot be cross-fitted.</summary>
    public const int LeastGold = 10;

    /// <summary>The weight of a gold label beside a corrected one: the correction's error is common to all corrected labels.</summary>
    public const float GoldWeight = 3;

    /// <summary>The features of encoded requests that a judge's bias may depend on: those of a text's surface, such as its length.</summary>
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
    /// <param name="isGold">Which kind it is. A label's fold follows from its place among its kind.</param>
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
        var shift = options.Learner == DebiasingLearner.MeanShift
            ? [.. Enumerable.Repeat(Mean(y, gold) - Mean(y, judged), n)]
            : new LabelEffect(x, features, cause, causes, y, isGold, options).Estimate();
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

    /// <summary>The standard deviation of some of the values.</summary>
    internal static float Spread(float[] values, int[] rows) => TensorPrimitives.StdDev<float>(DenseRows.Take(values, rows, 1));
}
