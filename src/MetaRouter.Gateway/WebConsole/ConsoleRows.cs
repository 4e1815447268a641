using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Router;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>Entries of the journal as the API shows them.</summary>
internal sealed class ConsoleRows(ConsoleRecorder recorder, ConsoleNames names, PoolHolder pool)
{
    public RowView Row(in JournalEntry entry)
    {
        ref readonly var r = ref entry.Record;
        var candidates = entry.Candidates;
        var decided = r.Chosen >= 0 ? candidates[r.Chosen] : default;
        var isDecided = r.Chosen >= 0;
        return new(
            entry.Id, Time(r.TimeMs), ConsoleNames.Pseudonym(r.User), names.NameOf(r.User),
            recorder.ModelNumbers[r.Model], ConsoleNames.Of(r.Reason), isDecided ? decided.Propensity : null, Known(r.LambdaCost),
            isDecided ? decided.Predicted.Quality : null, entry.CostUsd, r.Served < 0 ? null : recorder.ModelNumbers[r.Served],
            r.Status == 0 ? null : r.Status, Known(r.LatencyMs), recorder.Feedback.Of(r.Tenant, r.TimeMs, r.Nonce).Count(s => s.Counted));
    }

    public DecisionView Decision(in JournalEntry entry)
    {
        ref readonly var r = ref entry.Record;
        var candidates = entry.Candidates;
        var (chosen, offered) = (r.Chosen, r.Offered);
        var shown = new List<CandidateView>(candidates.Length);
        for (var i = 0; i < candidates.Length; i++)
        {
            ref readonly var one = ref candidates[i];
            var name = recorder.ModelNumbers[one.Model];
            if (one.Exclusion == ModelExclusion.NotAllowed && !pool.Current.Catalog.TryFind(new ModelId(name), out _))
            {
                continue; // a silo predicts all of its models, and this gateway has fewer
            }

            shown.Add(new(
                name, one.Predicted.Quality, Digits(one.QualityDeviation), one.Predicted.CostUsd, Latency(one.Predicted), one.Exclusion == ModelExclusion.None ? one.Utility : null, one.Propensity,
                one.Exclusion == ModelExclusion.None ? null : ApiNames.Of(one.Exclusion), i == chosen, i == offered));
        }

        var said = recorder.Feedback.Of(r.Tenant, r.TimeMs, r.Nonce)
            .Select(s => new FeedbackView(Time(s.AtMs), ApiNames.Of(s.Kind), ConsoleNames.Of(s.Kind, s.Value, s.Withdrawn), s.Counted))
            .ToArray();
        return new(Row(entry), chosen < 0 ? null : Explanation.Of(Restored(entry)), ApiNames.Snapshot(r.Snapshot), Known(r.CostScaleUsd), [.. shown], said);
    }

    public static DateTime Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).UtcDateTime;

    /// <summary>Null: nothing is known of latency.</summary>
    public static double? Latency(in Outcome outcome) => outcome.LatencySeconds > 0 ? outcome.LatencySeconds * 1000.0 : null;

    /// <summary>Three digits: more than a deviation can tell.</summary>
    public static double Digits(float deviation) => Math.Round(deviation, 3);

    private static double? Known(double value) => double.IsFinite(value) ? value : null;

    /// <summary>The decision as it was taken, so that its explanation is that of then.</summary>
    private RouteDecision Restored(in JournalEntry entry)
    {
        ref readonly var r = ref entry.Record;
        var ranked = new RankedModel[r.Candidates];
        for (var i = 0; i < ranked.Length; i++)
        {
            ref readonly var one = ref entry.Candidates[i];
            ranked[i] = new(new ModelId(recorder.ModelNumbers[one.Model]), one.Predicted, one.Utility, one.Propensity, one.Exclusion);
        }

        var reason = r.Reason <= JournalReason.OnlyAllowed ? (DecisionReason)(byte)r.Reason : DecisionReason.BestForUser;
        var receipt = new Receipt
        {
            TenantHash = 0, UserHash = 0, DecisionTimeMs = r.TimeMs, Nonce = r.Nonce, ChosenModel = 0, Propensity = ranked[r.Chosen].Propensity, First = ranked[r.Chosen].Predicted, Middle = default,
        };
        return RouteDecision.Restore(ranked, r.Chosen, r.Offered < 0 ? null : r.Offered, reason, new(r.LambdaCost, (double)r.LambdaLatency), r.CostScaleUsd, receipt, "");
    }
}
