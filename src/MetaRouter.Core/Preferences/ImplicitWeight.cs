using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// How much what a user did with answers, rather than said of them, weighs beside a signal of its kind in full: 1 where the window has praise (accepts) and complaints
/// (regenerates, edits, abandoned answers) of this sort; where it has only one of them, all of it together weighs as one such signal.
/// </summary>
/// <remarks>
/// Such signals come of what a host notices, and most notice one side alone: that no answer is ever praised then says something of the host, and nothing of the user. Taken in full,
/// each complaint would say that what was served is below the middle, whatever was served, and users of every trade-off would be drawn away from it; and each praise towards it.
/// </remarks>
internal readonly struct ImplicitWeight
{
    private readonly float _praise, _complaint;

    private ImplicitWeight(int praise, int complaints)
    {
        var isOneSided = praise == 0 || complaints == 0;
        (_praise, _complaint) = isOneSided ? (1f / Math.Max(praise, 1), 1f / Math.Max(complaints, 1)) : (1, 1);
    }

    /// <param name="signals">The whole window, ascending in time.</param>
    public static ImplicitWeight In(PopulationPrior prior, ReadOnlySpan<Signal> signals)
    {
        var (praise, complaints) = (0, 0);
        for (var i = 0; i < signals.Length; i++)
        {
            if (signals[i].Key.Kind.IsImplicit() && SignalReading.IsHeard(prior, signals, i))
            {
                (praise, complaints) = signals[i].Value > 0 ? (praise + 1, complaints) : (praise, complaints + 1);
            }
        }

        return new(praise, complaints);
    }

    public float Of(in Signal signal) => !signal.Key.Kind.IsImplicit() ? 1 : signal.Value > 0 ? _praise : _complaint;
}
