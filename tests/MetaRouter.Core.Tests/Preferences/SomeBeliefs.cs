using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Tests.Preferences;

internal static class SomeBeliefs
{
    /// <summary>A belief that lies on these positions of the grid, in proportion to their weights, every sharpness alike.</summary>
    public static PreferenceBelief Of(params (int Position, double Weight)[] positions)
    {
        const double narrow = 0.01; // a step of the grid is twenty times that
        var all = positions.Sum(p => p.Weight);
        return PreferenceBelief.FromPrior(new PopulationPrior(
            [.. positions.Select(p => new PopulationPrior.Component(p.Weight / all, PreferenceGrid.LogLambda[p.Position], narrow))], [1 / 3.0, 1 / 3.0, 1 / 3.0], 0.05));
    }
}
