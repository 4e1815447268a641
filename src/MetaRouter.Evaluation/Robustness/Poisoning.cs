using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Robustness;

/// <summary>
/// Users who say the opposite of what they think. A population compares answers; of it a share inverts every answer; the prior is learned from all. What the others are
/// served, under the prior learned with the liars and under the one learned had they been honest, differs on this share of requests.
/// </summary>
internal static class Poisoning
{
    public const int Users = 1000;

    /// <summary>Comparisons of every user.</summary>
    public const int Comparisons = 12;

    /// <summary>The shares of users who invert.</summary>
    public static IReadOnlyList<double> Shares { get; } = [.01, .1, .3];

    /// <param name="Others">The honest, each with their comparisons.</param>
    /// <param name="Newcomers">Users who have said nothing.</param>
    public readonly record struct Moved(double Others, double Newcomers);

    /// <summary>For each of <see cref="Shares"/>, the share of routes that change.</summary>
    public static Moved[] Run(PreferenceSplit split, int seed, CancellationToken cancellationToken)
    {
        var pool = split.Pool;
        var random = new Random((seed * 7919) + 5);
        SimulatedUser[] users = [.. Enumerable.Range(0, Users).Select(_ => SimulatedUser.Draw(random))];
        var (honest, inverted) = (new UserState[Users], new UserState[Users]);
        Parallel.For(0, Users, new ParallelOptions { CancellationToken = cancellationToken }, u => (honest[u], inverted[u]) = Tell(split, users[u], new Random((seed * 1_000_003) + u)));
        var clean = Learn(pool, honest);
        var routes = Routes(split);
        return [.. Shares.Select(share =>
        {
            var liars = (int)(share * Users);
            var poisoned = Learn(pool, [.. inverted[..liars], .. honest[liars..]]);
            var others = honest[liars..].AsParallel().AsOrdered().Select(state => Changed(routes, Position(pool, clean, state), Position(pool, poisoned, state))).ToArray().Average();
            return new Moved(others, Changed(routes, Position(pool, clean, UserState.Empty), Position(pool, poisoned, UserState.Empty)));
        })];
    }

    /// <summary>A user's comparisons: as they think, and inverted.</summary>
    private static (UserState Honest, UserState Inverted) Tell(PreferenceSplit split, SimulatedUser user, Random random)
    {
        var rows = split.Half(0);
        var (honest, inverted) = (UserState.Empty, UserState.Empty);
        for (var n = 0; n < Comparisons; n++)
        {
            var row = rows[random.Next(rows.Length)];
            var (a, b) = (random.Next(split.Models), random.Next(split.Models - 1));
            b += b >= a ? 1 : 0;
            var first = user.PrefersFirst(split.Realised(row, a), split.Realised(row, b), split.Pool.CostScaleUsd, random);
            var predicted = split.Predicted(row);
            honest = honest.Add(SimulatedSignal.Of(FeedbackKind.Comparison, n, first, predicted[a], predicted[b]));
            inverted = inverted.Add(SimulatedSignal.Of(FeedbackKind.Comparison, n, !first, predicted[a], predicted[b]));
        }

        return (honest, inverted);
    }

    private static PopulationPrior Learn(RoutingPool pool, UserState[] states)
    {
        var cohort = TaughtBy.Everybody(pool, states);
        return MetaLearner.Fit(PopulationPrior.Default, prior => cohort.Expect(prior, CohortPart.Taught));
    }

    private static int Position(RoutingPool pool, PopulationPrior prior, UserState state) =>
        pool.Values.Best(PreferenceBelief.From(prior, pool.Context, state.Signals.AsSpan()).CostShare);

    /// <summary>What each dial position serves on the other half's requests.</summary>
    private static int[][] Routes(PreferenceSplit split)
    {
        var rows = split.Half(1).ToArray();
        return [.. PreferenceGrid.Lambda.ToArray().AsParallel().AsOrdered().Select(lambda => rows.Select(row => split.Argmax(row, lambda)).ToArray())];
    }

    private static double Changed(int[][] routes, int before, int after) => before == after ? 0 : routes[before].Zip(routes[after]).Count(r => r.First != r.Second) / (double)routes[before].Length;
}
