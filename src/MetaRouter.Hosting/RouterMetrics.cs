using System.Diagnostics.Metrics;
using MetaRouter.Core.Routing;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Hosting;

/// <summary>What the router counts. A user is never a label.</summary>
public sealed class RouterMetrics : IDisposable
{
    private static readonly string[] ReasonNames = Enum.GetNames<DecisionReason>();
    private static readonly InstrumentAdvice<double> DecisionSecondsBuckets = new() { HistogramBucketBoundaries =
    [
        1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
    ] };
    private static readonly InstrumentAdvice<double> FeedbackSecondsBuckets = new() { HistogramBucketBoundaries = [2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] };
    private static readonly InstrumentAdvice<double> QualityBuckets = new() { HistogramBucketBoundaries = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] };

    private readonly Meter _meter = new(SourceNames.Router);

    public RouterMetrics()
    {
        Decisions = _meter.CreateCounter<long>(MetricNames.Decisions, "{decision}", "Decisions by model and reason.");
        DecisionSeconds = _meter.CreateHistogram(MetricNames.DecisionDuration, "s", "Time to decide, the belief's loading included.", null, DecisionSecondsBuckets);
        DecisionQuality = _meter.CreateHistogram(MetricNames.DecisionQuality, "1", "Quality predicted of the chosen models, 0 to 1, by model.", null, QualityBuckets);
        Feedback = _meter.CreateCounter<long>(MetricNames.Feedback, "{signal}", "Feedback by kind and what became of it.");
        FeedbackSeconds = _meter.CreateHistogram(MetricNames.FeedbackDuration, "s", "Time until feedback is durable.", null, FeedbackSecondsBuckets);
        Conflicts = _meter.CreateCounter<long>(MetricNames.StoreConflicts, "{conflict}", "Writes that found a newer record and were done again.");
        Quarantined = _meter.CreateCounter<long>(MetricNames.StoreQuarantined, "{record}", "Records that could not be read and were set aside.");
        StoreLosses = _meter.CreateCounter<long>(MetricNames.StoreLosses, "{loss}", "Times the shared store was found emptied or replaced.");
        Fallbacks = _meter.CreateCounter<long>(MetricNames.StoreFallbacks, "{decision}", "Decisions and reservations of money that went on without the store: by what is remembered or the population's policy, and by this process' own count.");
        Busy = _meter.CreateCounter<long>(MetricNames.Busy, "{request}", "Requests refused at once because too many were in hand.");
        DroppedLogEntries = _meter.CreateCounter<long>(MetricNames.DecisionLogDropped, "{decision}", "Decisions not logged because the log could not keep up or could not be written.");
        Refreshes = _meter.CreateCounter<long>(MetricNames.Refreshes, "{refresh}", "Refreshes of the prior by result.");
    }

    public Counter<long> Decisions { get; }

    public Histogram<double> DecisionSeconds { get; }

    public Histogram<double> DecisionQuality { get; }

    public Counter<long> Feedback { get; }

    public Histogram<double> FeedbackSeconds { get; }

    public Counter<long> Conflicts { get; }

    public Counter<long> Quarantined { get; }

    public Counter<long> StoreLosses { get; }

    public Counter<long> Fallbacks { get; }

    public Counter<long> Busy { get; }

    public Counter<long> DroppedLogEntries { get; }

    public Counter<long> Refreshes { get; }

    /// <summary>Counts a decision and what it predicts of the chosen model.</summary>
    /// <param name="took">The belief's loading included.</param>
    public void Decided(RouteDecision decision, TimeSpan took)
    {
        ArgumentNullException.ThrowIfNull(decision);
        DecisionSeconds.Record(took.TotalSeconds);
        if (Decisions.Enabled)
        {
            var model = new KeyValuePair<string, object?>(LabelNames.Model, decision.Model.Value);
            Decisions.Add(1, model, new(LabelNames.Reason, ReasonNames[(int)decision.Reason]));
            DecisionQuality.Record(decision.Candidates[decision.ChosenIndex].Predicted.Quality, model);
        }
    }

    /// <summary>Counters of what should never happen are 0 from the start: a series that begins with its first event shows no rise for an alert.</summary>
    public void Zero()
    {
        foreach (var counter in (Counter<long>[])[Conflicts, Quarantined, StoreLosses, Fallbacks, Busy, DroppedLogEntries])
        {
            counter.Add(0);
        }
    }

    public void Dispose() => _meter.Dispose();
}
