using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Core.Traffic;
using MetaRouter.Core.Users;
using static MetaRouter.Core.Tests.SomeModels;

namespace MetaRouter.Core.Tests.Traffic;

public class DialReplayTests
{
    [Fact]
    public void Points_OfOneRequest_SwitchWhereTheUtilitiesCross()
    {
        // 0.6 - 0.1 lambda = 0.9 - lambda at lambda = 1/3.
        var replay = new DialReplay([0, 0.33, 0.34, 10]);
        Outcome[] outcomes = [new(0.6f, 0.001f, 0), new(0.9f, 0.01f, 0)];
        replay.Add([5, 9], outcomes, outcomes, [true, true], 0.01, 2);

        var points = replay.Points();

        points.Select(p => p.Shares.Single()).ShouldBe([(9, 1.0), (9, 1.0), (5, 1.0), (5, 1.0)]);
        points[1].CostUsd.ShouldBe(0.02, 1e-7); // twice the prediction
        points[2].Quality.ShouldBe(0.6, 1e-6);
    }

    [Fact]
    public void Points_OfTwoRequests_AreMeans()
    {
        var replay = new DialReplay([0]);
        Outcome[] outcomes = [new(0.6f, 0.001f, 0), new(0.9f, 0.01f, 0)], others = [new(0.8f, 0.001f, 0), new(0.4f, 0.01f, 0)];
        replay.Add([5, 9], outcomes, outcomes, [true, true], 0.01, 1);
        replay.Add([5, 9], others, others, [true, true], 0.01, 1);

        var point = replay.Points().Single();

        point.Quality.ShouldBe(0.85, 1e-6);
        point.CostUsd.ShouldBe(0.0055, 1e-8);
        point.Shares.ShouldBe([(5, 0.5), (9, 0.5)]);
    }

    [Fact]
    public void Best_AmongEquals_IsTheFirst() => DialReplay.Best([new(0.6f, 0.001f, 0), new(0.6f, 0.001f, 0)], [true, true], 1, 0.01).ShouldBe(0);

    [Fact]
    public void Add_QualitiesThatTheDecisionCounted_ChooseAndThePredictedOnesAreTold()
    {
        var replay = new DialReplay([0]);
        replay.Add([0, 1], [new(0.6f, 0.001f, 0), new(0.9f, 0.01f, 0)], [new(0.8f, 0.001f, 0), new(0.7f, 0.01f, 0)], [true, true], 0.01, 1);

        var point = replay.Points().Single();

        (point.Shares.Single().Model, point.Quality).ShouldBe((0, 0.6f));
    }

    [Fact]
    public void Add_ModelRuledOut_IsNeverChosen()
    {
        var replay = new DialReplay([0]);
        Outcome[] outcomes = [new(0.6f, 0.001f, 0), new(0.9f, 0.01f, 0)];
        replay.Add([0, 1], outcomes, outcomes, [true, false], 0.01, 1);
        replay.Add([0, 1], outcomes, outcomes, [false, false], 0.01, 1);

        new DialReplay([0]).Points().ShouldBeEmpty();
        replay.Requests.ShouldBe(1);
        replay.Points().Single().Shares.Single().Model.ShouldBe(0);
    }

    [Fact]
    public void Best_AtTheLambdaActedOn_IsTheModelTheDecisionChose()
    {
        var scratch = new RequestEncoding();
        for (var i = 0; i < 200; i++)
        {
            double? dial = i % 2 == 0 ? 0.01 * Math.Pow(1.05, i) : null;
            var decision = new UserModel(Pool, UserState.Empty).Decide(
                new RouteRequest(Ask(i)) { LambdaCost = dial, MayExplore = false, Needs = new RouteNeeds { UnhealthyModels = i % 3 == 0 ? new HashSet<Core.Catalog.ModelId> { Id(i % Count) } : null } },
                Policy, new DecisionMoment(1, 2, i, 3, 0), scratch);

            var best = DialReplay.Best([.. decision.Candidates.Select(c => c.Predicted)], [.. decision.Candidates.Select(c => c.Exclusion == ModelExclusion.None)], decision.LambdaCost, Pool.CostScaleUsd);

            best.ShouldBe(decision.ChosenIndex);
        }
    }
}
