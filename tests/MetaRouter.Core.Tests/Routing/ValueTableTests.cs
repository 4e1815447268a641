using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.Preferences;

namespace MetaRouter.Core.Tests.Routing;

public class ValueTableTests
{
    [Fact]
    public void Value_ByHand_WeighsQualityAgainstCost()
    {
        var table = Table(g => 0.8f, g => 0.4f);
        table.Value(7, 0).ShouldBe(0.8, 1e-6);
        table.Value(7, 1).ShouldBe(-0.4, 1e-6);
        table.Value(7, 0.25).ShouldBe((0.8 * 0.75) - (0.4 * 0.25), 1e-6);
    }

    [Fact]
    public void Best_TwoPositions_ChangesWhereTheyEarnTheSame()
    {
        // (0.9, 0.5) against (0.5, 0.1): equal at a share of 1/2.
        var table = Table(g => g < 24 ? 0.9f : 0.5f, g => g < 24 ? 0.5f : 0.1f);
        table.Best(0.49).ShouldBeLessThan(24);
        table.Best(0.51).ShouldBeGreaterThanOrEqualTo(24);
    }

    [Fact]
    public void Best_EqualRecords_KeepsThePositionItself()
    {
        var flat = Table(_ => 0.7f, _ => 0.2f);
        for (var g = 0; g < PreferenceGrid.Length; g++)
        {
            flat.Best(PreferenceGrid.CostShare[g]).ShouldBe(g);
        }
    }

    [Fact]
    public void Best_EqualRecordsElsewhere_TakesTheNearest()
    {
        // Positions 10 to 20 earned more than all others, and all the same.
        var table = Table(g => g is >= 10 and <= 20 ? 0.8f : 0.6f, _ => 0.2f);
        table.Best(PreferenceGrid.CostShare[3]).ShouldBe(10);
        table.Best(PreferenceGrid.CostShare[15]).ShouldBe(15);
        table.Best(PreferenceGrid.CostShare[30]).ShouldBe(20);
    }

    [Fact]
    public void BestValue_AnyTable_IsTheGreatestAndConvex()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var table = Random(new Random(seed));
            for (var i = 0; i <= 16; i++)
            {
                var share = i / 16.0;
                table.BestValue(share).ShouldBe(Enumerable.Range(0, PreferenceGrid.Length).Max(g => table.Value(g, share)), 1e-12);
                var between = (i + .3) / 22;
                table.BestValue(between).ShouldBe(Enumerable.Range(0, PreferenceGrid.Length).Max(g => table.Value(g, between)), 1e-4);
                for (var j = 0; j <= 20; j++)
                {
                    table.BestValue((share + (j / 20.0)) / 2).ShouldBeLessThanOrEqualTo(((table.BestValue(share) + table.BestValue(j / 20.0)) / 2) + 1e-12);
                }
            }
        }
    }

    [Fact]
    public void ExpectedRegret_AnyBelief_IsNotNegative()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var belief = SomeBeliefs.Of([.. Enumerable.Range(0, PreferenceGrid.Length).Select(g => (g, random.NextDouble()))]);
            Random(random).ExpectedRegret(belief).ShouldBeGreaterThanOrEqualTo(0);
        }
    }

    [Fact]
    public void ExpectedRegret_ByHand_IsWhatNotKnowingCosts()
    {
        // Half the belief at each end of the dial, all sharpness alike; one position is right for each end.
        var table = Table(g => g == 0 ? 1 : 0, g => g == 0 ? 1 : 0);
        var belief = Certain(0, PreferenceGrid.Length - 1);
        var (low, high) = (PreferenceGrid.CostShare[0], PreferenceGrid.CostShare[^1]);
        var mean = (low + high) / 2;
        table.ExpectedRegret(belief).ShouldBe(((1 - (2 * low)) / 2) - Math.Max(0, 1 - (2 * mean)), 1e-5);
    }

    [Fact]
    public void ExpectedRegret_CertainBelief_IsZero()
    {
        for (var g = 0; g < PreferenceGrid.Length; g++)
        {
            Random(new Random(g)).ExpectedRegret(Certain(g)).ShouldBe(0, 1e-7);
        }
    }

    [Fact]
    public void New_WrongLength_NamesWhatItFound() => Should.Throw<ArgumentException>(() => new ValueTable(new float[3], new float[48])).Message.ShouldContain("has 48 positions; found 3 qualities and 48 costs");

    private static PreferenceBelief Certain(params int[] positions) => SomeBeliefs.Of([.. positions.Select(g => (g, 1.0))]);

    private static ValueTable Random(Random random) => Table(_ => random.NextSingle(), _ => random.NextSingle());

    private static ValueTable Table(Func<int, float> quality, Func<int, float> cost) =>
        new([.. Enumerable.Range(0, PreferenceGrid.Length).Select(quality)], [.. Enumerable.Range(0, PreferenceGrid.Length).Select(cost)]);
}
