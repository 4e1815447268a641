using System.Diagnostics.Metrics;
using MetaRouter.Core.Routing;

namespace MetaRouter.Hosting;

/// <summary>What the router counts. A user is never a label.</summary>
public sealed class RouterMetrics : IDisposable
{
    public const string MeterName = "MetaRouter";

    private static readonly string[] ReasonNames = Enum.GetNames<DecisionReason>();

    private readonly Meter _meter = new(MeterName);

    public RouterMetrics()
    {
        Decisions = _meter.CreateCounter<long>("metarouter.decisions", "{decision}", "Decisions by model and reason.");
        DecisionSeconds = _meter.CreateHistogram<double>("metarouter.decision.duration", "s", "Time to decide, the belief's loading included.");
        Feedback = _meter.CreateCounter<long>("metarouter.feedback", "{signal}", "Feedback by kind and what became of it.");
        FeedbackSeconds = _meter.CreateHistogram<double>("metarouter.feedback.duration", "s", "Time until feedback is durable.");
        Conflicts = _meter.CreateCounter<long>("metarouter.store.conflicts", "{conflict}", "Writes that found a newer record and were done again.");
        Quarantined = _meter.CreateCounter<long>("metarouter.store.quarantined", "{record}", "Records that could not be read and were set aside.");
        StoreLosses = _meter.CreateCounter<long>("metarouter.store.losses", "{loss}", "Times the shared store was found emptied or replaced.");
        Fallbacks = _meter.CreateCounter<long>("metarouter.store.fallbacks", "{decision}", "Decisions by the population's policy because the store could not be read.");
        Busy = _meter.CreateCounter<long>("metarouter.busy", "{request}", "Requests refused at once because too many were in hand.");
        DroppedLogEntries = _meter.CreateCounter<long>("metarouter.decision_log.dropped", "{decision}", "Decisions not logged because the log could not keep up.");
        Refreshes = _meter.CreateCounter<long>("metarouter.refreshes", "{refresh}", "Refreshes of the prior by result.");
    }

    public Counter<long> Decisions { get; }

    public Histogram<double> DecisionSeconds { get; }

    public Counter<long> Feedback { get; }

    public Histogram<double> FeedbackSeconds { get; }

    public Counter<long> Conflicts { get; }

    public Counter<long> Quarantined { get; }

    public Counter<long> StoreLosses { get; }

    public Counter<long> Fallbacks { get; }

    public Counter<long> Busy { get; }

    public Counter<long> DroppedLogEntries { get; }

    public Counter<long> Refreshes { get; }

    public void Decided(RouteDecision decision, TimeSpan took)
    {
        ArgumentNullException.ThrowIfNull(decision);
        DecisionSeconds.Record(took.TotalSeconds);
        if (Decisions.Enabled)
        {
            Decisions.Add(1, new("model", decision.Model.Value), new("reason", ReasonNames[(int)decision.Reason]));
        }
    }

    public void Dispose() => _meter.Dispose();
}
