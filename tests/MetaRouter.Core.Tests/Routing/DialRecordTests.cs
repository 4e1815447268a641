using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Tests.Routing;

public class DialRecordTests
{
    private const int Width = PreferenceGrid.Length;

    [Fact]
    public void Estimate_PromisesKept_IsWhatWasPromised()
    {
        var record = new DialRecord();
        var promised = Curve(g => .9f - (.01f * g));
        record.Add(promised, promised);
        record.Add(promised, promised);

        record.Estimate().Zip(promised).ShouldAllBe(p => Math.Abs(p.First - p.Second) < 1e-6);
    }

    [Fact]
    public void Estimate_AllOffAlike_KeepsTheShapeAndMovesTheLevel()
    {
        var estimate = Of(2000, seed: 1, off: _ => -.05f);

        estimate.Average().ShouldBe(.6f - .05f, .02f);
        estimate.ShouldAllBe(q => Math.Abs(q - estimate[0]) < .004);
    }

    [Fact]
    public void Estimate_PromisesOffByPosition_AreBelievedOfManyRequestsAndNotOfAFew()
    {
        // At the dial's ends less is kept than was promised, in its middle more; slowly from one to the other.
        static float Bump(int g) => -.04f * MathF.Cos(2 * MathF.PI * g / Width);
        static float Rise(float[] estimate) => estimate[Width / 2] - ((estimate[0] + estimate[^1]) / 2);

        Math.Abs(Rise(Of(40, seed: 2, Bump))).ShouldBeLessThan(.02f);
        Rise(Of(20_000, seed: 2, Bump)).ShouldBeInRange(.06f, .1f);
    }

    [Fact]
    public void Estimate_OnePositionsLuck_IsSharedByItsNeighbours()
    {
        // Raw, the luckiest of 48 positions that are worth the same stands out by some standard errors.
        var (raw, estimated) = (0f, 0f);
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var (record, mean, promised) = (new DialRecord(), new float[Width], Curve(_ => .6f));
            for (var i = 0; i < 500; i++)
            {
                var earned = Curve(_ => random.NextDouble() < .6 ? 1 : 0);
                record.Add(promised, earned);
                for (var g = 0; g < Width; g++)
                {
                    mean[g] += earned[g] / 500;
                }
            }

            var estimate = record.Estimate();
            (raw, estimated) = (raw + ((mean.Max() - mean.Average()) / 20), estimated + ((estimate.Max() - estimate.Average()) / 20));
        }

        estimated.ShouldBeLessThan(raw / 3);
    }

    /// <summary>Promised .6 everywhere; every position fares alike on a request but where it is off.</summary>
    private static float[] Of(int requests, int seed, Func<int, float> off)
    {
        var (random, record) = (new Random(seed), new DialRecord());
        for (var i = 0; i < requests; i++)
        {
            var luck = random.NextDouble();
            record.Add(Curve(_ => .6f), Curve(g => luck < .6 + off(g) ? 1 : 0));
        }

        return record.Estimate();
    }

    private static float[] Curve(Func<int, float> at) => [.. Enumerable.Range(0, Width).Select(at)];
}
