using MetaRouter.Hosting;
using Microsoft.Extensions.Logging;
using global::Orleans.Clustering.Redis;

namespace MetaRouter.Orleans.Snapshots;

/// <summary>
/// Notices that Redis was emptied, or an older copy of it restored, under a running cluster. The secrets are put back (<see cref="SiloSecrets.CheckAsync"/>), so that users and receipts
/// stay what they are for silos that start later; this silo's place in the membership is not: a person must restart it.
/// </summary>
internal sealed partial class LossWatch(SiloSecrets secrets, IMembershipTable membership, ISiloStatusOracle silo, RouterMetrics metrics, ILogger<LossWatch> logger)
{
    private volatile string _problem = "";

    /// <summary>Why silos and clients that start from now on cannot use this silo; empty: they can.</summary>
    public string Problem => _problem;

    /// <exception cref="RouterStoreException">Redis cannot be reached.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var problem = !await secrets.CheckAsync().ConfigureAwait(false)
            ? "Redis has another cluster's secrets: it was emptied or replaced, and a silo or gateway was started over it before this one noticed. "
                + "Users and receipts of this silo mean nothing there; restart it."
            : silo.CurrentStatus == SiloStatus.Active && !await IsMemberAsync(cancellationToken).ConfigureAwait(false)
            ? "The cluster's membership in Redis no longer has this silo: Redis was emptied, or an older copy was restored. "
                + "Silos and gateways that start from now on do not find this silo; restart the silos one after the other."
            : "";
        if (problem.Length > 0 && problem != _problem)
        {
            metrics.StoreLosses.Add(1);
            LogLost(problem);
        }

        _problem = problem;
    }

    private async Task<bool> IsMemberAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await membership.ReadRowAsync(silo.SiloAddress, cancellationToken).ConfigureAwait(false)).Members.Count > 0;
        }
        catch (RedisClusteringException)
        {
            return false; // there is no membership at all
        }
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "{Problem} What is known of users is what Redis has now; restore a backup if there is one, and find out who emptied it.")]
    private partial void LogLost(string problem);
}
