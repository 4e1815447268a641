using System.Diagnostics;

namespace MetaRouter.Gateway.Telemetry;

/// <summary>
/// The part of a caller's trace that is passed on to upstreams and silos: <c>traceparent</c>, numbers that tell nothing. <c>baggage</c> and <c>tracestate</c> hold
/// whatever somebody before the gateway wrote there, often a user or a customer by name, and go nowhere: they are not even read.
/// </summary>
internal sealed class TraceparentOnly : DistributedContextPropagator
{
    private const string Traceparent = "traceparent", Tracestate = "tracestate";

    private static readonly DistributedContextPropagator s_w3c = CreateW3CPropagator();

    public override IReadOnlyCollection<string> Fields { get; } = [Traceparent];

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter) => s_w3c.Inject(activity, carrier, setter is null ? null : (to, name, value) =>
    {
        if (name == Traceparent)
        {
            setter(to, name, value);
        }
    });

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState)
    {
        s_w3c.ExtractTraceIdAndState(carrier, getter is null ? null : Get, out traceId, out traceState);

        void Get(object? from, string name, out string? value, out IEnumerable<string>? values)
        {
            (value, values) = (null, null);
            if (name != Tracestate)
            {
                getter(from, name, out value, out values);
            }
        }
    }

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
}
