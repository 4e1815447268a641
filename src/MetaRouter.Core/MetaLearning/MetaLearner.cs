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
/// How each kind of feedback speaks, its strength and its lapse, and how trade-offs differ by topic have no sufficient statistic: they are chosen on a sample
/// of raw windows, by <see cref="SpeechFit"/>.
/// </remarks>
public static class MetaLearner
{
    /// <summary>Below this many users nothing is published: a small cohort would show its members.</summary>
    public const int SmallestCohort = 20;

    /// <summary>What the starting prior weighs.</summary>
    public const double PseudoUsers = 10;

    /// <summary>Of <see cref="SpeechFit"/> in one refresh: more than any ladder is long from where it starts.</summary>
    public const int MostSpeechSteps = 12;

    /// <summary>The prior after up to <paramref name="iterations"/> steps; the starting prior itself when fewer than <see cref="SmallestCohort"/> users have spoken.</summary>
    /// <param name="expect">The users' expectation under a prior, such as <see cref="Cohort.Expect"/>.</param>
    public static PopulationPrior Fit(PopulationPrior start, Func<PopulationPrior, Expectation> expect, int iterations = PriorFit.MostSteps)
    {
        ArgumentNullException.ThrowIfNull(expect);
        var fit = new PriorFit(start, iterations);
        while (!fit.IsDone)
        {
            fit.Advance(expect(fit.Prior));
        }

        return fit.Prior;
    }

    /// <summary>
    /// What a refresh in one place learns: the prior of <see cref="Fit"/>, then how kinds speak, how topics differ and how users mind waiting, a step of
    /// <see cref="SpeechFit"/> at a time until none is worth it.
    /// It starts from what is guessed, so that it depends on those who are there alone and somebody erased leaves no trace;
    /// <see cref="PopulationPrior.Default"/> when fewer than <see cref="SmallestCohort"/> have spoken.
    /// </summary>
    /// <param name="expect">The users' expectation under a prior, such as <see cref="Cohort.Expect"/>.</param>
    /// <param name="windows">A sample of the same users' windows.</param>
    public static PopulationPrior Learn(RoutingPool pool, Func<PopulationPrior, Expectation> expect, IReadOnlyCollection<UserState> windows)
    {
        var prior = Fit(PopulationPrior.Default, expect);
        for (var step = 0; step < MostSpeechSteps && !ReferenceEquals(prior, PopulationPrior.Default); step++)
        {
            var next = SpeechFit.Step(prior, SpeechFit.Evidence(pool, prior, windows));
            if (next.IsHeardAs(prior))
            {
                break;
            }

            prior = next;
        }

        return prior;
    }
}
