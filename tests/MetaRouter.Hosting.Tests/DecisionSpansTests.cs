using System.Diagnostics;
using MetaRouter.Core.Routing;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Hosting.Tests;

public sealed class DecisionSpansTests
{
    [Fact]
    public void Begin_NobodyListens_AllocatesNothing()
    {
        DecisionSpans.Begin().ShouldBeNull();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            using var spans = DecisionSpans.Begin();
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    [Fact]
    public async Task Route_Unsampled_HasNoSpans_AndSampled_HasEveryStepOnce()
    {
        await using var hosting = new HostingFixture(_ => new MemoryUserStore(), _ => Task.FromResult(0), TimeProvider.System);
        var router = await hosting.StartAsync();
        using var root = new ActivitySource("test of decision spans");
        var ended = new List<(string Name, ActivitySpanId Parent)>();
        var result = ActivitySamplingResult.PropagationData;
        var mine = ActivityTraceId.CreateRandom();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source == root || source.Name == SourceNames.Router,
            Sample = (ref ActivityCreationOptions<ActivityContext> o) => o.Parent.TraceId == mine ? result : ActivitySamplingResult.None,
            ActivityStopped = activity => ended.Add((activity.OperationName, activity.ParentSpanId)),
        };
        ActivitySource.AddActivityListener(listener);

        result = ActivitySamplingResult.None;
        Begin()?.Dispose();
        await router.RouteAsync("tenant", "user", new RouteRequest("?"));
        ended.ShouldBeEmpty();

        result = ActivitySamplingResult.AllData;
        ActivitySpanId edge;
        using (var begun = Begin()!)
        {
            edge = begun.SpanId;
            await router.RouteAsync("tenant", "user", new RouteRequest("?"));
            Activity.Current.ShouldBe(begun);
        }

        ended.Where(e => e.Parent == edge).Select(e => e.Name).ShouldBe([SpanNames.Belief, SpanNames.Encode, SpanNames.Predict, SpanNames.Decide]);

        Activity? Begin() => root.StartActivity("edge", ActivityKind.Server, new ActivityContext(mine, ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded));
    }
}
