using System.Collections.Concurrent;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Traffic;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>Records what the endpoints do, for the console to show. When off, nothing is kept, and each note costs one comparison.</summary>
internal sealed class ConsoleRecorder(GatewaySettings settings, PoolHolder pool, RouterSecrets secrets, RoutingPolicy policy, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, TenantTraffic> _tenants = new();
    private readonly long _begunMs = time.GetUtcNow().ToUnixTimeMilliseconds();
    private int _numbers;

    public Journal Journal { get; } = new(settings.Gateway.ConsoleDecisions, settings.Gateway.ConsoleMegabytes * 1_000_000L);

    public FeedbackJournal Feedback { get; } = new((settings.Gateway.ConsoleDecisions + 3) / 4); // few decisions get feedback

    public ModelNumbers ModelNumbers { get; } = new();

    public bool IsOn => Journal.IsOn;

    /// <summary>Tenants come from the configured keys, so there are no more of them than keys.</summary>
    public TenantTraffic Of(string tenant) => _tenants.GetOrAdd(tenant, static (name, me) => me.Meet(name), this);

    /// <summary>A decision whose model is called elsewhere.</summary>
    public void Decided(string tenant, RouteDecision decision)
    {
        if (IsOn)
        {
            Note(tenant, decision, decision.Model, null, 0, double.NaN, decision.OfferedIndex, null);
        }
    }

    /// <summary>A decision and what became of it here.</summary>
    /// <param name="served">Null model: nobody answered.</param>
    /// <param name="secondUsd">The part of its cost that the offered model's answer took; null: that model did not answer.</param>
    /// <param name="asked">Who was to answer, where the decision was only noted; null: the chosen model.</param>
    public void Called(string tenant, RouteDecision decision, ServedCall served, int status, double? secondUsd, ModelId? asked = null)
    {
        if (IsOn)
        {
            Note(tenant, decision, asked ?? decision.Model, served, status, served.LatencySeconds * 1000, secondUsd is null ? null : decision.OfferedIndex, secondUsd);
        }
    }

    /// <summary>A call for which no decision was taken.</summary>
    /// <param name="isAuto">True: routing was off. False: the model was asked for by name.</param>
    public void Unrouted(string tenant, string? user, ModelId model, bool isAuto, ServedCall served, int status)
    {
        if (!IsOn)
        {
            return;
        }

        var to = Of(tenant);
        var number = ModelNumbers[model];
        var record = new JournalRecord
        {
            TimeMs = time.GetUtcNow().ToUnixTimeMilliseconds(),
            Nonce = (uint)System.Security.Cryptography.RandomNumberGenerator.GetInt32(1 << 24),
            User = user is null ? 0 : secrets.HashOf(tenant, user),
            Tenant = to.Number,
            Snapshot = pool.Current.Snapshot.Version,
            LambdaCost = double.NaN,
            CostScaleUsd = double.NaN,
            CostUsd = served.CostUsd ?? double.NaN,
            LatencyMs = (float)(served.LatencySeconds * 1000),
            Model = number,
            Served = served.Model is null ? -1 : number,
            Chosen = -1,
            Offered = -1,
            Status = (ushort)status,
            Reason = isAuto ? JournalReason.Off : JournalReason.Requested,
        };
        Journal.Add(ref record, [], record.TimeMs - (long)record.LatencyMs);
        to.Add(
            record.TimeMs, record.TimeMs,
            new TrafficCall { Asked = number, Served = record.Served, Offered = -1, Strongest = -1, SpentUsd = record.CostUsd, LatencyMs = record.LatencyMs, IsError = IsError(status) });
    }

    /// <summary>What a user said, once the router has taken it.</summary>
    public void FeedbackGiven(string tenant, string user, Feedback feedback, FeedbackResult result)
    {
        if (!IsOn || !result.Receipt.IsValid || result.IsErased)
        {
            return;
        }

        var (to, hash, now) = (Of(tenant), secrets.HashOf(tenant, user), time.GetUtcNow().ToUnixTimeMilliseconds());
        if ((result.About ?? Opened()) is { } about)
        {
            Feedback.Add(new(to.Number, hash, about.DecisionTimeMs, about.Nonce, feedback.Kind, feedback.Value, feedback.Withdrawn, result.Counted, now));
        }

        // On a cluster a silo opened it.
        SignalKey? Opened() => policy.Sealer.Open(feedback.Receipt, to.Hash, hash, now, out var receipt).IsValid ? new SignalKey(receipt.DecisionTimeMs, receipt.Nonce, feedback.Kind) : null;
    }

    /// <summary>An erased user's decisions lose their user, those under way too.</summary>
    public void Forget(string tenant, string user)
    {
        if (IsOn)
        {
            var (to, hash, now) = (Of(tenant), secrets.HashOf(tenant, user), time.GetUtcNow().ToUnixTimeMilliseconds());
            Journal.Forget(to.Number, hash, now);
            Feedback.Forget(to.Number, hash, now);
        }
    }

    /// <summary>Called when another gateway of the store erased the user.</summary>
    public void Forget(UserKey user, long erasedAtMs)
    {
        // Nothing here is older than this process, so the many erasures before its start can be skipped.
        if (IsOn && erasedAtMs >= _begunMs - (long)policy.Sealer.ClockSkew.TotalMilliseconds && _tenants.Values.FirstOrDefault(t => t.Hash == user.Tenant) is { } to)
        {
            Journal.Forget(to.Number, user.User, erasedAtMs);
            Feedback.Forget(to.Number, user.User, erasedAtMs);
        }
    }

    private TenantTraffic Meet(string tenant) => new(Interlocked.Increment(ref _numbers), secrets.HashOf(tenant));

    /// <summary>It is not the model's failure if the client left, or if the request is malformed, too long or refused for its content.</summary>
    private static bool IsError(int status) => status is not (StatusCodes.Status200OK or StatusCodes.Status499ClientClosedRequest
        or StatusCodes.Status400BadRequest or StatusCodes.Status403Forbidden or StatusCodes.Status413PayloadTooLarge or StatusCodes.Status422UnprocessableEntity);

    private void Note(string tenant, RouteDecision decision, ModelId asked, ServedCall? served, int status, double latencyMs, int? offered, double? secondUsd)
    {
        var to = Of(tenant);
        var receipt = decision.Receipt;
        var current = pool.Current;
        Span<JournalCandidate> candidates = stackalloc JournalCandidate[decision.Candidates.Count];
        Span<int> models = stackalloc int[candidates.Length];
        Span<Outcome> outcomes = stackalloc Outcome[candidates.Length];
        for (var i = 0; i < candidates.Length; i++)
        {
            var one = decision.Candidates[i];
            (models[i], outcomes[i]) = (ModelNumbers[one.Model], one.Predicted);
            candidates[i] = new()
            {
                Predicted = one.Predicted,
                Utility = one.Utility,
                Propensity = one.Propensity,
                Model = (ushort)models[i],
                Exclusion = one.Exclusion,
                QualityDeviation = current.QualityDeviation(one),
            };
        }

        var answered = served is null ? models[decision.ChosenIndex] : served.Model is { } model ? ModelNumbers[model] : -1;
        var record = new JournalRecord
        {
            TimeMs = receipt.DecisionTimeMs,
            Nonce = receipt.Nonce,
            User = receipt.UserHash,
            Tenant = to.Number,
            Snapshot = decision.SnapshotVersion,
            LambdaCost = decision.LambdaCost,
            LambdaLatency = (Half)Math.Min(decision.LambdaLatency, (double)Half.MaxValue),
            CostScaleUsd = current.CostScaleUsd,
            CostUsd = served?.CostUsd ?? double.NaN,
            LatencyMs = (float)latencyMs,
            Model = models[decision.ChosenIndex],
            Served = served is null ? -1 : answered,
            Chosen = (short)decision.ChosenIndex,
            Offered = (short)(decision.OfferedIndex ?? -1),
            Status = (ushort)status,
            Reason = served is { IsFailOver: true } ? JournalReason.FailOver : (JournalReason)(byte)decision.Reason,
            IsCompared = offered is not null,
        };
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        Journal.Add(ref record, candidates, served is null ? record.TimeMs : Math.Min(record.TimeMs, now - (long)latencyMs)); // a silo's clock may be ahead
        to.Add(record.TimeMs, now, new TrafficCall
        {
            Models = models,
            Outcomes = outcomes,
            LambdaCost = decision.LambdaCost,
            CostScaleUsd = current.CostScaleUsd,
            Asked = ModelNumbers[asked],
            Served = answered,
            Offered = offered is { } second ? models[second] : -1,
            Strongest = ModelNumbers[settings.Strongest(current.Catalog).Id],
            SpentUsd = record.CostUsd,
            SecondUsd = secondUsd,
            LatencyMs = latencyMs,
            IsError = served is not null && IsError(status),
            IsFailOver = served is { IsFailOver: true },
        });
    }
}
