using System.Diagnostics;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Telemetry;
using MetaRouter.Orleans.Snapshots;

namespace MetaRouter.Orleans;

/// <summary>What the grains of a silo share: the pool in service, the rules, the counters, and how many requests are in hand.</summary>
internal sealed class SiloRouter(
    IGrainFactory grains,
    PoolHolder pool,
    SiloSecrets secrets,
    MetaRouterOptions options,
    MetaRouterClusterOptions cluster,
    RouterClock clock,
    RouterMetrics metrics,
    DecisionLog log)
{
    private int _inHand;

    public PoolHolder Pool => pool;

    public RouterMetrics Metrics => metrics;

    /// <summary>This silo's workers.</summary>
    public IRouteInferenceGrain Workers { get; } = grains.GetGrain<IRouteInferenceGrain>(0);

    public RoutingPolicy Policy => field ??= options.BuildPolicy(secrets.Value);

    private HashSet<ulong> PrivateTenants => field ??= [.. options.PrivateTenants.Select(TenantOf)];

    /// <summary>The tenant keeps its users out of the shared prior.</summary>
    public bool IsPrivate(ulong tenant) => PrivateTenants.Contains(tenant);

    public long NowMs => clock.Time.GetUtcNow().ToUnixTimeMilliseconds();

    public UserKey KeyOf(string grainKey)
    {
        var (tenant, user) = UserRouterGrainExtensions.Parse(grainKey);
        return new UserKey(TenantOf(tenant), IdentityHash.Compute(secrets.Value.IdentitySecret, tenant, user));
    }

    public ulong TenantOf(string tenant) => secrets.Value.HashOf(tenant);

    /// <summary>Takes a request in hand; <see cref="Leave"/> gives it back.</summary>
    /// <exception cref="RouterBusyException">There are too many.</exception>
    public void Enter()
    {
        if (Interlocked.Increment(ref _inHand) > cluster.RequestsInHand)
        {
            Leave();
            metrics.Busy.Add(1);
            throw new RouterBusyException($"This silo has {cluster.RequestsInHand} requests in hand, its limit (RequestsInHand). Try again in a moment, or add silos.");
        }
    }

    public void Leave() => Interlocked.Decrement(ref _inHand);

    public DecisionMoment Moment(UserKey key, long erasedAtMs) => DecisionMoment.Of(key.Tenant, key.User, NowMs, erasedAtMs, Chance.Take(DecisionMoment.ChanceBytes));

    public RouteDecision Decide(UserModel user, RouteRequest request, in DecisionMoment moment)
    {
        var started = Stopwatch.GetTimestamp();
        using var spans = DecisionSpans.Begin();
        var decision = user.Decide(request, Policy, moment, EncodingScratch.OfThread, spans is null ? null : spans.Enter);
        metrics.Decided(decision, Stopwatch.GetElapsedTime(started));
        log.Offer(decision, isPending: request.IsToBeServed); // a decision that its caller asked for again is logged twice: both were drawn, and feedback names the one that arrived
        return decision;
    }

    /// <summary>Logs what a user said about a decision.</summary>
    public void LogFeedback(in Receipt receipt, Feedback feedback) => log.Offer(receipt, feedback);
}
