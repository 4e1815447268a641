using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using static MetaRouter.Core.Tests.SomeModels;

namespace MetaRouter.Core.Tests.Users;

public class BeliefStepTests
{
    [Fact]
    public void Of_ComparisonsForTheCheaper_LeadFromThePriorToTheUsersBelief()
    {
        var user = Compared(8, prefersCheaper: true);

        var steps = BeliefStep.Of(user);

        steps.Count.ShouldBe(8);
        steps[0].Before.Marginal.ToArray().ShouldBe(PreferenceBelief.FromPrior(Pool.Snapshot.Prior).Marginal.ToArray());
        steps[^1].After.Marginal.ToArray().ShouldBe(user.Belief.Marginal.ToArray());
        steps.Zip(steps.Skip(1)).ShouldAllBe(p => ReferenceEquals(p.First.After, p.Second.Before));
        steps[^1].After.GeometricMean.ShouldBeGreaterThan(steps[0].Before.GeometricMean);
        steps[0].Explain().ShouldBe("preferred the cheaper of two answers: cost seems to matter more");
    }

    [Fact]
    public void Explain_DearerPreferred_SaysThatQualityMatters() =>
        BeliefStep.Of(Compared(1, prefersCheaper: false))[0].Explain().ShouldBe("preferred the dearer of two answers: quality seems to matter more");

    [Fact]
    public void Explain_TwoAnswersThatCostTheSame_HardlyChangeWhatIsBelieved()
    {
        var alike = new Outcome(0.8f, 0.01f, 0);
        var state = UserState.Empty.Add(new Signal(new SignalKey(SomeSignals.Start, 1, FeedbackKind.Comparison), SomeSignals.Start, 1, false, alike, alike));

        BeliefStep.Of(new UserModel(Pool, state)).Single().Explain().ShouldBe("preferred one of two answers that cost the same: hardly changes what is believed");
    }

    [Theory]
    [InlineData(FeedbackKind.Rating, 4, "rated 4 of 5: speaks of quality alone, so the trade-off stays")]
    [InlineData(FeedbackKind.TaskSuccess, 0, "the task failed: speaks of quality alone, so the trade-off stays")]
    public void Explain_QualityAlone_LeavesTheTradeOff(FeedbackKind kind, byte value, string text)
    {
        var state = UserState.Empty.Add(new Signal(new SignalKey(SomeSignals.Start, 1, kind), SomeSignals.Start, value, false, new Outcome(0.8f, 0.01f, 0), new Outcome(0.5f, 0.001f, 0)));

        var step = BeliefStep.Of(new UserModel(Pool, state)).Single();

        step.Explain().ShouldBe(text);
        step.After.GeometricMean.ShouldBe(step.Before.GeometricMean, 1e-9);
    }

    [Fact]
    public void GeometricMean_OfOnePosition_IsThatPosition()
    {
        // A prior of one narrow component lies on its mean.
        var belief = PreferenceBelief.FromPrior(new PopulationPrior([new(1, Math.Log(0.5), 0.25)], [0, 1, 0], 0.05));

        belief.GeometricMean.ShouldBe(0.5, 0.01);
    }

    [Fact]
    public void NewcomerCurve_OfUsersWhoAgree_Falls()
    {
        var users = new[] { Compared(6, prefersCheaper: true), Compared(3, prefersCheaper: false) };

        var curve = NewcomerCurve.Of(users, 9);

        curve.Select(p => p.Users).ShouldBe([2, 2, 2, 2, 1, 1, 1]);
        curve[0].Regret.ShouldBe(Pool.Values.ExpectedRegret(PreferenceBelief.FromPrior(Pool.Snapshot.Prior)), 1e-12);
        curve[^1].Regret.ShouldBeLessThan(curve[0].Regret);
    }

    [Fact]
    public void HiddenPreference_PrefersFirst_IsBradleyTerryWithALapse()
    {
        // Utilities (1 - 0.1) / 2 and (0 - 0.1) / 2: sigmoid(10 x 0.5) = 0.993307.
        var preference = new HiddenPreference(LambdaCost: 1);

        preference.PrefersFirst(new Outcome(1, 0.001f, 0), new Outcome(0, 0.001f, 0), 0.01).ShouldBe((0.95 * 0.993307) + 0.025, 1e-5);
        preference.IsPleasedBy(new Outcome(1, 0.001f, 0), [new(0, 0.001f, 0), new(1, 0.001f, 0), new(0, 0.001f, 0)], 0.01).ShouldBe((0.95 * 0.993307) + 0.025, 1e-5);
        preference.IsPleasedBy(new Outcome(1, 0.001f, 0), [new(1, 0.001f, 0), new(0, 0.001f, 0)], 0.01).ShouldBe((0.95 * 0.924142) + 0.025, 1e-5); // the middle of two is halfway: sigmoid(10 x 0.25)
    }

    private static UserModel Compared(int times, bool prefersCheaper)
    {
        var state = UserState.Empty;
        for (var i = 0; i < times; i++)
        {
            // The first is dearer and hardly better.
            state = state.Add(new Signal(
                new SignalKey(SomeSignals.Start + (i * 60_000L), 1, FeedbackKind.Comparison), SomeSignals.Start + (i * 60_000L) + 1000, prefersCheaper ? (byte)0 : (byte)1, false,
                new Outcome(0.8f, (float)Pool.CostScaleUsd, 0), new Outcome(0.7f, (float)Pool.CostScaleUsd / 10, 0)));
        }

        return new UserModel(Pool, state);
    }
}
