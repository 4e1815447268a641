using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using global::Orleans.Configuration;
using StackExchange.Redis;

namespace MetaRouter.Orleans.Client;

/// <summary>Waits for a cluster that is starting or changing, and logs once what it waits for, for clients that were started first, with other settings, or without a right in Redis.</summary>
internal sealed partial class SiloWait(MetaRouterClusterOptions cluster, IOptions<ClusterOptions> ids, ILogger<SiloWait> logger) : IClientConnectionRetryFilter
{
    private bool _isLogged, _isRefusalLogged;

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        if (exception.GetBaseException() is RedisServerException refusal)
        {
            if (!_isRefusalLogged)
            {
                _isRefusalLogged = true;
                LogRefused(RedisAddress.Shown(cluster.Redis), RedisFailure.Remedy(refusal), refusal.Message);
            }
        }
        else if (!_isLogged)
        {
            _isLogged = true;
            LogWaiting(ids.Value.ClusterId, RedisAddress.Shown(cluster.Redis));
        }

        await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken).ConfigureAwait(false);
        return true;
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "No silo of the cluster '{Cluster}' answers yet, by the Redis '{Redis}'; waiting for one. Start a silo with the same MetaRouter:Cluster:Redis and ClusterId, and a certificate of the same authority if it has one.")]
    private partial void LogWaiting(string cluster, string redis);

    [LoggerMessage(Level = LogLevel.Error, Message = "The Redis '{Redis}' does not tell which silos there are: {Remedy}; asked again every second. ({Reason})")]
    private partial void LogRefused(string redis, string remedy, string reason);
}
