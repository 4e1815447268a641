using System.Numerics.Tensors;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>What one signal of a window says of the trade-off: whether it is heard, which side it is for, and how likely each hypothesis makes it.</summary>
internal static class SignalReading
{
    /// <summary>ln P(what one signal said | each hypothesis); false: it says nothing of the trade-off.</summary>
    public static bool TryLogLikelihood(PopulationPrior prior, in ChoiceContext context, ReadOnlySpan<Signal> signals, int at, Span<float> p)
    {
        if (!IsHeard(prior, signals, at))
        {
            return false;
        }

        LogLikelihood(signals[at], prior.SpeechOf(signals[at].Key.Kind), context, p);
        return true;
    }

    public static bool IsHeard(PopulationPrior prior, ReadOnlySpan<Signal> signals, int at) =>
        prior.SpeechOf(signals[at].Key.Kind).Strength > 0 && Speaks(signals[at]) && !RepeatsThumb(signals, at);

    /// <summary>ln P(what was said | each hypothesis) of one signal that speaks.</summary>
    public static void LogLikelihood(in Signal signal, SignalSpeech speech, in ChoiceContext context, Span<float> p)
    {
        ChoiceModel.Likelihood(signal.First, signal.Second, context, speech, p, signal.Key.Kind != FeedbackKind.Comparison);
        if (!FirstPreferred(signal))
        {
            TensorPrimitives.Subtract(1f, p, p);
        }

        TensorPrimitives.Max(p, 1e-7f, p); // without lapses a choice can round to impossible under every hypothesis
        TensorPrimitives.Log(p, p);
    }

    /// <summary>
    /// A withdrawn signal says nothing; nor does a switch towards the dear (or the cheap) from a model that is already on that side of the pool's middle,
    /// which is all it can be measured against.
    /// </summary>
    private static bool Speaks(in Signal signal) =>
        !signal.Withdrawn && (signal.Key.Kind != FeedbackKind.SwitchModel || (signal.Value == 1) == (signal.Second.CostUsd < signal.First.CostUsd));

    /// <summary>Asking for an answer again and a thumb down on it are one complaint, made twice.</summary>
    private static bool RepeatsThumb(ReadOnlySpan<Signal> signals, int at)
    {
        var key = signals[at].Key;
        for (var i = at - 1; key.Kind == FeedbackKind.Regenerate && i >= 0 && (signals[i].Key.DecisionTimeMs, signals[i].Key.Nonce) == (key.DecisionTimeMs, key.Nonce); i--)
        {
            if (signals[i] is { Key.Kind: FeedbackKind.Thumb, Withdrawn: false, Value: 0 })
            {
                return true;
            }
        }

        return false;
    }

    private static bool FirstPreferred(in Signal signal) => signal.Key.Kind switch
    {
        // A switch to a cheaper or dearer model is a comparison that the model switched to has won.
        FeedbackKind.SwitchModel => false,
        _ => signal.Value > 0,
    };
}
