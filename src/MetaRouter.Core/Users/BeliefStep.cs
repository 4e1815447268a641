using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Users;

/// <summary>What one signal made of the belief in a user.</summary>
/// <param name="Signal">What was said.</param>
/// <param name="Before">The belief in the signals before it.</param>
/// <param name="After">The belief in those and this one.</param>
public sealed record BeliefStep(Signal Signal, PreferenceBelief Before, PreferenceBelief After)
{
    /// <summary>The least change in the probability of minding to wait that is worth a word.</summary>
    private const double Noticed = 0.05;

    /// <summary>
    /// How a user came to be believed what is believed: the signals of the window in the order of their decisions, each with the belief it left. The last belief is the
    /// user's own. Drawn anew under today's prior, prices and models, as the user's belief is; what fell out of the window is not told.
    /// </summary>
    /// <remarks>O(signals^2 x hypotheses): 64 signals take milliseconds.</remarks>
    public static IReadOnlyList<BeliefStep> Of(UserModel user)
    {
        ArgumentNullException.ThrowIfNull(user);
        var (prior, signals) = (user.Pool.Snapshot.Prior, user.State.Signals);
        var (steps, before) = (new BeliefStep[signals.Length], PreferenceBelief.FromPrior(prior));
        for (var i = 0; i < steps.Length; i++)
        {
            var after = PreferenceBelief.From(prior, user.Pool.Context, signals.AsSpan()[..(i + 1)]);
            steps[i] = new(signals[i], before, after);
            before = after;
        }

        return steps;
    }

    /// <summary>What was said and what it did, in plain words.</summary>
    public string Explain()
    {
        var said = Signal switch
        {
            { Withdrawn: true } => "took back what was said",
            { Key.Kind: FeedbackKind.Comparison } => Preferred(),
            { Key.Kind: FeedbackKind.Thumb, Value: 1 } => "thumb up",
            { Key.Kind: FeedbackKind.Thumb } => "thumb down",
            { Key.Kind: FeedbackKind.Rating } => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"rated {Signal.Value} of 5"),
            { Key.Kind: FeedbackKind.Regenerate } => "asked for the answer again",
            { Key.Kind: FeedbackKind.SwitchModel, Value: 1 } => "went to a cheaper model",
            { Key.Kind: FeedbackKind.SwitchModel } => "went to a dearer model",
            { Key.Kind: FeedbackKind.Accept } => "took the answer as it was",
            { Key.Kind: FeedbackKind.Edit } => "mended the answer",
            { Key.Kind: FeedbackKind.Abandon } => "left the answer",
            { Key.Kind: FeedbackKind.TaskSuccess, Value: 1 } => "the task succeeded",
            _ => "the task failed",
        };

        // In factors of lambda: what a person would not notice is not called a change.
        var factor = After.GeometricMean / Before.GeometricMean;
        var did = Signal.Key.Kind.IsOfQualityAlone() ? "speaks of quality alone, so the trade-off stays"
            : factor > 1.02 ? "cost seems to matter more" : factor < 1 / 1.02 ? "quality seems to matter more" : "hardly changes what is believed";
        var waiting = After.Latency.Minds - Before.Latency.Minds;
        return $"{said}: {did}{(waiting > Noticed ? ", and waiting more" : waiting < -Noticed ? ", and waiting less" : "")}";
    }

    private string Preferred()
    {
        var (taken, left) = Signal.Value == 1 ? (Signal.First, Signal.Second) : (Signal.Second, Signal.First);
        return taken.CostUsd < left.CostUsd ? "preferred the cheaper of two answers"
            : taken.CostUsd > left.CostUsd ? "preferred the dearer of two answers"
            : "preferred one of two answers that cost the same";
    }
}
