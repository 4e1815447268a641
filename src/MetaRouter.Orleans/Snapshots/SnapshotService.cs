using MetaRouter.Orleans.Learning;
using Microsoft.Extensions.Logging;
using global::Orleans.Services;

namespace MetaRouter.Orleans.Snapshots;

/// <summary>On every silo: takes the priors that the meta-learner pushes, and sends waiting reports when asked to.</summary>
[Alias("metarouter.snapshots")]
internal interface ISnapshotService : IGrainService
{
    [Alias("push"), ResponseTimeout("00:00:05")]
    Task PushAsync(PublishedPrior published);

    [Alias("flush")]
    Task FlushAsync();
}

internal sealed class SnapshotService(GrainId id, Silo silo, ILoggerFactory loggers, PriorStore priors, CohortReporter reporter) : GrainService(id, silo, loggers), ISnapshotService
{
    public Task FlushAsync() => reporter.FlushAsync();

    public Task PushAsync(PublishedPrior published)
    {
        priors.Take(published);
        return Task.CompletedTask;
    }
}
