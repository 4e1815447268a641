using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Evaluation.Simulation;

/// <summary>What a simulated population teaches about users nobody has met, as the shipped meta-learner has it.</summary>
internal static class TaughtBy
{
    /// <summary>The prior that a refresh would learn of them.</summary>
    public static PopulationPrior Prior(RoutingPool pool, IReadOnlyCollection<UserState> states)
    {
        var cohort = Everybody(pool, [.. states]);
        return MetaLearner.Learn(pool, prior => cohort.Expect(prior, CohortPart.Taught), states);
    }

    /// <summary>Everybody's evidence.</summary>
    public static Cohort Everybody(RoutingPool pool, IReadOnlyList<UserState> states)
    {
        var summaries = new TaskSummary[states.Count];
        Parallel.For(0, states.Count, u => summaries[u] = new UserModel(pool, states[u]).Summarise());
        var cohort = new Cohort(states.Count);
        for (var u = 0; u < states.Count; u++)
        {
            // Every fifth hash would be held out, to judge a candidate by; here all teach.
            cohort.Put(((ulong)u * 5) + 1, summaries[u]);
        }

        return cohort;
    }
}
