using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// Learns the population's prior from users' evidence: EM for a mixture of Gaussians over ln lambda whose members are seen only through likelihoods.
/// </summary>
/// <remarks>
/// E-step: <see cref="Cohort.Expect"/>, each user's posterior on the grid under the current prior; M-step: <see cref="PriorFit"/>. Every user counts once,
/// whatever the number of signals, and can rule out no hypothesis altogether, which bounds what anyone can move.
/// A fit starts from <see cref="PopulationPrior.Default"/>, never from its own last result, whose imaginary users would be given up one by one.
/// The lapse has no sufficient statistic: it is chosen on raw windows, by <see cref="LapseEvidence"/>.
/// </remarks>
public static class MetaLearner
{
    /// <summary>Below this many users nothing is published: a small cohort would show its members.</summary>
    public const int SmallestCohort = 20;

    /// <summary>What the starting prior weighs.</summary>
    public const double PseudoUsers = 10;

    /// <summary>The lapses a prior may have; a refresh goes to a neighbour at most, since the users' evidence was drawn under the one in service.</summary>
    public static IReadOnlyList<double> Lapses { get; } = [0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2];

    /// <summary>The prior after up to <paramref name="iterations"/> steps; the starting prior itself when fewer than <see cref="SmallestCohort"/> users have spoken.</summary>
    /// <param name="expect">The users' expectation under a prior, such as <see cref="Cohort.Expect"/>.</param>
    public static PopulationPrior Fit(PopulationPrior start, Func<PopulationPrior, Expectation> expect, int iterations = 30)
    {
        ArgumentNullException.ThrowIfNull(expect);
        var fit = new PriorFit(start, iterations);
        while (!fit.IsDone)
        {
            fit.Advance(expect(fit.Prior));
        }

        return fit.Prior;
    }

    /// <summary>Sum over the windows of ln P(signals | prior with each of <see cref="Lapses"/>).</summary>
    public static double[] LapseEvidence(RoutingPool pool, PopulationPrior prior, IEnumerable<UserState> windows)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(prior);
        ArgumentNullException.ThrowIfNull(windows);
        var states = windows.ToArray();
        return [.. Lapses.Select(lapse =>
        {
            var candidate = new PopulationPrior(prior.Components, prior.BetaWeights, lapse);
            Span<float> log = stackalloc float[ChoiceModel.Hypotheses];
            var sum = 0.0;
            foreach (var state in states)
            {
                candidate.LogWeights.CopyTo(log);
                PreferenceBelief.AddLogLikelihood(candidate, pool.Context, state.Signals.AsSpan(), log);
                var max = System.Numerics.Tensors.TensorPrimitives.Max<float>(log);
                var mass = 0.0;
                foreach (var l in log)
                {
                    mass += Math.Exp(l - max);
                }

                sum += max + Math.Log(mass);
            }

            return sum;
        })];
    }

    /// <summary>The prior with the likeliest lapse that is at most one place from the one it has.</summary>
    /// <param name="evidence">Of each of <see cref="Lapses"/>, from <see cref="LapseEvidence"/>.</param>
    public static PopulationPrior WithLapse(PopulationPrior prior, IReadOnlyList<double> evidence)
    {
        ArgumentNullException.ThrowIfNull(prior);
        ArgumentNullException.ThrowIfNull(evidence);
        var at = Enumerable.Range(0, Lapses.Count).MinBy(i => Math.Abs(Lapses[i] - prior.Lapse));
        var best = Enumerable.Range(Math.Max(0, at - 1), Math.Min(Lapses.Count - 1, at + 1) - Math.Max(0, at - 1) + 1).MaxBy(i => evidence[i]);
        return new PopulationPrior(prior.Components, prior.BetaWeights, Lapses[best]);
    }
}
