using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// What money alone buys: a coin between two single models, on the convex hull of the models' means, tossed so that the mean cost is a given one.
/// A router that does not beat it at its own cost has learned nothing of the requests.
/// </summary>
/// <param name="Cheap">A model's index.</param>
/// <param name="Dear">A model's index.</param>
/// <param name="DearShare">The chance of the dear one, 0 to 1.</param>
public readonly record struct RandomMix(int Cheap, int Dear, double DearShare)
{
    /// <summary>The mix whose mean cost is <paramref name="cost"/>, or the nearest cost there is on the hull.</summary>
    /// <param name="models">Each model's mean cost and quality.</param>
    public static RandomMix Matching(IReadOnlyList<CostQuality> models, double cost)
    {
        var hull = ParetoFront.Hull(models).Select(corner => models.Index().First(m => m.Item == corner).Index).ToArray();
        if (cost <= models[hull[0]].Cost)
        {
            return new RandomMix(hull[0], hull[0], 0);
        }

        for (var i = 1; i < hull.Length; i++)
        {
            var (from, to) = (models[hull[i - 1]].Cost, models[hull[i]].Cost);
            if (cost <= to)
            {
                return new RandomMix(hull[i - 1], hull[i], (cost - from) / (to - from));
            }
        }

        return new RandomMix(hull[^1], hull[^1], 0);
    }
}
