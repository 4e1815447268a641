using FsCheck;
using FsCheck.Fluent;

// What one input allocates is told by what the whole process does meanwhile.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace MetaRouter.Fuzz.Tests;

/// <summary>What readers promise of every input, for inputs of any seed; docs/results/fuzzing.md has the long runs.</summary>
public sealed class TargetTests
{
    /// <summary>Target, and how many inputs of each of a hundred seeds.</summary>
    public static TheoryData<string, int> Targets => new()
    {
        { "receipts", 200 },
        { "states", 80 },
        { "catalogs", 40 },
        { "data files", 20 },
        { "http", 10 },
        { "answers", 40 },
    };

    [Theory]
    [MemberData(nameof(Targets))]
    public async Task Inputs_OfAnySeed_AreTakenOrRefusedAsDocumented(string name, int inputs)
    {
        await using var target = await StartAsync(name);
        var (taken, refused) = (0L, 0L);

        Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<ulong>(), seed =>
        {
            var (tally, found) = Run(target, seed, inputs);
            taken += tally.Taken;
            refused += tally.Refused;
            found.ShouldBeEmpty();
        }));

        // Both happen, or nothing was tried.
        taken.ShouldBeGreaterThan(inputs);
        refused.ShouldBeGreaterThan(inputs);
    }

    [Fact]
    public async Task Http_WhatTheGatewayAllocates_CountsForTheRequest()
    {
        await using var target = await StartAsync("http");
        target.IsReadElsewhere.ShouldBeTrue();
    }

    /// <summary>Slow ones: where a stream is cut short the gateway waits a tenth of a second, for its reader to be told; a snapshot is megabytes, and an input a hundredth of a second.</summary>
    [Theory]
    [InlineData("upstreams", 200, 20, 50)]
    [InlineData("snapshots", 60, 0, 20)]
    public async Task Inputs_OfOneSeed_AreTakenOrRefusedAsDocumented(string name, int inputs, int taken, int refused)
    {
        await using var target = await StartAsync(name);
        var (tally, found) = Run(target, 1, inputs);

        found.ShouldBeEmpty();
        tally.Taken.ShouldBeGreaterThan(taken);
        tally.Refused.ShouldBeGreaterThan(refused);
    }

    [Fact]
    public async Task Input_FollowsFromSeedTargetAndIndex()
    {
        await using var target = await StartAsync("states");
        var chance = new Chance();
        byte[] Draw(ulong seed, ulong stream, long index)
        {
            chance.Restart(seed, stream, index);
            target.Draw(chance);
            return target.Input.Bytes.ToArray();
        }

        var first = Draw(1, 2, 3);
        Draw(1, 2, 4).ShouldNotBe(first);
        Draw(1, 3, 3).ShouldNotBe(first);
        Draw(2, 2, 3).ShouldNotBe(first);
        Draw(1, 2, 3).ShouldBe(first);
    }

    private static Task<FuzzTarget> StartAsync(string name) => FuzzProgram.Targets.Single(t => t.Target == name).Start();

    private static (Tally Tally, List<string> Found) Run(FuzzTarget target, ulong seed, int inputs)
    {
        var (run, found) = (new FuzzRun(folder: null), new List<string>());
        run.Found += found.Add;
        return (run.Run(target, seed, 0, inputs, DateTime.MaxValue), found);
    }
}
