using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.OffPolicy;

namespace MetaRouter.Evaluation.Tests.OffPolicy;

/// <summary>Against known truth: requests are easy or hard, the logging policy sends hard ones to the dear model, so that a plain mean is wrong.</summary>
public sealed class OffPolicyEvaluationTests
{
    private const int Logs = 300, Decisions = 800;

    private static readonly string[] s_models = ["cheap", "middle", "dear"];

    // Easy, hard: the true chance of a good answer, what the router expects, and the logging policy.
    private static readonly double[][] s_truth = [[.8, .85, .9], [.2, .5, .8]];
    private static readonly double[][] s_expected = [[.85, .85, .85], [.4, .5, .7]];
    private static readonly double[][] s_logging = [[.75, .15, .1], [.1, .2, .7]];

    private static readonly double[] s_cost = [.001, .004, .01];

    public static TheoryData<string, double> Policies => new()
    {
        { "always cheap", (.8 + .2) / 2 },
        { "always dear", (.9 + .8) / 2 },
        { "always middle", (.85 + .5) / 2 },
        { "any model, all alike", (.8 + .85 + .9 + .2 + .5 + .8) / 6 },
        { "as logged", ((.75 * .8) + (.15 * .85) + (.1 * .9) + (.1 * .2) + (.2 * .5) + (.7 * .8)) / 2 },
        // At lambda .2: easy .85 - .02, .85 - .08, .85 - .2; hard .4 - .02, .5 - .08, .7 - .2.
        { "lambda 0.2 for all", (.8 + .8) / 2 },
    };

    [Theory]
    [MemberData(nameof(Policies))]
    public void Run_ManyLogs_IntervalsCoverTheTruth(string name, double truth)
    {
        var policy = name.StartsWith("always", StringComparison.Ordinal) ? Policy.Always(name[7..]) : name switch { "as logged" => Policy.Logged, "any model, all alike" => Policy.Uniform, _ => Policy.Dial(.2, .01) };
        policy.Name.ShouldBe(name);
        var estimates = Enumerable.Range(0, Logs).Select(seed => OffPolicyEvaluation.Run(Log(seed), [policy]).Single()).ToArray();

        Check(estimates.Select(e => (e.Ips, e.IpsCi)));
        Check(estimates.Select(e => (e.Snips, e.SnipsCi)));
        Check(estimates.Select(e => (e.DoublyRobust, e.DoublyRobustCi)));

        void Check(IEnumerable<(double Value, Interval Interval)> figures)
        {
            var all = figures.ToArray();
            all.Average(f => f.Value).ShouldBe(truth, .008);
            ((double)all.Count(f => f.Interval.Contains(truth)) / Logs).ShouldBeInRange(.91, .985);
        }
    }

    [Fact]
    public void Run_PlainMeanOfTheModelsRows_IsWrongWhereTheEstimatesAreNot()
    {
        var log = Enumerable.Range(0, 20).SelectMany(Log).ToArray();
        var plain = log.Where(d => d.Chosen == 0).Average(d => d.Reward!.Value);
        plain.ShouldBeGreaterThan(.5 + .1);
        OffPolicyEvaluation.Run(log, [Policy.Always("cheap")]).Single().DoublyRobust.ShouldBe(.5, .02);
    }

    [Fact]
    public void Run_GoodModel_DoublyRobustIsNarrowerThanPropensitiesAlone()
    {
        var estimate = OffPolicyEvaluation.Run(Log(7), [Policy.Always("middle")]).Single();
        (estimate.DoublyRobustCi.High - estimate.DoublyRobustCi.Low).ShouldBeLessThan(.75 * (estimate.IpsCi.High - estimate.IpsCi.Low));
        estimate.EffectiveSample.ShouldBeInRange(50, 250);
    }

    [Fact]
    public void Run_AsLogged_IsTheMeanAndTheMeanCost()
    {
        var log = Log(3);
        var estimate = OffPolicyEvaluation.Run(log, [Policy.Logged]).Single();
        estimate.Ips.ShouldBe(log.Average(d => d.Reward!.Value), 1e-12);
        estimate.Snips.ShouldBe(estimate.Ips, 1e-12);
        estimate.EffectiveSample.ShouldBe(Decisions, 1e-9);
        estimate.CostUsd.ShouldBe(log.Average(d => d.Candidates.Sum(c => c.Propensity * c.CostUsd)), 1e-12);
    }

    [Fact]
    public void Run_ByHand()
    {
        LoggedCandidate[] two = [new("a", .5, 1, 1, .25), new("b", .5, 2, 0, .75)];
        LoggedDecision[] log = [new(two, 0, 1), new(two, 1, 0), new(two, 1, null)];
        var estimate = OffPolicyEvaluation.Run(log, [Policy.Always("a")]).Single();
        // Weights 4 and 0; the unjudged one counts for the cost only.
        estimate.Ips.ShouldBe(2, 1e-12);
        estimate.Snips.ShouldBe(1, 1e-12);
        // The first's model comes from the second: .5, b's departure does not touch a; and the other way round, a: .5 + .5 / 11.
        estimate.DoublyRobust.ShouldBe((.5 + (4 * .5) + .5 + (.5 / 11)) / 2, 1e-12);
        estimate.CostUsd.ShouldBe(1, 1e-12);
    }

    [Fact]
    public void Run_LogThatNeverDidWhatThePolicyWouldDo_HasNoEstimate()
    {
        LoggedCandidate[] two = [new("a", .5, 1, 1, 1), new("b", .9, 2, 0, 0)];
        var estimate = OffPolicyEvaluation.Run([new(two, 0, 1), new(two, 0, 0)], [Policy.Always("b")]).Single();

        estimate.EffectiveSample.ShouldBe(0);
        new[] { estimate.Ips, estimate.Snips, estimate.DoublyRobust, estimate.DoublyRobustCi.Low, estimate.DoublyRobustCi.High }.ShouldAllBe(v => double.IsNaN(v)); // else the prediction alone stood there, as the surest row of all
        estimate.CostUsd.ShouldBe(2, 1e-12);
    }

    [Fact]
    public void Run_PolicyThatTheLogFollowedInPart_TellsTheShareThatIsPredictedAlone()
    {
        LoggedCandidate[] never = [new("a", .5, 1, 1, 1), new("b", .9, 2, 0, 0)], seldom = [new("a", .5, 1, 1, .8), new("b", .9, 2, 0, .2)];
        var estimates = OffPolicyEvaluation.Run([new(never, 0, 1), new(never, 0, 1), new(never, 0, 1), new(seldom, 1, 1)], [Policy.Always("b"), Policy.Uniform, Policy.Logged]);
        estimates.Select(e => e.Unsupported).ShouldBe([.75, .375, 0]);
    }

    [Fact]
    public void Run_ModelNotAllowed_TheRoutersOwnBestIsServed()
    {
        LoggedCandidate[] two = [new("a", .5, 1, .1, .5), new("b", .5, 2, .9, .5)];
        var probability = new double[2];
        Policy.Always("missing").Probabilities(new LoggedDecision(two, 0, 1), probability);
        probability.ShouldBe([0, 1]);
    }

    /// <summary>Of twenty decisions many an estimate is none that can be. All of them together are right, and would not be were each cut off at what can.</summary>
    [Fact]
    public void Run_FewDecisions_EstimatesThatCannotBeAreSaidToBeAndRightOnAverage()
    {
        const double truth = (.8 + .2) / 2;
        var estimates = Enumerable.Range(0, 20_000).Select(seed => OffPolicyEvaluation.Run(LogOf(seed, decisions: 20), [Policy.Always("cheap")]).Single()).Where(e => e.EffectiveSample > 0).ToArray();
        var (outside, inside) = (estimates.Where(e => e.DoublyRobust is < 0 or > 1).ToArray(), estimates.Where(e => e.DoublyRobust is >= 0 and <= 1).ToArray());

        (outside.Length / (double)estimates.Length).ShouldBeInRange(.01, .5);
        outside.ShouldAllBe(e => e.OutOfRange.Contains("doubly_robust"));
        inside.ShouldAllBe(e => e.OutOfRange.Contains("doubly_robust") == (e.DoublyRobustCi.Low < 0 || e.DoublyRobustCi.High > 1));
        estimates.ShouldAllBe(e => e.Snips >= 0 && e.Snips <= 1 + 1e-12);
        estimates.Average(e => e.DoublyRobust).ShouldBe(truth, .008);
        Math.Abs(estimates.Average(e => Math.Clamp(e.DoublyRobust, 0, 1)) - truth).ShouldBeGreaterThan(Math.Abs(estimates.Average(e => e.DoublyRobust) - truth));
    }

    [Fact]
    public void Run_ManyDecisions_NothingLeavesWhatCanBe() =>
        OffPolicyEvaluation.Run(Log(11), [Policy.Logged, Policy.Always("cheap"), Policy.Uniform]).ShouldAllBe(e => e.OutOfRange.Count == 0);

    [Fact]
    public void Run_NoRewards_IsRefused() =>
        Should.Throw<ArgumentException>(() => OffPolicyEvaluation.Run([.. Log(0).Select(d => d with { Reward = null })], [Policy.Logged])).Message.ShouldContain("0 of 800");

    private static LoggedDecision[] Log(int seed) => LogOf(seed, Decisions);

    private static LoggedDecision[] LogOf(int seed, int decisions)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, decisions).Select(_ =>
        {
            var hard = random.Next(2);
            var logging = s_logging[hard];
            LoggedCandidate[] candidates = [.. s_models.Select((m, i) => new LoggedCandidate(m, s_expected[hard][i], s_cost[i], s_expected[hard][i] - (20 * s_cost[i]), logging[i]))];
            var draw = random.NextDouble();
            var chosen = draw < logging[0] ? 0 : draw < logging[0] + logging[1] ? 1 : 2;
            return new LoggedDecision(candidates, chosen, random.NextDouble() < s_truth[hard][chosen] ? 1 : 0);
        })];
    }
}
