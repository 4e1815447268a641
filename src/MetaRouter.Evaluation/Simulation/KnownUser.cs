using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Evaluation.Simulation;

/// <summary>What someone who knew a user's trade-off would turn the dial to: lambda itself, or a position with a better record at it.</summary>
internal static class KnownUser
{
    /// <summary>The position of the better record; null: none beats lambda's own.</summary>
    public static int? BetterPosition(ValueTable values, double lambda)
    {
        var share = lambda / (1 + lambda);
        var (self, best) = (PreferenceGrid.Nearest(lambda), values.Best(share));
        return values.Value(best, share) > values.Value(self, share) ? best : null;
    }

    public static double Lambda(ValueTable values, double lambda) => BetterPosition(values, lambda) is { } position ? PreferenceGrid.Lambda[position] : lambda;
}
