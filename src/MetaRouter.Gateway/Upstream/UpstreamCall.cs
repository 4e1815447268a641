using System.Diagnostics;
using MetaRouter.Core.Catalog;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Gateway.Upstream;

/// <summary>One call of an upstream as telemetry sees it, by OpenTelemetry's conventions for a client of generative AI. It ends once, whoever says so first.</summary>
internal sealed class UpstreamCall
{
    /// <summary>The caller went away before the end.</summary>
    public const string Left = "client_closed";

    private static readonly ActivitySource Source = new(SourceNames.Gateway);

    private readonly GatewayMetrics _metrics;
    private readonly TagList _labels;
    private readonly Activity? _span;
    private readonly long _started = Stopwatch.GetTimestamp();
    private int _ended;

    public UpstreamCall(GatewayMetrics metrics, ModelId model, Uri address, UpstreamApi api, bool streams)
    {
        _metrics = metrics;
        _labels = new TagList
        {
            { GenAiNames.OperationName, api == UpstreamApi.Embeddings ? GenAiNames.Embeddings : GenAiNames.Chat },
            { GenAiNames.ProviderName, api.Provider },
            { GenAiNames.RequestModel, model.Value },
            { GeneralNames.ServerAddress, address.Host },
            { GeneralNames.ServerPort, address.Port },
        };
        _span = Source.HasListeners() ? Source.StartActivity(SpanNames.Upstream, ActivityKind.Client, default(ActivityContext), _labels) : null;
        if (streams)
        {
            _span?.SetTag(GenAiNames.RequestStream, true);
        }
    }

    /// <summary>The first event of a stream is here.</summary>
    public void Began() => _metrics.ClientFirstChunkSeconds.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds, _labels);

    /// <param name="usage">As the upstream counted it; what it did not count is not told.</param>
    /// <param name="error">Why it is no whole answer; null: it is.</param>
    public void End(TokenUsage usage, string? error = null)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return;
        }

        var labels = _labels;
        if (!usage.IsUnknown)
        {
            Count(GenAiNames.Input, usage.Prompt);
            Count(GenAiNames.Output, usage.Completion);
            _span?.SetTag(GenAiNames.InputTokens, usage.Prompt).SetTag(GenAiNames.OutputTokens, usage.Completion).SetTag(GenAiNames.CachedInputTokens, usage.Cached);
        }

        if (error is not null)
        {
            labels.Add(GeneralNames.ErrorType, error);
            _span?.SetTag(GeneralNames.ErrorType, error).SetStatus(ActivityStatusCode.Error);
        }

        _metrics.ClientSeconds.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds, labels);
        _span?.Dispose();

        void Count(string type, long tokens)
        {
            var counted = _labels;
            counted.Add(GenAiNames.TokenType, type);
            _metrics.ClientTokens.Record(tokens, counted);
        }
    }
}
