namespace MetaRouter.Core.Traffic;

/// <summary>
/// What other models would have cost on a request whose served model's cost is known: their predictions times the factor by which the served model's prediction was off,
/// since prompt and answer were as long for one as for the other.
/// </summary>
public static class CostCorrection
{
    /// <summary>A prediction further off than this says more of the request than of the others' costs.</summary>
    public const double Most = 10;

    /// <param name="spentUsd">US dollars, as counted; 0 or more, or NaN: not known.</param>
    /// <param name="predictedUsd">US dollars, of the models that answered.</param>
    /// <returns>1/10 to 10; 1 where nothing was predicted or counted.</returns>
    public static double Factor(double spentUsd, double predictedUsd) => predictedUsd > 0 && double.IsFinite(spentUsd) ? Math.Clamp(spentUsd / predictedUsd, 1 / Most, Most) : 1;
}
