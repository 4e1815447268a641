using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using global::Orleans.Configuration;

namespace MetaRouter.Orleans.Client;

/// <summary>Waits for a cluster that is starting or changing, and logs once what it waits for, for clients that were started first or with other settings.</summary>
internal sealed partial class SiloWait(MetaRouterClusterOptions cluster, IOptions<ClusterOptions> ids, ILogger<SiloWait> logger) : IClientConnectionRetryFilter
{
    private bool _isLogged;

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        if (!_isLogged)
        {
            _isLogged = true;
            LogWaiting(ids.Value.ClusterId, RedisAddress.Shown(cluster.Redis));
        }

        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken).ConfigureAwait(false);
        return true;
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "No silo of the cluster '{Cluster}' answers yet, by the Redis '{Redis}'; waiting for one. Start a silo with the same MetaRouter:Cluster:Redis and ClusterId.")]
    private partial void LogWaiting(string cluster, string redis);
}
