namespace MetaRouter.Hosting.Telemetry;

// Every name that telemetry uses, here and nowhere else: dashboards and alerts are written against them.
// The gen_ai, error, http and server names are OpenTelemetry's. Source: open-telemetry/semantic-conventions at v1.41.0, docs/gen-ai (gen-ai-spans.md,
// gen-ai-metrics.md; in development), which later went on as open-telemetry/semantic-conventions-genai; docs/http and docs/registry (stable).

/// <summary>Meters and activity sources; all of them begin with <see cref="Router"/>.</summary>
public static class SourceNames
{
    public const string Router = "MetaRouter", Gateway = "MetaRouter.Gateway";

    /// <summary>The framework's own span of a request, which the gateway makes its <see cref="SpanNames.Edge"/>.</summary>
    public const string AspNetCore = "Microsoft.AspNetCore";
}

/// <summary>What one request passes through, in this order.</summary>
public static class SpanNames
{
    /// <summary>From a request's arrival to the end of its answer.</summary>
    public const string Edge = "edge";

    /// <summary>Finding the user and drawing the belief, the store's time included.</summary>
    public const string Belief = "belief";

    /// <summary>The text becomes features.</summary>
    public const string Encode = "encode";

    /// <summary>Features become each model's outcomes.</summary>
    public const string Predict = "predict";

    /// <summary>Guardrails, the choice, its receipt.</summary>
    public const string Decide = "decide";

    /// <summary>One call of a model, to the end of its answer. A fail-over has several.</summary>
    public const string Upstream = "upstream";
}

/// <summary>What is counted and measured beside OpenTelemetry's own names.</summary>
public static class MetricNames
{
    public const string
        Decisions = "metarouter.decisions",
        DecisionDuration = "metarouter.decision.duration",
        DecisionQuality = "metarouter.decision.quality",
        Feedback = "metarouter.feedback",
        FeedbackDuration = "metarouter.feedback.duration",
        StoreConflicts = "metarouter.store.conflicts",
        StoreQuarantined = "metarouter.store.quarantined",
        StoreLosses = "metarouter.store.losses",
        StoreFallbacks = "metarouter.store.fallbacks",
        Busy = "metarouter.busy",
        DecisionLogDropped = "metarouter.decision_log.dropped",
        Refreshes = "metarouter.refreshes",
        SnapshotAge = "metarouter.snapshot.age",
        SnapshotVersion = "metarouter.snapshot.version",
        SnapshotStaleness = "metarouter.snapshot.staleness",
        PriorVersion = "metarouter.snapshot.prior_version",
        UpstreamFailures = "metarouter.upstream.failures",
        UpstreamHealthy = "metarouter.upstream.healthy",
        CircuitsOpened = "metarouter.upstream.circuits_opened",
        FailOvers = "metarouter.fail_overs",
        Cost = "metarouter.cost",
        StrongestCost = "metarouter.cost.strongest",
        AnswerTokens = "metarouter.answer_tokens",
        AnswerTokensPredicted = "metarouter.answer_tokens.predicted",
        BudgetOverspent = "metarouter.budget.overspent",
        ImplicitSignals = "metarouter.implicit_signals";
}

/// <summary>Labels of <see cref="MetricNames"/>. Each has few values; none is a user, a tenant or a text.</summary>
public static class LabelNames
{
    public const string Model = "model", Reason = "reason", Kind = "kind", Result = "result", Source = "source";

    /// <summary>On the edge's span alone: why this model, and by which snapshot.</summary>
    public const string SpanReason = "metarouter.reason", SpanSnapshot = "metarouter.snapshot";
}

/// <summary>OpenTelemetry's conventions for generative AI.</summary>
internal static class GenAiNames
{
    public const string
        OperationName = "gen_ai.operation.name",
        ProviderName = "gen_ai.provider.name",
        RequestModel = "gen_ai.request.model",
        RequestStream = "gen_ai.request.stream",
        ResponseModel = "gen_ai.response.model",
        TokenType = "gen_ai.token.type",
        InputTokens = "gen_ai.usage.input_tokens",
        OutputTokens = "gen_ai.usage.output_tokens",
        CachedInputTokens = "gen_ai.usage.cache_read.input_tokens";

    public const string
        ClientDuration = "gen_ai.client.operation.duration",
        ClientTimeToFirstChunk = "gen_ai.client.operation.time_to_first_chunk",
        ClientTokens = "gen_ai.client.token.usage",
        ServerDuration = "gen_ai.server.request.duration",
        ServerTimeToFirstToken = "gen_ai.server.time_to_first_token";

    /// <summary>Values.</summary>
    public const string Chat = "chat", Embeddings = "embeddings", Input = "input", Output = "output";

    /// <summary>The provider in the sense of the conventions: whose format is spoken. Upstreams speak OpenAI's or Anthropic's; the gateway's callers are served by the gateway.</summary>
    public const string OpenAi = "openai", Anthropic = "anthropic", ThisGateway = "metarouter";

    /// <summary>The buckets the conventions give for durations, seconds.</summary>
    public static IReadOnlyList<double> DurationSeconds { get; } = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    /// <summary>Likewise for the first token, seconds.</summary>
    public static IReadOnlyList<double> FirstTokenSeconds { get; } = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

    /// <summary>Likewise for tokens.</summary>
    public static IReadOnlyList<long> Tokens { get; } = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];
}

/// <summary>OpenTelemetry's general conventions.</summary>
internal static class GeneralNames
{
    public const string
        ErrorType = "error.type",
        ServerAddress = "server.address",
        ServerPort = "server.port",
        HttpMethod = "http.request.method",
        OtherMethod = "_OTHER",
        HttpRoute = "http.route",
        HttpStatus = "http.response.status_code";
}
