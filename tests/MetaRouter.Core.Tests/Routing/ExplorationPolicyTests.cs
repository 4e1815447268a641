using FsCheck;
using FsCheck.Fluent;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Tests.Routing;

public class ExplorationPolicyTests
{
    private static readonly ExplorationPolicy Default = new();

    [Fact]
    public void Choose_ByHand_FollowsTheEquations()
    {
        // K = 3, rho R = 0.1 * 0.2: gamma = 2 / 0.02 = 100; p = 1 / (3 + 100 * 0.1), 1 / (3 + 100 * 0.07).
        var p = new double[3];
        Default.Choose([0.5, 0.6, 0.53], 0.2, 0, p).ShouldBe(new ExplorationChoice(1, p[1], false));

        p[0].ShouldBe(1 / 13.0, 1e-12);
        p[2].ShouldBe(1 / 10.0, 1e-12);
        p[1].ShouldBe(1 - (1 / 13.0) - (1 / 10.0), 1e-12);
    }

    [Fact]
    public void Choose_AnyUtilities_IsADistributionThatCostsAtMostItsShare() => ForAnyUtilities((utilities, random) =>
    {
        var (rho, regret) = (random.NextDouble(), Math.Pow(10, (random.NextDouble() * 8) - 6));
        var p = new double[utilities.Length];
        var choice = new ExplorationPolicy(new() { Rho = rho, Floor = random.Next(2) * 0.05 }).Choose(utilities, regret, random.NextDouble(), p);
        var best = utilities.Max();
        return Math.Abs(p.Sum() - 1) < 1e-12
            && p.All(one => one is >= 0 and <= 1)
            && p[Array.IndexOf(utilities, best)] >= (1.0 / utilities.Length) - 1e-12
            && p.Zip(utilities).Sum(pair => pair.First * (best - pair.Second)) <= rho * regret * (1 + 1e-12)
            && choice.Propensity == p[choice.Index] && choice.Propensity > 0
            && choice.IsExplored == (choice.Index != Array.IndexOf(utilities, best));
    });

    [Fact]
    public void Choose_BetterModel_IsNeverLessLikely() => ForAnyUtilities((utilities, random) =>
    {
        var p = new double[utilities.Length];
        Default.Choose(utilities, random.NextDouble(), 0, p);
        var ordered = utilities.Zip(p).OrderBy(pair => pair.First).ThenBy(pair => pair.Second).Select(pair => pair.Second).ToArray();
        return ordered.Zip(ordered.Skip(1)).All(pair => pair.First <= pair.Second + 1e-12);
    });

    [Fact]
    public void Choose_LessRegret_ExploresLess()
    {
        var p = new double[2];
        var previous = 1.0;
        foreach (var regret in new[] { 10, 1, 0.1, 0.01, 0.001 })
        {
            Default.Choose([0.6, 0.5], regret, 0, p);
            p[1].ShouldBeLessThan(previous);
            previous = p[1];
        }
    }

    [Theory]
    [InlineData(0.1, 0, true)]
    [InlineData(0, 1, true)]
    [InlineData(0.1, 1, false)]
    [InlineData(1, double.Epsilon, true)]
    public void Choose_NothingToGainOrAllowed_IsTheBestWithCertainty(double rho, double regret, bool enabled)
    {
        var p = new double[3];
        new ExplorationPolicy(new() { Rho = rho, Enabled = enabled }).Choose([0.5, 0.6, 0.6], regret, 0.999999, p).ShouldBe(new ExplorationChoice(1, 1, false));
        p.ShouldBe([0, 1, 0]);
    }

    [Fact]
    public void Choose_AllEqual_IsUniformAndTheFirstIsBest()
    {
        var p = new double[4];
        Default.Choose([0.5, 0.5, 0.5, 0.5], 0.1, 0, p).ShouldBe(new ExplorationChoice(0, p[0], false));
        p.ShouldAllBe(one => Math.Abs(one - 0.25) < 1e-12);
    }

    [Fact]
    public void Choose_OneModel_IsCertain()
    {
        var p = new double[1];
        Default.Choose([-3], 5, 0.99, p).ShouldBe(new ExplorationChoice(0, 1, false));
    }

    [Fact]
    public void Choose_BelowTheFloor_IsNotExplored()
    {
        var p = new double[3];
        new ExplorationPolicy(new() { Floor = 0.08 }).Choose([0.5, 0.6, 0.53], 0.2, 0, p);

        p.ShouldBe([0, 0.9, 0.1], 1e-12);
    }

    [Fact]
    public void Choose_ManyDraws_FollowTheStatedPropensities()
    {
        double[] utilities = [0.5, 0.6, 0.53, 0.58, 0.2];
        var random = new Random(1);
        var (counts, p) = (new int[5], new double[5]);
        const int Draws = 200_000;
        for (var i = 0; i < Draws; i++)
        {
            counts[Default.Choose(utilities, 0.3, random.NextDouble(), p).Index]++;
        }

        // Chi-square with 4 degrees of freedom: 18.47 is passed by chance once in a thousand seeds.
        counts.Zip(p).Sum(pair => Math.Pow(pair.First - (Draws * pair.Second), 2) / (Draws * pair.Second)).ShouldBeLessThan(18.47);
    }

    [Fact]
    public void Choose_GreatestDraw_FallsWithinTheDistribution() => ForAnyUtilities((utilities, random) =>
    {
        var p = new double[utilities.Length];
        return Default.Choose(utilities, random.NextDouble(), Math.BitDecrement(1.0), p).Propensity > 0;
    });

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.NegativeInfinity)]
    public void Choose_UtilityThatIsNoNumber_IsRefusedByIndex(double utility) =>
        Should.Throw<ArgumentException>(() => Default.Choose([1, utility], 0.1, 0, new double[2])).Message.ShouldContain("Utility 1 of 2");

    [Fact]
    public void Choose_NoModel_IsRefused() => Should.Throw<ArgumentException>(() => Default.Choose([], 0.1, 0, [])).Message.ShouldContain("at least one model");

    [Fact]
    public void Choose_WrongRoom_IsRefused() => Should.Throw<ArgumentException>(() => Default.Choose([1, 2], 0.1, 0, new double[3])).Message.ShouldContain("room for 3");

    [Theory]
    [InlineData(-0.1, 0)]
    [InlineData(double.NaN, 0)]
    [InlineData(double.PositiveInfinity, 0)]
    [InlineData(0.1, 1)]
    [InlineData(0.1, -0.1)]
    [InlineData(0.1, double.NaN)]
    public void Choose_RegretOrDrawOutOfRange_IsRefused(double regret, double draw) =>
        Should.Throw<ArgumentOutOfRangeException>(() => Default.Choose([1, 2], regret, draw, new double[2]));

    [Fact]
    public void New_OptionsOutOfRange_NamesEveryProblem()
    {
        var message = Should.Throw<ArgumentException>(() => new ExplorationPolicy(new() { Rho = 1.5, Floor = double.NaN, Horizon = -1 })).Message;

        message.ShouldContain("Rho is 1.5");
        message.ShouldContain("Floor is NaN");
        message.ShouldContain("Horizon is -1");
    }

    private static void ForAnyUtilities(Func<double[], Random, bool> claim) =>
        Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new Random(seed);
            return claim([.. Enumerable.Range(0, random.Next(1, 30)).Select(_ => Math.Round((random.NextDouble() * 2) - 1, random.Next(1, 8)))], random);
        }));
}
