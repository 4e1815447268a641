using global::Orleans.Runtime.Services;
using global::Orleans.Services;

namespace MetaRouter.Orleans.Snapshots;

/// <summary>Calls the <see cref="SnapshotService"/> of every silo.</summary>
internal interface ISnapshotPush : IGrainServiceClient<ISnapshotService>
{
    /// <summary>To every active silo; those it does not reach pull.</summary>
    Task PushAllAsync(PublishedPrior published);

    /// <summary>Has every active silo send its reports to the partitions at once; what a silo cannot send waits there as usual.</summary>
    Task FlushAllAsync();
}

internal sealed class SnapshotPush(IServiceProvider services, IClusterMembershipService membership) : GrainServiceClient<ISnapshotService>(services), ISnapshotPush
{
    public Task PushAllAsync(PublishedPrior published) => AllAsync(s => s.PushAsync(published));

    public Task FlushAllAsync() => AllAsync(s => s.FlushAsync());

    private Task AllAsync(Func<ISnapshotService, Task> call) =>
        Task.WhenAll(membership.CurrentSnapshot.Members.Values.Where(m => m.Status == SiloStatus.Active)
            .Select(async m => await call(GetGrainService(m.SiloAddress)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing)));
}
