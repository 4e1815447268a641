using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// Learns the population's prior from users' summaries: EM for a mixture of Gaussians over ln lambda whose members are seen only through likelihoods.
/// </summary>
/// <remarks>
/// E-step: each user's posterior on the grid under the current prior, shared among components by their density there.
/// M-step: weights, means, deviations and sharpness shares from the expected counts, each held to the prior they start from by
/// <see cref="PseudoUsers"/> imaginary users. Every user counts once, whatever the number of signals, which bounds what anyone can move.
/// O(iterations users hypotheses components). Sources: Dempster, Laird and Rubin 1977; empirical Bayes, Laird 1978.
/// </remarks>
public static class MetaLearner
{
    /// <summary>Below this many users nothing is published: a small cohort would show its members.</summary>
    public const int SmallestCohort = 20;

    /// <summary>What the starting prior weighs.</summary>
    public const double PseudoUsers = 10;

    private const double SmallestDeviation = 0.25; // a little over a grid step; narrower components fall between grid points

    private const int BlockUsers = 256;

    /// <summary>The prior after up to <paramref name="iterations"/> steps; the starting prior itself when fewer than <see cref="SmallestCohort"/> users have spoken.</summary>
    public static PopulationPrior Fit(PopulationPrior start, IReadOnlyList<TaskSummary> users, int iterations = 30)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(users);
        var spoken = users.Where(u => u.Signals > 0).ToArray();
        if (spoken.Length < SmallestCohort)
        {
            return start;
        }

        var (prior, last) = (start, double.NegativeInfinity);
        for (var i = 0; i < iterations; i++)
        {
            var (next, evidence) = Step(start, prior, spoken);
            prior = next;
            if (evidence - last < 1e-6 * spoken.Length)
            {
                break;
            }

            last = evidence;
        }

        return prior;
    }

    /// <summary>Mean over users of ln P(signals | prior): how well a prior foretells users; what champion and challenger are compared by.</summary>
    public static double MeanEvidence(PopulationPrior prior, IReadOnlyList<TaskSummary> users)
    {
        ArgumentNullException.ThrowIfNull(prior);
        ArgumentNullException.ThrowIfNull(users);
        var posterior = new double[ChoiceModel.Hypotheses];
        return users.Count == 0 ? 0 : users.Average(u => Posterior(prior, u, posterior));
    }

    private static (PopulationPrior Prior, double Evidence) Step(PopulationPrior start, PopulationPrior prior, TaskSummary[] users)
    {
        var (grid, components) = (PreferenceGrid.Length, prior.Components.Count);
        // Expected counts are additive over users, so they are summed by blocks of users, blocks in order: equal bits for any number of threads.
        var blocks = new double[(users.Length + BlockUsers - 1) / BlockUsers][];
        var evidences = new double[blocks.Length];
        Parallel.For(0, blocks.Length, b =>
        {
            var (counts, posterior) = (new double[ChoiceModel.Hypotheses], new double[ChoiceModel.Hypotheses]);
            for (var u = b * BlockUsers; u < Math.Min(users.Length, (b + 1) * BlockUsers); u++)
            {
                evidences[b] += Posterior(prior, users[u], posterior);
                for (var h = 0; h < posterior.Length; h++)
                {
                    counts[h] += posterior[h];
                }
            }

            blocks[b] = counts;
        });
        var total = new double[ChoiceModel.Hypotheses];
        foreach (var block in blocks)
        {
            for (var h = 0; h < total.Length; h++)
            {
                total[h] += block[h];
            }
        }

        // The starting prior's imaginary users.
        for (var h = 0; h < total.Length; h++)
        {
            total[h] += PseudoUsers * Math.Exp(start.LogWeights[h]);
        }

        var density = new double[components][];
        for (var c = 0; c < components; c++)
        {
            density[c] = new double[grid];
            PopulationPrior.AddDensity(prior.Components[c], density[c]);
        }

        var mass = total.Sum();
        var next = new PopulationPrior.Component[components];
        for (var c = 0; c < components; c++)
        {
            double weight = 0, mean = 0, square = 0;
            for (var g = 0; g < grid; g++)
            {
                var all = 0.0;
                for (var other = 0; other < components; other++)
                {
                    all += density[other][g];
                }

                var here = 0.0;
                for (var beta = 0; beta < ChoiceModel.BetaCount; beta++)
                {
                    here += total[(g * ChoiceModel.BetaCount) + beta];
                }

                var share = all > 0 ? here * density[c][g] / all : 0;
                var x = PreferenceGrid.LogLambda[g];
                (weight, mean, square) = (weight + share, mean + (share * x), square + (share * x * x));
            }

            var before = prior.Components[c];
            mean = weight > 1e-9 ? mean / weight : before.Mean;
            var variance = weight > 1e-9 ? (square / weight) - (mean * mean) : before.Deviation * before.Deviation;
            next[c] = new PopulationPrior.Component(weight / mass, mean, Math.Sqrt(Math.Max(variance, SmallestDeviation * SmallestDeviation)));
        }

        var sum = next.Sum(c => c.Weight);
        var betas = Enumerable.Range(0, ChoiceModel.BetaCount).Select(beta => Enumerable.Range(0, grid).Sum(g => total[(g * ChoiceModel.BetaCount) + beta]) / mass).ToArray();
        var betaSum = betas.Sum();
        return (new PopulationPrior([.. next.Select(c => c with { Weight = c.Weight / sum })], [.. betas.Select(b => b / betaSum)], prior.Lapse), evidences.Sum());
    }

    /// <summary>Fills in the user's posterior and returns ln P(signals | prior).</summary>
    private static double Posterior(PopulationPrior prior, TaskSummary user, double[] posterior)
    {
        var max = double.NegativeInfinity;
        for (var h = 0; h < posterior.Length; h++)
        {
            posterior[h] = prior.LogWeights[h] + user.LogLikelihood[h];
            max = Math.Max(max, posterior[h]);
        }

        var sum = 0.0;
        for (var h = 0; h < posterior.Length; h++)
        {
            sum += posterior[h] = Math.Exp(posterior[h] - max);
        }

        for (var h = 0; h < posterior.Length; h++)
        {
            posterior[h] /= sum;
        }

        return max + Math.Log(sum);
    }
}
