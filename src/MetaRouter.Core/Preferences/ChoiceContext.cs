using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>What the likelihood of a signal needs besides the signal: parts of a snapshot.</summary>
/// <param name="CostScaleUsd">tau in US dollars, above 0.</param>
/// <param name="Correlation">Of two models' outcomes on one request beyond what is predicted, 0 to 1.</param>
/// <param name="CostSpread">How far a realised cost lies from the predicted one, as a share of it: 0 (costs are known) or more.</param>
public readonly record struct ChoiceContext(double CostScaleUsd, float Correlation, float CostSpread = 0)
{
    /// <summary>
    /// How sharply each kind speaks, relative to a comparison; 0: it does not speak of the trade-off.
    /// Ratings and task success judge quality alone. The others are guesses until a population has been observed.
    /// </summary>
    public static float StrengthOf(FeedbackKind kind) => kind switch
    {
        FeedbackKind.Comparison => 1f,
        FeedbackKind.Thumb => 1f,
        FeedbackKind.SwitchModel => 0.7f,
        FeedbackKind.Regenerate => 0.5f,
        FeedbackKind.Accept or FeedbackKind.Edit => 0.3f,
        FeedbackKind.Abandon => 0.2f,
        _ => 0f,
    };
}
