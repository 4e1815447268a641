using System.Diagnostics.Metrics;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Gateway;

/// <summary>What the gateway counts, beside what the router counts. A user is never a label.</summary>
internal sealed class GatewayMetrics : IDisposable
{
    public const string MeterName = SourceNames.Gateway;

    private static readonly InstrumentAdvice<double> Durations = new() { HistogramBucketBoundaries = GenAiNames.DurationSeconds };

    private readonly Meter _meter = new(MeterName);

    public GatewayMetrics()
    {
        UpstreamFailures = _meter.CreateCounter<long>(MetricNames.UpstreamFailures, "{failure}", "Failed calls of upstreams by model and reason.");
        CircuitsOpened = _meter.CreateCounter<long>(MetricNames.CircuitsOpened, "{circuit}", "Upstreams that were left alone after failing again and again, by model.");
        FailOvers = _meter.CreateCounter<long>(MetricNames.FailOvers, "{call}", "Calls answered by another model or endpoint than the first, by the model that answered.");
        CostUsd = _meter.CreateCounter<double>(MetricNames.Cost, "USD", "What answers cost, and prompts that brought none, by model and by how the tokens were counted.");
        StrongestCostUsd = _meter.CreateCounter<double>(MetricNames.StrongestCost, "USD", "What the same "
            + "answers would have cost from the strongest model: its prediction, corrected on each request.");
        AnswerTokens = _meter.CreateCounter<long>(MetricNames.AnswerTokens, "{token}", "Completion tokens, as upstreams counted them, of answers whose length was predicted and not cut, by model.");
        AnswerTokensPredicted = _meter.CreateCounter<double>(MetricNames.AnswerTokensPredicted, "{token}", "Completion tokens predicted of the same answers, by model.");
        OverspentUsd = _meter.CreateCounter<double>(MetricNames.BudgetOverspent, "USD", "What calls cost beyond what was reserved for them.");
        ImplicitSignals = _meter.CreateCounter<long>(MetricNames.ImplicitSignals, "{signal}", "Signals noticed at the edge, by kind.");
        ClientSeconds = _meter.CreateHistogram(GenAiNames.ClientDuration, "s", "One call of an upstream, to the end of its answer.", null, Durations);
        ClientFirstChunkSeconds = _meter.CreateHistogram(GenAiNames.ClientTimeToFirstChunk, "s", "From a call of an upstream to the first event of its stream that says something.", null, Durations);
        ClientTokens = _meter.CreateHistogram(
            GenAiNames.ClientTokens, "{token}",
            "Tokens of one call, as the upstream counted them.",
            null,
            new InstrumentAdvice<long> { HistogramBucketBoundaries = GenAiNames.Tokens });
        ServerSeconds = _meter.CreateHistogram(GenAiNames.ServerDuration, "s", "From a chat request's arrival to the end of its answer.", null, Durations);
        ServerFirstTokenSeconds = _meter.CreateHistogram(
            GenAiNames.ServerTimeToFirstToken, "s",
            "From a chat request's arrival to the first event of its stream.",
            null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = GenAiNames.FirstTokenSeconds });
    }

    public Counter<long> UpstreamFailures { get; }

    public Counter<long> CircuitsOpened { get; }

    public Counter<long> FailOvers { get; }

    public Counter<double> CostUsd { get; }

    public Counter<double> StrongestCostUsd { get; }

    public Counter<long> AnswerTokens { get; }

    public Counter<double> AnswerTokensPredicted { get; }

    public Counter<double> OverspentUsd { get; }

    public Counter<long> ImplicitSignals { get; }

    public Histogram<double> ClientSeconds { get; }

    public Histogram<double> ClientFirstChunkSeconds { get; }

    public Histogram<long> ClientTokens { get; }

    public Histogram<double> ServerSeconds { get; }

    public Histogram<double> ServerFirstTokenSeconds { get; }

    /// <summary>Gauges, which are read at each scrape.</summary>
    public void Observe(PoolHolder pool, Upstreams upstreams)
    {
        _meter.CreateObservableGauge(MetricNames.SnapshotAge, () => pool.Age.TotalSeconds, "s", "Seconds since the prior and catalog in service were put into service.");
        _meter.CreateObservableGauge(
            MetricNames.SnapshotVersion,
            () => (double)(pool.Current.Snapshot.Version >> 11),
            "",
            "The upper 53 bits of the version in service: a name, and no magnitude. Replicas that agree show the same.");
        _meter.CreateObservableGauge(MetricNames.UpstreamHealthy, () =>
        {
            var catalog = pool.Current.Catalog;
            var unhealthy = upstreams.Unhealthy(catalog, evenAll: true);
            return catalog.Models.Where(m => m.Enabled).Select(m => new Measurement<int>(unhealthy?.Contains(m.Id) == true ? 0 : 1, new KeyValuePair<string, object?>(LabelNames.Model, m.Id.Value)));
        }, "", "1: some endpoint of the model is called; 0: all of them are left alone, or tried by one call at a time, until one answers; by model.");
    }

    /// <summary>A chat request that was answered, or failed after it was decided who answers.</summary>
    /// <param name="requested">What the caller asked for, checked by now: auto, one of its aliases, or a model.</param>
    /// <param name="served">Null: nobody answered.</param>
    public void Served(string requested, ModelId? served, int status, double seconds) => ServerSeconds.Record(seconds, Labels(requested, served, status));

    public void FirstToken(string requested, ModelId served, double seconds) => ServerFirstTokenSeconds.Record(seconds, Labels(requested, served, StatusCodes.Status200OK));

    /// <inheritdoc cref="RouterMetrics.Zero"/>
    public void Zero()
    {
        foreach (var counter in (Counter<double>[])[StrongestCostUsd, OverspentUsd])
        {
            counter.Add(0);
        }
    }

    public void Dispose() => _meter.Dispose();

    private static System.Diagnostics.TagList Labels(string requested, ModelId? served, int status)
    {
        var labels = new System.Diagnostics.TagList
        {
            { GenAiNames.OperationName, GenAiNames.Chat },
            { GenAiNames.ProviderName, GenAiNames.ThisGateway },
            { GenAiNames.RequestModel, requested },
        };
        if (served is { } model)
        {
            labels.Add(GenAiNames.ResponseModel, model.Value);
        }

        if (status != StatusCodes.Status200OK)
        {
            labels.Add(GeneralNames.ErrorType, status.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        return labels;
    }
}
