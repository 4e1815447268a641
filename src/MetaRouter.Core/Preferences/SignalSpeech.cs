using System.Collections.Immutable;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>How each kind of feedback speaks of the trade-off, beside a comparison: what a population's signals taught, or what is guessed before any.</summary>
/// <param name="Strength">The sharpness of this kind as a multiple of a comparison's; 0: it is silent.</param>
/// <param name="Lapse">The share of such signals given without looking, 0 to below 1.</param>
public readonly record struct SignalSpeech(double Strength, double Lapse)
{
    /// <summary>Kinds of feedback there are.</summary>
    public const int Kinds = (int)FeedbackKind.TaskSuccess + 1;

    /// <summary>
    /// Before a population has been observed. Ratings and task success judge quality alone and stay silent; a comparison is the unit.
    /// </summary>
    /// <param name="lapse">Of a comparison, and of every kind.</param>
    public static ImmutableArray<SignalSpeech> Guessed(double lapse) => [.. Enumerable.Range(0, Kinds).Select(kind => new SignalSpeech((FeedbackKind)kind switch
    {
        FeedbackKind.Comparison => 1,
        FeedbackKind.Thumb => 1,
        FeedbackKind.SwitchModel => 0.7,
        FeedbackKind.Regenerate => 0.5, // asked for again: a comparison with the middle of the pool, weakly lost
        FeedbackKind.Accept or FeedbackKind.Edit => 0.3,
        FeedbackKind.Abandon => 0.2,
        _ => 0,
    }, lapse))];
}
