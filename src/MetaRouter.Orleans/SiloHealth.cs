using MetaRouter.Orleans.Snapshots;

namespace MetaRouter.Orleans;

/// <summary>Whether this silo should be sent requests.</summary>
public sealed class SiloHealth
{
    private readonly ISiloStatusOracle _silo;
    private readonly PriorStore _priors;
    private readonly LossWatch _loss;
    private readonly MetaRouterClusterOptions _options;

    internal SiloHealth(ISiloStatusOracle silo, PriorStore priors, LossWatch loss, MetaRouterClusterOptions options) => (_silo, _priors, _loss, _options) = (silo, priors, loss, options);

    /// <summary>Looked at now.</summary>
    public SiloHealthReport Look()
    {
        var status = _silo.CurrentStatus;
        var staleness = _priors.Staleness;
        var problem = status != SiloStatus.Active ? $"The silo is {status}; it takes requests when it is Active."
            : staleness.TotalSeconds > (3 * _options.SnapshotSeconds) + 10 ? $"The prior has not been confirmed for {staleness.TotalSeconds:0} s; check that Redis is reachable."
            : _loss.Problem;
        return new SiloHealthReport(problem.Length == 0, problem, status.ToString(), _silo.GetActiveSilos().Length, _priors.Version, staleness.TotalSeconds);
    }
}

/// <param name="Ready">Send requests.</param>
/// <param name="Problem">Why not; empty when ready.</param>
/// <param name="Status">The silo's place in the cluster's membership.</param>
/// <param name="ActiveSilos">How many silos this one sees active.</param>
/// <param name="PriorVersion">The published prior in service; 0: the snapshot's own.</param>
/// <param name="StalenessSeconds">Since it was last known to be the latest.</param>
public sealed record SiloHealthReport(bool Ready, string Problem, string Status, int ActiveSilos, long PriorVersion, double StalenessSeconds);
