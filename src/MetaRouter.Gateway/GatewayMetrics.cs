using System.Diagnostics.Metrics;

namespace MetaRouter.Gateway;

/// <summary>What the gateway counts, beside what the router counts. A user is never a label.</summary>
internal sealed class GatewayMetrics : IDisposable
{
    public const string MeterName = "MetaRouter.Gateway";

    private readonly Meter _meter = new(MeterName);

    public GatewayMetrics()
    {
        UpstreamFailures = _meter.CreateCounter<long>("metarouter.upstream.failures", "{failure}", "Failed calls of upstreams by model and reason.");
        CircuitsOpened = _meter.CreateCounter<long>("metarouter.upstream.circuits_opened", "{circuit}", "Upstreams that were left alone after failing again and again.");
        FailOvers = _meter.CreateCounter<long>("metarouter.fail_overs", "{call}", "Calls answered by another model or endpoint than the first.");
        CostUsd = _meter.CreateCounter<double>("metarouter.cost", "USD", "What answers cost, by model and by how the tokens were counted.");
        Tokens = _meter.CreateCounter<long>("metarouter.tokens", "{token}", "Tokens by model and type.");
        OverspentUsd = _meter.CreateCounter<double>("metarouter.budget.overspent", "USD", "What calls cost beyond what was reserved for them.");
        ImplicitSignals = _meter.CreateCounter<long>("metarouter.implicit_signals", "{signal}", "Signals noticed at the edge, by kind.");
        CallSeconds = _meter.CreateHistogram<double>("metarouter.call.duration", "s", "From a chat request's arrival to the end of its answer.");
        FirstTokenSeconds = _meter.CreateHistogram<double>("metarouter.call.first_token", "s", "From a chat request's arrival to the first event of its stream.");
    }

    public Counter<long> UpstreamFailures { get; }

    public Counter<long> CircuitsOpened { get; }

    public Counter<long> FailOvers { get; }

    public Counter<double> CostUsd { get; }

    public Counter<long> Tokens { get; }

    public Counter<double> OverspentUsd { get; }

    public Counter<long> ImplicitSignals { get; }

    public Histogram<double> CallSeconds { get; }

    public Histogram<double> FirstTokenSeconds { get; }

    public void Dispose() => _meter.Dispose();
}
