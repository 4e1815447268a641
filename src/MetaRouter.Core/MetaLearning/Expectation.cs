using System.Numerics.Tensors;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// All that the next EM step needs of any number of users: how many are expected at each hypothesis, and how well the prior predicted them.
/// Expectations add up, so users may be spread over any number of nodes.
/// </summary>
/// <param name="Counts"><see cref="ChoiceModel.Hypotheses"/> numbers that sum to <paramref name="Users"/>.</param>
/// <param name="LogEvidence">Sum over users of ln P(signals | prior), each up to a constant of the user's own.</param>
/// <param name="Users">How many users it was taken over.</param>
public sealed record Expectation(double[] Counts, double LogEvidence, long Users)
{
    public static Expectation None { get; } = new(new double[ChoiceModel.Hypotheses], 0, 0);

    /// <exception cref="ArgumentException">The other has another number of hypotheses.</exception>
    public Expectation Add(Expectation other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Counts.Length != Counts.Length)
        {
            throw new ArgumentException(
                $"The other expectation is over {other.Counts.Length} hypotheses, this one over {Counts.Length}; all parts of a cluster must run one version of the choice model.",
                nameof(other));
        }

        var counts = new double[Counts.Length];
        TensorPrimitives.Add(Counts, other.Counts, counts);
        return new Expectation(counts, LogEvidence + other.LogEvidence, Users + other.Users);
    }
}
