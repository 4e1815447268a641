using System.Diagnostics;
using MetaRouter.Core.Routing;

namespace MetaRouter.Hosting.Telemetry;

/// <summary>
/// The spans of one decision, one after another: the belief, then each step as it begins. A decision takes some tens of microseconds and a span costs one, so there
/// are none, and nothing is allocated, unless somebody listens and this request is sampled.
/// </summary>
internal sealed class DecisionSpans : IDisposable
{
    private static readonly ActivitySource Source = new(SourceNames.Router);

    private Activity? _span;

    private DecisionSpans(Activity span) => _span = span;

    /// <returns>Null: nobody wants this request's.</returns>
    public static DecisionSpans? Begin() => Source.HasListeners() && Source.StartActivity(SpanNames.Belief) is { } span ? new DecisionSpans(span) : null;

    public void Enter(DecisionStep step)
    {
        _span?.Dispose();
        _span = Source.StartActivity(step switch
        {
            DecisionStep.Encode => SpanNames.Encode,
            DecisionStep.Predict => SpanNames.Predict,
            _ => SpanNames.Decide,
        });
    }

    public void Dispose() => _span?.Dispose();
}
