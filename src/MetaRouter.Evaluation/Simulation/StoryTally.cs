using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Evaluation.Baselines;

namespace MetaRouter.Evaluation.Simulation;

/// <summary>Keeps the accounts of a story: what the router earned and spent, and what others would have on the same requests.</summary>
internal sealed class StoryTally
{
    private const int Router = 0, Knew = 1, Single = 2, Strongest = 3;

    private readonly RoutingPool _pool;
    private readonly double _lambda;
    private readonly double _costShare;
    private readonly double _knownShare;
    private readonly (int Single, int Strongest) _fixed;
    private readonly (double Quality, double Cost)[] _sum = new (double, double)[4];
    private (int Count, double Cost) _second;
    private (int Count, double Cost, double Quality) _explored;
    private (int Up, int Down) _thumbs;
    private int _requests;

    public StoryTally(StoryStage stage, double lambda)
    {
        (_pool, _lambda, _costShare) = (stage.Pool, lambda, lambda / (1 + lambda));
        var means = Means(stage.Aside);
        _fixed = (Best(means, _costShare), Best(means, costShare: 0));

        _knownShare = KnownUser.BetterPosition(_pool.Values, lambda) is { } position ? PreferenceGrid.CostShare[position] : _costShare;
    }

    public void Add(RouteDecision decision, Outcome[] outcomes, StoryWord said)
    {
        _requests++;
        var chosen = outcomes[decision.ChosenIndex];
        var second = decision.OfferedIndex is { } offered ? outcomes[offered].CostUsd : 0;
        Count(Router, chosen with { CostUsd = chosen.CostUsd + second });
        Count(Knew, outcomes[Best([.. decision.Candidates.Select(c => c.Predicted)], _knownShare)]);
        Count(Single, outcomes[_fixed.Single]);
        Count(Strongest, outcomes[_fixed.Strongest]);
        _second = (_second.Count + (decision.OfferedIndex is null ? 0 : 1), _second.Cost + second);
        if (decision.Reason == DecisionReason.Explored)
        {
            var best = outcomes[Enumerable.Range(0, outcomes.Length).Where(k => decision.Candidates[k].Exclusion == ModelExclusion.None).MaxBy(k => decision.Candidates[k].Utility)];
            _explored = (_explored.Count + 1, _explored.Cost + chosen.CostUsd - best.CostUsd, _explored.Quality + chosen.Quality - best.Quality);
        }

        _thumbs = (_thumbs.Up + (said == StoryWord.ThumbUp ? 1 : 0), _thumbs.Down + (said == StoryWord.ThumbDown ? 1 : 0));
    }

    public StorySummary Summarise(UserModel user)
    {
        var believed = user.Belief;
        var belief = StoryBelief.Of(believed, _pool.ReportedScaleUsd);
        return new StorySummary(
            _requests,
            (float)_pool.ReportedScaleUsd,
            Policy("MetaRouter", null, Router),
            Policy("told the trade-off from the start", null, Knew),
            Policy("best single model for this user", _fixed.Single, Single),
            Policy("always the strongest model", _fixed.Strongest, Strongest),
            _second.Count,
            (float)_second.Cost,
            _explored.Count,
            (float)_explored.Cost,
            _explored.Quality,
            _thumbs.Up,
            _thumbs.Down,
            _lambda,
            belief,
            belief.Low <= _lambda && _lambda <= belief.High,
            Explanation.Of(user.Pool, believed));
    }

    private void Count(int policy, in Outcome outcome) => _sum[policy] = (_sum[policy].Quality + outcome.Quality, _sum[policy].Cost + outcome.CostUsd);

    private StoryPolicy Policy(string name, int? model, int policy)
    {
        var (quality, cost) = (_sum[policy].Quality / _requests, _sum[policy].Cost);
        return new StoryPolicy(name, model is { } k ? _pool.Catalog.Models[k].Id.Value : null, quality, (float)cost, Value(quality, cost / _requests, _costShare));
    }

    private double Value(double quality, double costUsd, double costShare) => ((1 - costShare) * quality) - (costShare * costUsd / _pool.CostScaleUsd);

    /// <summary>The first of greatest utility.</summary>
    private int Best(Outcome[] outcomes, double costShare) =>
        Enumerable.Range(0, outcomes.Length).MaxBy(k => Value(outcomes[k].Quality, outcomes[k].CostUsd, costShare));

    private static Outcome[] Means(OutcomeTable table)
    {
        var (quality, cost) = ColumnMeans.Of(table);
        return [.. quality.Zip(cost, (q, c) => new Outcome((float)q, (float)c, 0))];
    }
}
