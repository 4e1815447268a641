namespace MetaRouter.Hosting.Tests.Protocol;

/// <param name="States">Different ones reached.</param>
/// <param name="Steps">Taken to find them, each after the way to it was taken again.</param>
/// <param name="Quiet">States in which nobody waits, whose nodes were asked what they believe.</param>
/// <param name="Violation">What was found wrong, with the shortest way to it; null: nothing.</param>
/// <param name="Traces">What the store was told on the way to some of the states without a next step.</param>
internal sealed record Exploration(int States, int Steps, int Quiet, string? Violation, IReadOnlyList<IReadOnlyList<StoreCall>> Traces);

/// <summary>
/// Every order of steps of a case, breadth first, so that the first way found to a violation is a shortest one. Real routers cannot be copied, so each state is made again by
/// taking the steps to it: O(steps x depth), some microseconds a step.
/// Source: Godefroid, "Model checking for programming languages using VeriSoft", POPL 1997, with the states that came up before cut off.
/// </summary>
internal static class Explorer
{
    private const int KeptTraces = 200;

    /// <summary>
    /// A turn is handed over by a thread of the pool. Other tests may hold those there are, and the pool adds few while the processor is busy, as a spinning explorer keeps it.
    /// </summary>
    static Explorer() => ThreadPool.SetMinThreads(64, 64);

    public static Exploration Explore(ProtocolCase of, Mutation mutation = Mutation.None)
    {
        // Under a test runner's context each answer would be taken up by another thread.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            return ExploreAll(of, mutation);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    private static Exploration ExploreAll(ProtocolCase of, Mutation mutation)
    {
        using var routers = new World.Routers();
        var seen = new HashSet<string>();
        var ways = new Queue<(Step[] Way, IReadOnlyList<Step> Next)>();
        var traces = new List<IReadOnlyList<StoreCall>>();
        var (steps, quiet) = (0, 0);
        using (var start = new World(of, mutation, routers))
        {
            seen.Add(start.Fingerprint());
            ways.Enqueue(([], start.Enabled()));
        }

        while (ways.TryDequeue(out var at))
        {
            foreach (var next in at.Next)
            {
                Step[] way = [.. at.Way, next];
                using var world = new World(of, mutation, routers);
                foreach (var step in way)
                {
                    world.Take(step);
                }

                steps++;
                if (!seen.Add(world.Fingerprint()))
                {
                    continue;
                }

                var enabled = world.Enabled();
                var violation = world.Violation();
                if (violation is null && world.IsQuiet)
                {
                    quiet++;
                    violation = world.DisagreementWhenQuiet();
                }

                if (violation is not null)
                {
                    return new Exploration(seen.Count, steps, quiet, $"{of.Name}: {violation} After {string.Join(", ", way)}.", traces);
                }

                if (enabled.Count == 0 && traces.Count < KeptTraces)
                {
                    traces.Add([.. world.Done]);
                }

                ways.Enqueue((way, enabled));
            }
        }

        return new Exploration(seen.Count, steps, quiet, null, traces);
    }
}
