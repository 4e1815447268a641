using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Orleans.Tests;

/// <summary>Simulated users of a known trade-off, who compare answers of the real pool as they were predicted.</summary>
internal static class Population
{
    private const double Sharpness = 10;

    /// <summary>A user's record after so many comparisons, built without the cluster; the user judges by whether the answers turned out right.</summary>
    public static byte[] Record(RoutingPool pool, double lambda, int signals, Random random)
    {
        var state = UserState.Empty;
        for (var i = 0; i < signals; i++)
        {
            var (first, second) = (Answer(random, pool), Answer(random, pool));
            var gain = (Right(first, random) - Right(second, random) - (lambda * (first.CostUsd - second.CostUsd) / pool.CostScaleUsd)) / (1 + lambda);
            var prefersFirst = random.NextDouble() < 1 / (1 + Math.Exp(-Sharpness * gain));
            state = state.Add(new Signal(new SignalKey(1_700_000_000_000 + i, (uint)random.Next(1 << 24), FeedbackKind.Comparison), 1_700_000_001_000 + i, (byte)(prefersFirst ? 1 : 0), false, first, second));
        }

        return state.ToBytes();
    }

    /// <summary>What the decision was worth to a user of this trade-off, below the best of its candidates; as predicted.</summary>
    public static double Regret(RouteDecision decision, double lambda, RoutingPool pool)
    {
        var preference = new Preference(lambda);
        return decision.Candidates.Max(c => Utility.Of(c.Predicted, preference, pool.CostScaleUsd)) - Utility.Of(decision.Candidates[decision.ChosenIndex].Predicted, preference, pool.CostScaleUsd);
    }

    public static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static Outcome Answer(Random random, RoutingPool pool)
    {
        var quality = 0.3 + (0.6 * random.NextDouble());
        return new Outcome((float)quality, (float)(pool.CostScaleUsd * Math.Pow(10, -2 * random.NextDouble())), 0);
    }

    private static double Right(in Outcome answer, Random random) => random.NextDouble() < answer.Quality ? 1 : 0;
}
