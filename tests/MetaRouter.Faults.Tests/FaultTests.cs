using MetaRouter.Hosting.Tests;
using MetaRouter.RouterContract;
using Xunit.Abstractions;

namespace MetaRouter.Faults.Tests;

/// <summary>Every fault at a small size, one after the other over the same gateways; `infra/faults/run.sh` runs them at full size.</summary>
public sealed class FaultTests(ITestOutputHelper output)
{
    [Fact]
    public async Task OnAFile_NothingIsLostDoubledOrAnsweredWrongly()
    {
        // A clock to move needs libfaketime, which in CI must not be missing unseen.
        var clocks = Fault.All.Where(f => f.Setting == Setting.MovableClock).Except(Fault.OnOneFile).Select(f => f.Name).ToArray();
        output.WriteLine(clocks.Length == 0 ? "The clock can be moved here." : $"NOT TESTED, this machine cannot: {string.Join(", ", clocks)}");
        (clocks.Length == 0 || Environment.GetEnvironmentVariable("CI") != "true").ShouldBeTrue("CI needs libfaketime");
        await using var world = await Fault.SetUpOneFileAsync();
        await RunAsync(world, Fault.OnOneFile);
    }

    [MountFact]
    public async Task OnASmallDisk_NothingIsLostDoubledOrAnsweredWrongly()
    {
        await using var world = await Fault.SetUpAsync(Setting.SmallDisk);
        await RunAsync(world, Fault.All.Where(f => f.Setting == Setting.SmallDisk));
    }

    [RedisFact]
    public async Task OnRedis_NothingIsLostDoubledOrAnsweredWrongly()
    {
        await using var world = await World.OnRedisAsync();
        await RunAsync(world, Fault.All.Where(f => f.Setting == Setting.Redis));
    }

    [RedisFact]
    public async Task OnRedis_ThatSyncsEverySecond_NothingIsLostDoubledOrAnsweredWrongly()
    {
        await using var world = await Fault.SetUpAsync(Setting.RedisEverySecond);
        await RunAsync(world, Fault.All.Where(f => f.Setting == Setting.RedisEverySecond));
    }

    private async Task RunAsync(World world, IEnumerable<Fault> faults)
    {
        foreach (var fault in faults)
        {
            var watch = System.Diagnostics.Stopwatch.StartNew();
            var outcome = await fault.BefallAsync(world, Scale.Small);
            output.WriteLine(FormattableString.Invariant($"{fault.Name}: {outcome.Verdict.Acknowledged} acknowledged, {outcome.Verdict.Erased} erased, recovered after {outcome.RecoverySeconds:0.00} s, p99 {outcome.RouteP99Ms:0} ms, took {watch.Elapsed.TotalSeconds:0.0} s. {outcome.Note}"));
            outcome.Verdict.Problems.Take(10).ShouldBeEmpty(fault.Name);
            outcome.Verdict.Acknowledged.ShouldBeGreaterThan(0, fault.Name);
            (outcome.Verdict.Erased > 0).ShouldBe(!fault.Name.StartsWith("upstream", StringComparison.Ordinal), fault.Name);
        }
    }
}
