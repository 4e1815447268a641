using System.Numerics.Tensors;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// How likely a user's whole window of signals is under each hypothesis h = (lambda, beta): <c>ln P(signals | h) = sum_i w_i ln P(signal_i | h)</c>, and where topics or waiting
/// come in, what <see cref="TopicOffsets"/> and <see cref="LatencyBelief"/> make of it.
/// </summary>
/// <remarks>The weights are those of <see cref="HeardWindow"/>. O(signals x hypotheses).</remarks>
public static class WindowLikelihood
{
    /// <summary>What is left of a signal's weight with each newer one.</summary>
    public const float Fade = 0.99f;

    /// <summary>Adds ln P(signals | h) of every hypothesis, the price of a second summed out.</summary>
    /// <param name="signals">Ascending in time; <see cref="UserState.Window"/> at most.</param>
    /// <param name="log">One number a hypothesis, <see cref="ChoiceModel.Hypotheses"/> of them.</param>
    /// <returns>How many signals spoke.</returns>
    public static int Add(PopulationPrior prior, in ChoiceContext context, ReadOnlySpan<Signal> signals, Span<float> log)
    {
        ArgumentNullException.ThrowIfNull(prior);
        var heard = new HeardWindow(prior, signals, stackalloc float[signals.Length]);
        if (!heard.SpeaksOfWaiting)
        {
            AddAt(heard, context, log);
            return heard.Count;
        }

        // ln sum_g p(g) P(signals | h, g), largest term first.
        var (at, prices) = (new float[LatencyBelief.Prices.Length][], LatencyBelief.Prices);
        var max = new float[log.Length];
        Array.Fill(max, float.NegativeInfinity);
        for (var g = 0; g < at.Length; g++)
        {
            at[g] = new float[log.Length];
            AddAt(heard, context with { SecondPrice = prices[g] }, at[g]);
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

        return heard.Count;
    }

    /// <summary>As <see cref="Add"/>, of a user whose price of a second is the context's.</summary>
    private static void AddAt(in HeardWindow heard, in ChoiceContext context, Span<float> log)
    {
        if (TopicEvidence.Of(heard, context) is { } evidence)
        {
            new TopicOffsets(evidence, heard.Prior.Topics).AddTo(log);
        }
        else
        {
            heard.Add(context, log);
        }
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
