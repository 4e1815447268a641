using System.Numerics.Tensors;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>What one signal of a window says of the trade-off: whether it is heard, which side it is for, and how likely each hypothesis makes it.</summary>
internal static class SignalReading
{
    public static bool IsHeard(PopulationPrior prior, ReadOnlySpan<Signal> signals, int at) =>
        prior.SpeechOf(signals[at].Key.Kind).Strength > 0 && Speaks(signals[at]) && !IsSaidOtherwise(prior, signals, at);

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

    /// <summary>
    /// Several words on one answer are one judgement: a thumb, else what the user did last, heard in the sharpest kind that says the same. Which is sharper is as it was guessed,
    /// not as learned: else two priors could hear other words of one window, and how well they predict it could not be compared.
    /// </summary>
    private static bool IsSaidOtherwise(PopulationPrior prior, ReadOnlySpan<Signal> signals, int at)
    {
        if (!JudgesOneAnswer(signals[at].Key.Kind))
        {
            return false;
        }

        // Kinds are in the order of their numbers, which for these is from the sharpest on: the thumb first.
        var (first, meant) = (FirstOn(signals, at), -1);
        for (var i = first; i < signals.Length && IsOfOneDecision(signals[i], signals[at]); i++)
        {
            if (IsWord(signals[i]) && (meant < 0 || (signals[meant].Key.Kind != FeedbackKind.Thumb && signals[i].ClientTimeMs > signals[meant].ClientTimeMs)))
            {
                meant = i;
            }
        }

        var said = first;
        while (!IsWord(signals[said]) || signals[said].Value != signals[meant].Value)
        {
            said++;
        }

        return said != at;

        bool IsWord(in Signal signal) => !signal.Withdrawn && JudgesOneAnswer(signal.Key.Kind) && prior.SpeechOf(signal.Key.Kind).Strength > 0;
    }

    private static int FirstOn(ReadOnlySpan<Signal> signals, int at)
    {
        var first = at;
        while (first > 0 && IsOfOneDecision(signals[first - 1], signals[at]))
        {
            first--;
        }

        return first;
    }

    private static bool IsOfOneDecision(in Signal left, in Signal right) => (left.Key.DecisionTimeMs, left.Key.Nonce) == (right.Key.DecisionTimeMs, right.Key.Nonce);

    private static bool JudgesOneAnswer(FeedbackKind kind) => kind == FeedbackKind.Thumb || kind.IsImplicit();

    private static bool FirstPreferred(in Signal signal) => signal.Key.Kind switch
    {
        // A switch to a cheaper or dearer model is a comparison that the middle of the pool, on that side of it, has won.
        FeedbackKind.SwitchModel => false,
        _ => signal.Value > 0,
    };
}
