using System.Numerics.Tensors;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// How well a prior predicts what users said: the population it supposes and how it hears them, its topics and waiting with it. Between priors that hear otherwise
/// only this tells which is the better; it adds up, so that users may be spread over as many places as one likes.
/// </summary>
/// <param name="LogEvidence">Sum over users of ln P(signals | prior).</param>
/// <param name="Users">Who said something of the trade-off.</param>
public readonly record struct PriorEvidence(double LogEvidence, long Users)
{
    /// <summary>Of one user; 0: nobody said anything.</summary>
    public double MeanEvidence => Users == 0 ? 0 : LogEvidence / Users;

    /// <summary>Of users' raw windows, O(windows x signals x hypotheses).</summary>
    public static PriorEvidence Of(RoutingPool pool, PopulationPrior prior, IEnumerable<UserState> windows)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(prior);
        ArgumentNullException.ThrowIfNull(windows);
        Span<float> log = stackalloc float[ChoiceModel.Hypotheses];
        var (evidence, users) = (0.0, 0L);
        foreach (var state in windows)
        {
            log.Clear();
            if (WindowLikelihood.Add(prior, pool.Context, state.Signals.AsSpan(), log) > 0)
            {
                TensorPrimitives.Add(log, prior.LogWeights, log);
                (evidence, users) = (evidence + WindowLikelihood.LogSum(log), users + 1);
            }
        }

        return new PriorEvidence(evidence, users);
    }

    public PriorEvidence Add(PriorEvidence other) => new(LogEvidence + other.LogEvidence, Users + other.Users);
}
