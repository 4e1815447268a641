using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Tests.MetaLearning;

/// <summary>A cohort whose users all teach, none held out.</summary>
internal static class Everybody
{
    public static PopulationPrior Fit(PopulationPrior start, IReadOnlyList<TaskSummary> users, int iterations = 30)
    {
        var cohort = Of(users);
        return MetaLearner.Fit(start, prior => cohort.Expect(prior, CohortPart.Taught), iterations);
    }

    /// <summary>Mean over users of ln P(signals | prior), up to a constant of each user's own.</summary>
    public static double MeanEvidence(PopulationPrior prior, IReadOnlyList<TaskSummary> users)
    {
        var expected = Of(users).Expect(prior, CohortPart.Taught);
        return expected.LogEvidence / expected.Users;
    }

    private static Cohort Of(IReadOnlyList<TaskSummary> users)
    {
        var cohort = new Cohort(Math.Max(1, users.Count));
        for (var i = 0; i < users.Count; i++)
        {
            // Every fifth hash is held out.
            cohort.Put(((ulong)i * 5) + 1, users[i]);
        }

        return cohort;
    }
}
