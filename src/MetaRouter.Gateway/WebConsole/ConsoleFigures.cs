using System.Collections.Concurrent;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Traffic;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Router;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>One tenant's traffic in figures. Figures that need a pass over the journal are kept for a moment, since every open page asks for them.</summary>
internal sealed class ConsoleFigures(
    ConsoleRecorder recorder,
    ConsoleNames names,
    PoolHolder pool,
    Upstreams upstreams,
    ILearning learning,
    ModeKeeper mode,
    ModelAccess access,
    GatewaySettings settings,
    TimeProvider time)
{
    private const long Fresh = 1000, Lasting = 5000; // milliseconds
    private const int MostKept = 1000;

    private readonly ConcurrentDictionary<(int Tenant, string What, int Span), Kept> _kept = new();

    public OverviewView Overview(string tenant, int minutes) => For(tenant, "overview", minutes, Fresh, to =>
    {
        var (now, catalog) = (Now(), pool.Current.Catalog);
        var (since, seconds, buckets) = to.Last(minutes, now);
        var all = Sum(buckets);
        var shares = all.Models().ToDictionary(m => recorder.ModelNumbers[m.Model]);
        var single = all.BestSingle(number => MayAnswer(tenant, number)) is { } best ? Saving(all, recorder.ModelNumbers[best.Model], best.Usd, all.SavedAgainst(best.Model)) : null;
        var quality = all.QualityInterval() is { } interval ? new QualityView(interval.Value, interval.Low, interval.High, QualityView.Stated) : null;
        var answered = shares.Values.Sum(m => m.Requests);
        var listed = catalog.Models.Select(m => m.Id.Value).Concat(shares.Where(m => m.Value.Requests > 0 || m.Value.SpentUsd > 0).Select(m => m.Key)).Distinct().ToArray();
        return new OverviewView(
            ConsoleRows.Time(now), ConsoleRows.Time(since), seconds,
            new(
                all.Requests, all.Errors, all.FailOvers, all.SpentUsd, all.PredictedUsd,
                all.ComparisonsUsd, AgainstStrongest(all), single, quality,
                LatencyOf(all), Active(tenant, minutes, since)),
            [.. buckets.Select((b, i) => new BucketView(
                ConsoleRows.Time(since + (i * seconds * 1000L)), b.Requests, b.Errors, b.SpentUsd, b.StrongestUsd, b.Quality, b.Latency.Quantile(0.5), b.Latency.Quantile(0.99),
                b.Models().Where(m => m.Requests > 0).ToDictionary(m => recorder.ModelNumbers[m.Model], m => m.Requests)))],
            [.. listed.Select(name =>
            {
                var use = shares.GetValueOrDefault(name); // a model that only gave second answers served no request, but was paid all the same
                return new ModelUseView(
                    name, use.Requests, answered > 0 ? (double)use.Requests / answered : 0, use.SpentUsd, use.Quality,
                    use.P50Ms, upstreams.CircuitOf(new(name)), catalog.TryFind(new(name), out var at) && catalog.Models[at].Enabled);
            }).OrderByDescending(m => m.Requests)],
            Serving(), mode.Mode);
    });

    /// <summary>A tenant's traffic in a line.</summary>
    public TenantLineView Tenant(string tenant, int minutes) => For(tenant, "tenant", minutes, Fresh, to =>
    {
        var all = Sum(to.Last(minutes, Now()).Buckets);
        return new TenantLineView(tenant, all.Requests, all.Errors, all.SpentUsd, AgainstStrongest(all), all.Quality, LatencyOf(all), Budget: null);
    });

    /// <summary>The most active users that the journal knows.</summary>
    public UsersView Users(string tenant, int limit) => For(tenant, "users", limit, Fresh, to =>
    {
        var users = new Dictionary<ulong, UserTally>();
        foreach (var entry in recorder.Journal.NewestFirst(to.Number))
        {
            ref readonly var r = ref entry.Record;
            if (r.User == 0)
            {
                continue;
            }

            if (!users.TryGetValue(r.User, out var user))
            {
                users[r.User] = user = new UserTally { LastMs = r.TimeMs };
            }

            user.Requests++;
            user.SpentUsd += entry.CostUsd ?? 0;
            var model = r.Served < 0 ? r.Model : r.Served;
            user.Models[model] = user.Models.GetValueOrDefault(model) + 1;
        }

        var signals = recorder.Feedback.CountByUser(to.Number);
        return new UsersView([.. users.OrderByDescending(u => u.Value.Requests).ThenByDescending(u => u.Value.LastMs).Take(limit).Select(u => new UserLineView(
            ConsoleNames.Pseudonym(u.Key)!, names.NameOf(u.Key), u.Value.Requests, u.Value.SpentUsd,
            recorder.ModelNumbers[u.Value.Models.MaxBy(m => m.Value).Key], signals.GetValueOrDefault(u.Key), ConsoleRows.Time(u.Value.LastMs)))]);
    });

    /// <summary>Where the traffic sits, where each model alone would, and where it would be at another trade-off.</summary>
    public FrontView Front(string tenant, int hours) => For(tenant, "front", hours, Lasting, to =>
    {
        var (since, front) = (Now() - (hours * 3_600_000L), new TrafficFront());
        int[] models = [];
        RankedModel[] ranked = [];
        foreach (var entry in recorder.Journal.NewestFirst(to.Number))
        {
            ref readonly var r = ref entry.Record;
            if (r.TimeMs < since || r.Chosen < 0)
            {
                continue;
            }

            var candidates = entry.Candidates;
            if (models.Length != candidates.Length)
            {
                (models, ranked) = (new int[candidates.Length], new RankedModel[candidates.Length]);
            }

            for (var i = 0; i < candidates.Length; i++)
            {
                var one = candidates[i];
                (models[i], ranked[i]) = (one.Model, new(default, one.Predicted, one.Utility, one.Propensity, one.Exclusion));
            }

            if (Array.IndexOf(models, r.Status == 0 ? r.Model : r.Served) is >= 0 and var served) // else nobody answered
            {
                front.Add(models, ranked, new(r.LambdaCost, (double)r.LambdaLatency), r.CostScaleUsd, served, r.IsCompared ? r.Offered : -1, r.CostUsd);
            }
        }

        var all = front.Traffic;
        return new FrontView(
            all.Decided,
            [.. all.Models()
                .Where(m => m.AloneQuality is not null && (m.Requests > 0 || MayAnswer(tenant, m.Model)))
                .Select(m => new FrontModelView(recorder.ModelNumbers[m.Model], m.AloneQuality, m.AloneUsd, (double)m.Requests / all.Decided))],
            all.Quality is { } quality ? new(quality, all.SpentUsd / all.Decided, front.LambdaCost) : null,
            [.. front.Dial.Points().Select(p => new DialView(p.LambdaCost, p.Quality, p.CostUsd, p.Shares.ToDictionary(s => recorder.ModelNumbers[s.Model], s => s.Share)))],
            pool.Current.ReportedScaleUsd);
    });

    /// <summary>What each model did in the last day.</summary>
    public IReadOnlyDictionary<string, ModelShare> ModelsOfDay(string tenant) =>
        For(tenant, "models", 0, Fresh, to => Sum(to.Last(TenantTraffic.LongestMinutes, Now()).Buckets).Models().ToDictionary(m => recorder.ModelNumbers[m.Model]));

    /// <summary>The snapshot in service; for one loaded at the start it is not known since when.</summary>
    public ServingView Serving()
    {
        var (version, serving) = (pool.Current.Snapshot.Version, learning.Serving);
        return serving.Version != version ? new(ApiNames.Snapshot(version), null, null, null, false)
            : new(ApiNames.Snapshot(version), serving.Since?.UtcDateTime, serving.Since is { } since ? (time.GetUtcNow() - since).TotalSeconds : null, serving.Users, serving.IsHeld);
    }

    private SavingView? AgainstStrongest(TrafficTally all) =>
        all.Decided == 0 ? null : Saving(all, settings.Strongest(pool.Current.Catalog).Id.Value, all.StrongestUsd, all.SavedAgainstStrongest());

    private SavingView Saving(TrafficTally all, string model, double usd, (double Low, double High)? saved) =>
        new(model, usd, usd > 0 ? 1 - (all.SpentUsd / usd) : null, all.Models().FirstOrDefault(m => recorder.ModelNumbers[m.Model] == model).AloneQuality, saved?.Low, saved?.High);

    private static LatencyView LatencyOf(TrafficTally all) => new(all.Latency.Quantile(0.5), all.Latency.Quantile(0.99));

    private static TrafficTally Sum(TrafficTally[] buckets)
    {
        var all = new TrafficTally();
        foreach (var bucket in buckets)
        {
            all.Add(bucket);
        }

        return all;
    }

    /// <summary>Whether the tenant's requests could go to this model at all. On a cluster silos predict for all gateways, also models that this one does not route to.</summary>
    private bool MayAnswer(string tenant, int number)
    {
        var (model, catalog) = (new ModelId(recorder.ModelNumbers[number]), pool.Current.Catalog);
        return catalog.TryFind(model, out var at) && catalog.Models[at].Enabled && access.Allows(tenant, null, model);
    }

    private int Active(string tenant, int minutes, long since) => (int)For<object>(
        tenant, "active", minutes, Lasting, to => recorder.Journal.NewestFirst(to.Number).Where(e => e.Record.TimeMs >= since && e.Record.User != 0).Select(e => e.Record.User).Distinct().Count());

    private T For<T>(string tenant, string what, int span, long fresh, Func<TenantTraffic, T> make)
        where T : class
    {
        if (_kept.Count > MostKept)
        {
            _kept.Clear(); // callers choose the time spans, so there may be many
        }

        var to = recorder.Of(tenant);
        var kept = _kept.GetOrAdd((to.Number, what, span), static _ => new Kept());

        // Each figure has its own lock, so that a hundred open pages make one pass, and long passes do not hold up short ones.
        lock (kept)
        {
            if (kept.Figures is null || Environment.TickCount64 - kept.At >= fresh)
            {
                kept.Figures = make(to);
                kept.At = Environment.TickCount64;
            }

            return (T)kept.Figures;
        }
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();

    private sealed class Kept
    {
        public object? Figures { get; set; }

        public long At { get; set; }
    }

    private sealed class UserTally
    {
        public long Requests, LastMs;
        public double SpentUsd;

        public Dictionary<int, int> Models { get; } = [];
    }
}
