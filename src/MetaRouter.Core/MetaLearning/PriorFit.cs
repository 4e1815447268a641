using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// One run of EM towards the population's prior, a step at a time: whoever holds the users answers <see cref="Prior"/> with an <see cref="Expectation"/>,
/// in this process or in many.
/// </summary>
/// <remarks>
/// M-step: weights, means, deviations and sharpness shares from the expected counts, each held to the prior they start from by
/// <see cref="MetaLearner.PseudoUsers"/> imaginary users. O(hypotheses x components) whatever the number of users.
/// Sources: Dempster, Laird and Rubin 1977; empirical Bayes, Laird 1978.
/// </remarks>
public sealed class PriorFit
{
    /// <summary>Where each user says little, a population comes into focus slowly: after 30 steps half of what it says is still to come.</summary>
    public const int MostSteps = 100;

    private const double SmallestDeviation = 0.25; // a little over a grid step; narrower components fall between grid points

    private readonly PopulationPrior _start;
    private readonly int _mostSteps;
    private double _last = double.NegativeInfinity;

    /// <param name="start">What the imaginary users are drawn from.</param>
    public PriorFit(PopulationPrior start, int mostSteps = MostSteps)
    {
        ArgumentNullException.ThrowIfNull(start);
        (_start, _mostSteps, Prior) = (start, mostSteps, start);
    }

    /// <summary>The prior whose expectation is asked for next; the result when <see cref="IsDone"/>.</summary>
    public PopulationPrior Prior { get; private set; }

    public int Steps { get; private set; }

    public bool IsDone { get; private set; }

    /// <summary>False when the cohort was too small to publish anything of.</summary>
    public bool IsLearned => Steps > 0;

    /// <summary>Takes the users' answer to <see cref="Prior"/> and makes the step.</summary>
    public void Advance(Expectation answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        if (IsDone)
        {
            throw new InvalidOperationException("This fit is done; its prior is the result. Begin another one.");
        }

        if (answer.Users < MetaLearner.SmallestCohort)
        {
            IsDone = true;
            return;
        }

        Prior = Step(_start, Prior, answer.Counts);
        Steps++;
        IsDone = Steps >= _mostSteps || answer.LogEvidence - _last < 1e-6 * answer.Users;
        _last = answer.LogEvidence;
    }

    /// <summary>The M-step.</summary>
    /// <param name="counts">Users expected at each hypothesis under the prior.</param>
    private static PopulationPrior Step(PopulationPrior start, PopulationPrior prior, double[] counts)
    {
        var total = new double[counts.Length];
        for (var h = 0; h < total.Length; h++)
        {
            total[h] = counts[h] + (MetaLearner.PseudoUsers * Math.Exp(start.LogWeights[h]));
        }

        var mass = total.Sum();
        PopulationPrior.Component[] next = [.. Gather(prior.Components, total).Select((g, c) => Moved(prior.Components[c], g, mass))];
        var sum = next.Sum(c => c.Weight);
        var betas = Enumerable.Range(0, ChoiceModel.BetaCount).Select(beta => Enumerable.Range(0, PreferenceGrid.Length).Sum(g => total[(g * ChoiceModel.BetaCount) + beta]) / mass).ToArray();
        var betaSum = betas.Sum();
        return new PopulationPrior([.. next.Select(c => c with { Weight = c.Weight / sum })], [.. betas.Select(b => b / betaSum)], prior.Lapse, prior.Speech, prior.Topics, prior.Latency);
    }

    /// <summary>Of each component the users that are its own by the shares of the components' densities, and the sums of their ln lambda and its square.</summary>
    private static (double Users, double Sum, double Squares)[] Gather(IReadOnlyList<PopulationPrior.Component> components, double[] total)
    {
        var density = new double[components.Count][];
        for (var c = 0; c < density.Length; c++)
        {
            density[c] = new double[PreferenceGrid.Length];
            PopulationPrior.AddDensity(components[c], density[c]);
        }

        var gathered = new (double Users, double Sum, double Squares)[components.Count];
        for (var g = 0; g < PreferenceGrid.Length; g++)
        {
            var (x, all, here) = (PreferenceGrid.LogLambda[g], 0.0, 0.0);
            foreach (var of in density)
            {
                all += of[g];
            }

            for (var beta = 0; beta < ChoiceModel.BetaCount; beta++)
            {
                here += total[(g * ChoiceModel.BetaCount) + beta];
            }

            for (var c = 0; c < gathered.Length; c++)
            {
                var share = all > 0 ? here * density[c][g] / all : 0;
                ref var own = ref gathered[c];
                own = (own.Users + share, own.Sum + (share * x), own.Squares + (share * x * x));
            }
        }

        return gathered;
    }

    /// <summary>The component where its users are; one that nobody is left to stays where it was.</summary>
    private static PopulationPrior.Component Moved(in PopulationPrior.Component before, (double Users, double Sum, double Squares) gathered, double mass)
    {
        const double nobody = 1e-9;
        var (users, mean, variance) = (gathered.Users, before.Mean, before.Deviation * before.Deviation);
        if (users > nobody)
        {
            mean = gathered.Sum / users;
            variance = (gathered.Squares / users) - (mean * mean);
        }

        return new PopulationPrior.Component(users / mass, mean, Math.Sqrt(Math.Max(variance, SmallestDeviation * SmallestDeviation)));
    }
}
