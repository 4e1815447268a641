using MetaRouter.Core.Numerics;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// What answers are worth to the users of a variant on one split: <c>(q - lambda price) / (1 + lambda)</c>, where the price of an answer is its cost over tau
/// or what the variant makes of it.
/// </summary>
internal sealed class UserWorld
{
    private readonly PreferenceSplit _split;
    private readonly float[] _factor; // by row of the test half
    private readonly double _cheapest, _logRange;

    public UserWorld(PreferenceSplit split, PreferenceVariant variant)
    {
        (_split, Variant) = (split, variant);
        _factor = [.. split.Test.Groups.Select(g => variant.ByTopic ? (Data.Split.Hash(g, 3) % 3) switch { 0 => .25f, 1 => 1f, _ => 4f } : 1f)];
        if (variant.LogCost)
        {
            var costs = split.MeanCosts;
            _cheapest = Math.Max(costs.Min(), 1e-9 * split.Pool.CostScaleUsd);
            _logRange = Math.Log(1 + (costs.Max() / _cheapest));
        }
    }

    public PreferenceSplit Split => _split;

    public PreferenceVariant Variant { get; }

    public double Price(int row, in Outcome outcome) => Variant.LogCost ? Math.Log(1 + (outcome.CostUsd / _cheapest)) / _logRange : _factor[row] * outcome.CostUsd / _split.Pool.CostScaleUsd;

    public double Worth(int row, in Outcome outcome, double lambda) => (outcome.Quality - (lambda * Price(row, outcome))) / (1 + lambda);

    /// <summary>Of two answers to one request, both paid for and one of them used.</summary>
    public double WorthOfBoth(int row, in Outcome used, in Outcome other, double lambda) => Worth(row, used, lambda) + Worth(row, other with { Quality = 0 }, lambda);

    public bool PrefersFirst(int row, in Outcome first, in Outcome second, SimulatedUser user, Random random) =>
        user.PrefersFirst(Worth(row, first, user.Lambda) - Worth(row, second, user.Lambda), random);

    /// <summary>Whether the answer earns a thumb up: the better it is than the median of what all models would have answered, the likelier.</summary>
    public bool Praises(int row, int served, SimulatedUser user, Random random)
    {
        var worth = Enumerable.Range(0, _split.Models).Select(k => Worth(row, _split.Realised(row, k), user.Lambda)).ToArray();
        var above = worth[served];
        Array.Sort(worth);
        above -= (worth[(worth.Length - 1) / 2] + worth[worth.Length / 2]) / 2;
        return random.NextDouble() < Logistic.Sigmoid(user.Beta * above);
    }

    /// <summary>What serving every request of a half by a rule realises: score and price, by row.</summary>
    public (float[] Quality, float[] Price) Realise(int half, Func<int, int> choose)
    {
        var rows = _split.Half(half);
        var (quality, price) = (new float[rows.Length], new float[rows.Length]);
        for (var i = 0; i < rows.Length; i++)
        {
            var outcome = _split.Realised(rows[i], choose(rows[i]));
            (quality[i], price[i]) = (outcome.Quality, (float)Price(rows[i], outcome));
        }

        return (quality, price);
    }

    /// <summary>Of greatest predicted worth to someone whose lambda is known.</summary>
    public int Best(int row, double lambda)
    {
        var predicted = _split.Counted(row);
        var best = 0;
        for (var k = 1; k < predicted.Length; k++)
        {
            best = Worth(row, predicted[k], lambda) > Worth(row, predicted[best], lambda) ? k : best;
        }

        return best;
    }

    public int Oracle(int row, double lambda) => Enumerable.Range(0, _split.Models).MaxBy(k => Worth(row, _split.Realised(row, k), lambda));

    /// <summary>
    /// The dial position that earned most for a population on rows that are not scored: training rows where their records hold, else the rows to interact on.
    /// </summary>
    public int StaticPosition(IReadOnlyList<double> lambdas, (double Quality, double Price)[] aside)
    {
        if (Variant.HasPlainCost)
        {
            return _split.StaticPosition(lambdas);
        }

        var share = lambdas.Average(l => l / (1 + l));
        return Best(aside, share);
    }

    /// <summary>What someone who knew the user would serve on a row: by rows that are not scored the better of the best for that very user and the best dial position.</summary>
    public Func<int, int> Known(double lambda, int asideHalf, (double Quality, double Price)[] aside)
    {
        if (Variant.HasPlainCost)
        {
            var dial = KnownUser.Lambda(_split.Pool.Values, lambda);
            return row => _split.Argmax(row, dial);
        }

        var share = lambda / (1 + lambda);
        var (position, own) = (Best(aside, share), Mean(Realise(asideHalf, row => Best(row, lambda))));
        return Value(aside[position], share) > Value(own, share) ? row => _split.Argmax(row, PreferenceGrid.Lambda[position]) : row => Best(row, lambda);
    }

    /// <summary>Means of what every dial position realises on a half.</summary>
    public (double Quality, double Price)[] Dial(int half) => [.. PreferenceGrid.Lambda.ToArray().Select(l => Mean(Realise(half, row => _split.Argmax(row, l))))];

    private static int Best((double Quality, double Price)[] means, double share) => Enumerable.Range(0, means.Length).MaxBy(g => Value(means[g], share));

    private static double Value((double Quality, double Price) mean, double share) => (mean.Quality * (1 - share)) - (mean.Price * share);

    private static (double Quality, double Price) Mean((float[] Quality, float[] Price) rows) => (rows.Quality.Average(q => (double)q), rows.Price.Average(p => (double)p));
}
