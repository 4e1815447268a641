using System.Numerics.Tensors;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// How likely a user's whole window of signals is under each hypothesis h = (lambda, beta): <c>ln P(signals | h) = sum_i w_i ln P(signal_i | h)</c>, and where topics or waiting
/// come in, what <see cref="TopicOffsets"/> and <see cref="LatencyBelief"/> make of it.
/// </summary>
/// <remarks>
/// Evidence fades by its rank in time among the signals that speak of the trade-off, <c>w_i = fade^rank</c>, never by the time of its arrival, so that equal
/// windows give equal beliefs and what was taken back, or spoke of quality alone, leaves no trace. What only one side was ever heard of weighs less (<see cref="ImplicitWeight"/>).
/// O(signals x hypotheses).
/// </remarks>
public static class WindowLikelihood
{
    /// <summary>What is left of a signal's weight with each newer one.</summary>
    public const float Fade = 0.99f;

    /// <summary>Whether a signal that is heard set a faster answer against a slower one.</summary>
    internal static bool SpeaksOfWaiting(PopulationPrior prior, ReadOnlySpan<Signal> signals)
    {
        for (var i = 0; i < signals.Length && !prior.Latency.IsNone; i++)
        {
            if (signals[i].First.SecondsBeyond(signals[i].Second) != 0 && SignalReading.IsHeard(prior, signals, i))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Adds ln P(signals | h) of every hypothesis, the price of a second summed out.</summary>
    /// <param name="signals">Ascending in time.</param>
    /// <param name="log">One number a hypothesis, <see cref="ChoiceModel.Hypotheses"/> of them.</param>
    /// <param name="only">Just this kind's part, faded as among all; null: every kind's.</param>
    /// <returns>How many signals spoke.</returns>
    public static int Add(PopulationPrior prior, in ChoiceContext context, ReadOnlySpan<Signal> signals, Span<float> log, FeedbackKind? only = null)
    {
        ArgumentNullException.ThrowIfNull(prior);
        if (only is not null || !SpeaksOfWaiting(prior, signals))
        {
            return AddAt(prior, context, signals, log, only);
        }

        // ln sum_g p(g) P(signals | h, g), largest term first.
        var (at, used, prices) = (new float[LatencyBelief.Prices.Length][], 0, LatencyBelief.Prices);
        var max = new float[log.Length];
        Array.Fill(max, float.NegativeInfinity);
        for (var g = 0; g < at.Length; g++)
        {
            at[g] = new float[log.Length];
            used = AddAt(prior, context with { SecondPrice = prices[g] }, signals, at[g]);
            TensorPrimitives.Add(at[g], (float)Math.Log(Math.Max(prior.Waiting.Probability[g], 1e-30)), at[g]);
            TensorPrimitives.Max(max, at[g], max);
        }

        for (var h = 0; h < log.Length; h++)
        {
            var mass = 0f;
            for (var g = 0; g < at.Length; g++)
            {
                mass += MathF.Exp(at[g][h] - max[h]);
            }

            log[h] += max[h] + MathF.Log(mass);
        }

        return used;
    }

    /// <summary>As <see cref="Add"/>, of a user whose price of a second is the context's.</summary>
    internal static int AddAt(PopulationPrior prior, in ChoiceContext context, ReadOnlySpan<Signal> signals, Span<float> log, FeedbackKind? only = null)
    {
        if (only is null && TopicEvidence.Of(prior, context, signals) is { } evidence)
        {
            new TopicOffsets(evidence, prior.Topics).AddTo(log);
            return evidence.Signals;
        }

        Span<float> p = stackalloc float[ChoiceModel.Hypotheses];
        var (used, weight, implicitly) = (0, 1f, ImplicitWeight.In(prior, signals));
        for (var i = signals.Length - 1; i >= 0; i--)
        {
            if (!SignalReading.IsHeard(prior, signals, i))
            {
                continue;
            }

            if (only is null || only == signals[i].Key.Kind)
            {
                SignalReading.LogLikelihood(signals[i], prior.SpeechOf(signals[i].Key.Kind), context, p);
                TensorPrimitives.MultiplyAdd(p, weight * implicitly.Of(signals[i]), log, log);
                used++;
            }

            weight *= Fade;
        }

        return used;
    }

    /// <summary>ln sum exp.</summary>
    internal static double LogSum(ReadOnlySpan<float> log)
    {
        var max = TensorPrimitives.Max(log);
        var mass = 0.0;
        foreach (var l in log)
        {
            mass += Math.Exp(l - max);
        }

        return max + Math.Log(mass);
    }
}
