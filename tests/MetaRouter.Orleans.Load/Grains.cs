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

    /// <summary>Microseconds of processor this silo has used.</summary>
    [Alias("cpu")]
    ValueTask<double> ProcessorAsync();

    /// <summary>Bytes this silo's heap holds after a collection.</summary>
    [Alias("memory"), ResponseTimeout("00:02:00")]
    ValueTask<long> MemoryAsync();
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

    public ValueTask<double> ProcessorAsync() => new(Environment.CpuUsage.TotalTime.TotalMicroseconds);

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
