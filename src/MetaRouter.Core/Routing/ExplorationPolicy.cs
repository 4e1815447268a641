namespace MetaRouter.Core.Routing;

/// <summary>
/// Inverse-gap weighting: the better a model is expected to be, the likelier it is tried, at a stated cost and with every probability in closed form.
/// </summary>
/// <remarks>
/// Given K utilities u, the best one b, gaps g(a) = u(b) - u(a), the belief's expected regret R and the allowed share rho of it:
/// <code>
/// gamma = (K - 1) / (rho R)                       (1)
/// p(a)  = 1 / (K + gamma g(a))     for a != b     (2)
/// p(b)  = 1 - sum of the others                   (3)
/// </code>
/// Claim: the expected loss, sum_a p(a) g(a), is below rho R. For a != b, p(a) g(a) = g(a) / (K + gamma g(a)) &lt; 1 / gamma, since K > 0;
/// there are K - 1 of them, and b loses nothing, so the sum is below (K - 1) / gamma = rho R. Dropping a model, as the floor does, only takes a term away.
/// Every p(a) is at most 1 / K, so p(b) is at least 1 / K and (3) is a distribution.
/// R shrinks as the user's preference becomes known, gamma grows, and exploring ends by itself. With R = 0, rho = 0 or exploring switched off the best model has probability 1.
/// The unit of u, g and R is the caller's, as long as it is one.
/// Deterministic: the same utilities, regret and draw give the same choice. Cost: O(K), nothing allocated.
/// Sources: Abe and Long, "Associative reinforcement learning using linear probabilistic concepts", ICML 1999;
/// Foster and Rakhlin, "Beyond UCB: optimal and efficient contextual bandits with regression oracles" (SquareCB), ICML 2020.
/// </remarks>
public sealed class ExplorationPolicy
{
    private readonly ExplorationOptions _options;

    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is outside its range.</exception>
    public ExplorationPolicy(ExplorationOptions? options = null)
    {
        _options = options ?? new ExplorationOptions();
        _options.Validate();
    }

    /// <inheritdoc cref="ExplorationOptions.Horizon"/>
    public double Horizon => _options.Enabled ? _options.Horizon : 0;

    /// <param name="utilities">Expected utility of each allowed model, K of them, 1 or more; finite. Among equals the lowest index is the best.</param>
    /// <param name="expectedRegret">What the belief expects to lose by acting on what it knows, in the unit of the utilities; finite, 0 or more.</param>
    /// <param name="draw">Uniform in [0, 1).</param>
    /// <param name="propensities">K long; receives the distribution that was drawn from.</param>
    /// <exception cref="ArgumentException">No utilities, another number of propensities, or a number outside its range; the message names it.</exception>
    public ExplorationChoice Choose(ReadOnlySpan<double> utilities, double expectedRegret, double draw, Span<double> propensities)
    {
        Check(utilities, expectedRegret, draw, propensities);
        var best = 0;
        for (var a = 1; a < utilities.Length; a++)
        {
            best = utilities[a] > utilities[best] ? a : best;
        }

        Fill(utilities, best, _options.Enabled ? _options.Rho * expectedRegret : 0, propensities);

        // The best comes first and also takes what rounding leaves at the end, so no draw falls beside the distribution.
        draw -= propensities[best];
        for (var a = 0; draw >= 0 && a < propensities.Length; a++)
        {
            if (a != best && (draw -= propensities[a]) < 0)
            {
                return new(a, propensities[a], IsExplored: true);
            }
        }

        return new(best, propensities[best], IsExplored: false);
    }

    private void Fill(ReadOnlySpan<double> utilities, int best, double allowedLoss, Span<double> propensities)
    {
        var k = utilities.Length;
        var gamma = (k - 1) / allowedLoss; // (1)
        var explored = 0.0;
        for (var a = 0; a < k; a++)
        {
            // An allowed loss too small to divide by is none; without this a tie would be infinity times zero.
            var p = a == best || !double.IsFinite(gamma) ? 0 : 1 / (k + (gamma * (utilities[best] - utilities[a]))); // (2)
            propensities[a] = p >= _options.Floor ? p : 0;
            explored += propensities[a];
        }

        propensities[best] = 1 - explored; // (3)
    }

    private static void Check(ReadOnlySpan<double> utilities, double expectedRegret, double draw, Span<double> propensities)
    {
        if (utilities.IsEmpty)
        {
            throw new ArgumentException("There is no utility to choose by; at least one model must be allowed.", nameof(utilities));
        }

        if (propensities.Length != utilities.Length)
        {
            throw new ArgumentException($"There is room for {propensities.Length} propensities and there are {utilities.Length} utilities; the two must be as many.", nameof(propensities));
        }

        for (var a = 0; a < utilities.Length; a++)
        {
            if (!double.IsFinite(utilities[a]))
            {
                throw new ArgumentException($"Utility {a} of {utilities.Length} is {utilities[a]}; it must be finite. Leave out a model nothing is predicted of.", nameof(utilities));
            }
        }

        if (!(double.IsFinite(expectedRegret) && expectedRegret >= 0))
        {
            throw new ArgumentOutOfRangeException(nameof(expectedRegret), expectedRegret, "An expected regret is finite and 0 or more, in the unit of the utilities.");
        }

        if (draw is not (>= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(draw), draw, "A draw is uniform in [0, 1).");
        }
    }
}
