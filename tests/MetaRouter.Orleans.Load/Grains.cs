using MetaRouter.Core.Routing;
using MetaRouter.Orleans.Storage;
using Orleans.Concurrency;
using Orleans.Storage;

namespace MetaRouter.Orleans.Load;

/// <summary>The ceilings: the least that a call, and a durable call, can cost.</summary>
[Alias("load.trivial")]
public interface ITrivialGrain : IGrainWithStringKey
{
    [Alias("ping")]
    ValueTask<int> PingAsync(int n);

    /// <summary>An etag-checked write of so many bytes through the provider users live in.</summary>
    [Alias("write")]
    ValueTask WriteAsync(int bytes);

    /// <summary>The call of <see cref="IUserRouterGrain.RouteAsync"/> with nothing encoded, predicted or decided: the same request in, a prepared decision out, by way of a worker.</summary>
    [Alias("route"), AlwaysInterleave]
    ValueTask<RouteDecision> RouteAsync(RouteRequest request);

    /// <summary>What this silo has used since it started.</summary>
    [Alias("used")]
    ValueTask<Used> UsedAsync();

    /// <summary>Bytes this silo's heap holds after a collection.</summary>
    [Alias("memory"), ResponseTimeout("00:02:00")]
    ValueTask<long> MemoryAsync();
}

/// <param name="ProcessorUs">Microseconds of processor.</param>
/// <param name="Bytes">Allocated, dead or alive.</param>
/// <param name="PausedUs">Microseconds that collections stopped everything for.</param>
/// <param name="Collections">Of every generation.</param>
/// <param name="Full">Of them those of all generations.</param>
[GenerateSerializer, Immutable, Alias("load.used")]
public readonly record struct Used(
    [property: Id(0)] double ProcessorUs, [property: Id(1)] long Bytes, [property: Id(2)] double PausedUs, [property: Id(3)] int Collections, [property: Id(4)] int Full)
{
    public static Used Here => new(Environment.CpuUsage.TotalTime.TotalMicroseconds, GC.GetTotalAllocatedBytes(), GC.GetTotalPauseDuration().TotalMicroseconds, GC.CollectionCount(0), GC.CollectionCount(2));

    public static Used operator -(Used later, Used earlier) => new(
        later.ProcessorUs - earlier.ProcessorUs, later.Bytes - earlier.Bytes, later.PausedUs - earlier.PausedUs, later.Collections - earlier.Collections, later.Full - earlier.Full);
}

[Alias("load.worker")]
internal interface ITrivialWorker : IGrainWithIntegerKey
{
    [Alias("decide")]
    ValueTask<RouteDecision> DecideAsync(UserAtHand user, RouteRequest request, DecisionMoment moment);
}

internal sealed class TrivialGrain([Microsoft.Extensions.DependencyInjection.FromKeyedServices(RecordStore.Provider)] IGrainStorage storage, SiloRouter router) : Grain, ITrivialGrain
{
    private readonly GrainState<StoredBytes> _state = new(new StoredBytes());

    public ValueTask<int> PingAsync(int n) => new(n);

    public async ValueTask WriteAsync(int bytes)
    {
        _state.State = new StoredBytes { Value = new byte[bytes] };
        await storage.WriteStateAsync("load", this.GetGrainId(), _state);
    }

    public ValueTask<RouteDecision> RouteAsync(RouteRequest request) =>
        GrainFactory.GetGrain<ITrivialWorker>(0).DecideAsync(new UserAtHand(router.Pool.Newcomer), request, router.Moment(default, 0));

    public ValueTask<Used> UsedAsync() => new(Used.Here);

    public ValueTask<long> MemoryAsync()
    {
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        return new(GC.GetTotalMemory(forceFullCollection: true));
    }
}

[StatelessWorker]
internal sealed class TrivialWorker(SiloRouter router) : Grain, ITrivialWorker
{
    private static volatile RouteDecision? s_prepared;

    public ValueTask<RouteDecision> DecideAsync(UserAtHand user, RouteRequest request, DecisionMoment moment) => new(s_prepared ??= router.Decide(user.On(router.Pool.Current), request, moment));
}
