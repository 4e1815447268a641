using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Router;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Chat;

/// <summary><c>POST /v1/chat/completions</c>: chooses a model, lets its upstream answer, and says which it was.</summary>
internal sealed class ChatEndpoint(InProcessRouter router, PoolHolder pool, Upstreams upstreams, ChatRelay relay, GatewaySettings settings, GatewayMetrics metrics)
{
    public const string Auto = "auto";
    private const string Requested = "requested", Off = "off", FailedOver = "fail_over";

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/chat/completions", ChatAsync).WithMetadata(new NeedsScope(Scope.Inference, "inference"));

    private async Task ChatAsync(HttpContext context)
    {
        // 1. Read as little as possible of the request.
        var started = Stopwatch.GetTimestamp();
        var controls = ChatControls.Read(context.Request.Headers);
        var bytes = await RequestBody.ReadAsync(context, settings.Gateway.ChatBodyBytes, "Gateway:ChatBodyBytes").ConfigureAwait(false);
        var body = ChatBody.Read(bytes);

        // 2. Choose.
        var catalog = pool.Current.Catalog;
        var isAuto = TryDial(body.Model, out var dial);
        var unrouted = !isAuto ? CatalogModels.Find(catalog, body.Model, "model") : controls.Mode == RoutingMode.Apply ? null : Strongest(catalog);
        var request = new RouteRequest(body.Asked.Text)
        {
            PromptTokens = body.Asked.PromptTokens,
            LambdaCost = dial,
            Needs = body.Needs with { MaxCostUsd = controls.MaxCostUsd, UnhealthyModels = upstreams.Unhealthy(catalog) },
        };
        var decision = controls.Mode == RoutingMode.Observe || unrouted is null ? await DecideAsync(context, body, request).ConfigureAwait(false) : null;
        if (unrouted is not null && controls.MaxCostUsd is not null)
        {
            // Named or not, a model over the caller's limit is refused.
            _ = router.DecideAnonymous(Edge.CallerOf(context).Tenant, request with { Needs = request.Needs with { UnhealthyModels = null, AllowedModels = new HashSet<ModelId> { unrouted.Id } } });
        }

        // 3. Say who is asked, why, and by which receipt feedback finds its way back; a failure of the upstream is told with it.
        var call = new ChatCall(context, started, body, decision, unrouted, catalog);
        Tell(call, isAuto ? Off : Requested);

        // 4. Let it answer. Only a routed call may go on to another model; who names one wants no other.
        var order = unrouted is not null ? [unrouted.Id] : InOrder(decision!);
        using var answer = await AnswerAsync(call, order, bytes).ConfigureAwait(false);
        var model = catalog.Models[catalog.IndexOf(answer.Model)];
        var isFailOver = unrouted is null && answer.Model != decision!.Model;
        if (isFailOver || answer.Attempts > 1)
        {
            metrics.FailOvers.Add(1, new KeyValuePair<string, object?>("model", answer.Model.Value));
        }

        var receipt = unrouted is not null ? null : isFailOver ? router.ReceiptFor(decision!, catalog.IndexOf(answer.Model)) : decision!.Token;
        Retell(context.Response.Headers, answer, receipt, isFailOver);

        // 5. Hand it on, and note what it cost.
        if (answer.Status != StatusCodes.Status200OK)
        {
            context.Response.StatusCode = answer.Status;
            await Answers.WriteAsync(context, answer.Body).ConfigureAwait(false);
            Note(call, answer, isFailOver, null);
        }
        else if (answer.Events is null)
        {
            var spent = Spent(call, model, answer.Part.Usage, answer.Part.TextBytes);
            context.Response.Headers["x-router-cost-usd"] = spent.Usd.ToString("0.##########", CultureInfo.InvariantCulture);
            context.Response.Headers["x-router-cost-source"] = spent.Source;
            Note(call, answer, isFailOver, spent);
            await WriteAsync(context, answer, receipt).ConfigureAwait(false);
        }
        else
        {
            metrics.FirstTokenSeconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, new KeyValuePair<string, object?>("model", answer.Model.Value));
            var stream = default(RelayedStream);
            try
            {
                stream = await relay.RunAsync(context, answer, receipt, answer.Endpoint.Options.AskUsage && !body.HasStreamOptions, s => Spent(call, model, s.Usage, s.TextBytes) is var spent ? (spent.Usd, spent.Source) : null).ConfigureAwait(false);
            }
            finally
            {
                // Also of a stream its reader left: what was produced until then is paid for.
                Note(call, answer, isFailOver, Spent(call, model, stream.Usage, stream.TextBytes));
            }
        }
    }

    private async Task<UpstreamAnswer> AnswerAsync(ChatCall call, IEnumerable<ModelId> order, byte[] bytes)
    {
        try
        {
            return await upstreams.SendAsync("/chat/completions", order, bytes, call.Body.Streams, call.Context.RequestAborted).ConfigureAwait(false);
        }
        catch (ApiException)
        {
            Log(call, null, false, null);
            throw;
        }
    }

    private async ValueTask<RouteDecision> DecideAsync(HttpContext context, ChatBody body, RouteRequest request)
    {
        var tenant = Edge.CallerOf(context).Tenant;
        var user = body.User ?? UserId.Check(context.Request.Headers[ChatControls.UserHeader], ChatControls.UserHeader);
        return user is null ? router.DecideAnonymous(tenant, request) : await router.DecideAsync(tenant, user, request, context.RequestAborted).ConfigureAwait(false);
    }

    private void Tell(ChatCall call, string unroutedReason)
    {
        var (headers, decision) = (call.Context.Response.Headers, call.Decision);
        headers["x-router-model"] = call.Unrouted?.Id.Value ?? decision!.Model.Value;
        headers["x-router-reason"] = call.Unrouted is null ? Names.Of(decision!.Reason) : unroutedReason;
        headers["x-router-explored"] = call.Unrouted is null && decision!.Reason == DecisionReason.Explored ? "true" : "false";
        headers["x-router-policy-version"] = Names.Snapshot(decision?.SnapshotVersion ?? pool.Current.Snapshot.Version);
        if (decision is not null)
        {
            headers[call.Unrouted is null ? "x-router-decision" : "x-router-observed"] = call.Unrouted is null ? decision.Token : decision.Model.Value;
        }
    }

    private static void Retell(IHeaderDictionary headers, UpstreamAnswer answer, string? receipt, bool isFailOver)
    {
        headers["x-router-model"] = answer.Model.Value;
        headers["x-router-attempts"] = answer.Attempts.ToString(CultureInfo.InvariantCulture);
        if (isFailOver)
        {
            headers["x-router-reason"] = FailedOver;
            headers["x-router-explored"] = "false";
            headers["x-router-decision"] = receipt;
        }

        headers.RetryAfter = answer.Headers?.RetryAfter?.ToString();
        foreach (var (name, values) in answer.Headers?.NonValidated ?? default(HttpHeadersNonValidated))
        {
            if (name.StartsWith("x-ratelimit-", StringComparison.OrdinalIgnoreCase) && !headers.ContainsKey(name))
            {
                headers[name] = values.ToString();
            }
        }
    }

    private static async Task WriteAsync(HttpContext context, UpstreamAnswer answer, string? receipt)
    {
        var model = answer.Model.Value;
        if (!answer.Part.HasIdAndModel)
        {
            var json = JsonSplice.Set(answer.Body, "model", model);
            await Answers.WriteAsync(context, receipt is null ? json : JsonSplice.Set(json, "id", receipt)).ConfigureAwait(false);
            return;
        }

        var output = new System.Buffers.ArrayBufferWriter<byte>(answer.Body.Length + 1024);
        answer.Part.Write(answer.Body, receipt is null ? [] : JsonSplice.Quoted(receipt), JsonSplice.Quoted(model), output);
        await Answers.WriteAsync(context, output.WrittenMemory).ConfigureAwait(false);
    }

    /// <summary>By the upstream's count; where it is silent, by this side's: about four bytes to a token.</summary>
    private static Spending Spent(ChatCall call, ModelProfile model, TokenUsage usage, long textBytes)
    {
        var isCounted = usage.IsUnknown;
        var tokens = isCounted ? new TokenUsage(call.PromptTokens, (textBytes + 3) / 4, 0) : usage;
        return new(tokens, tokens.CostUsd(model), isCounted ? "counted" : "usage");
    }

    private void Note(ChatCall call, UpstreamAnswer answer, bool isFailOver, Spending? spent)
    {
        var model = new KeyValuePair<string, object?>("model", answer.Model.Value);
        metrics.CallSeconds.Record(Stopwatch.GetElapsedTime(call.Started).TotalSeconds, model);
        if (spent is { } s)
        {
            metrics.CostUsd.Add(s.Usd, model, new("source", s.Source));
            metrics.Tokens.Add(s.Tokens.Prompt, model, new("type", "input"));
            metrics.Tokens.Add(s.Tokens.Completion, model, new("type", "output"));
        }

        Log(call, answer.Status == 200 ? answer.Model : null, isFailOver, spent);
    }

    private void Log(ChatCall call, ModelId? served, bool isFailOver, Spending? spent)
    {
        if (call.Decision is not null)
        {
            router.Log(call.Decision, new ServedCall(call.Unrouted is null ? "apply" : "observe", served, isFailOver)
            {
                CostUsd = spent?.Usd,
                CostSource = spent?.Source,
                PromptTokens = spent?.Tokens.Prompt ?? 0,
                CompletionTokens = spent?.Tokens.Completion ?? 0,
                LatencySeconds = Stopwatch.GetElapsedTime(call.Started).TotalSeconds,
            });
        }
    }

    /// <summary>The chosen model, then the others by what they are worth to the user.</summary>
    private static IEnumerable<ModelId> InOrder(RouteDecision decision) =>
        decision.Candidates.Where(c => c.Exclusion == ModelExclusion.None && c.Model != decision.Model).OrderByDescending(c => c.Utility).Select(c => c.Model).Prepend(decision.Model);

    /// <summary>True for auto and its aliases; the alias' place on the dial, null: the user's own.</summary>
    private bool TryDial(string model, out double? lambda)
    {
        lambda = model switch
        {
            "auto:quality" => settings.Gateway.QualityLambda,
            "auto:balanced" => settings.Gateway.BalancedLambda,
            "auto:cheap" => settings.Gateway.CheapLambda,
            _ => null,
        };
        return lambda is not null || model == Auto;
    }

    /// <summary>Who answers <c>auto</c> without routing: what routing's savings are measured against.</summary>
    private ModelProfile Strongest(ModelCatalog catalog) => settings.Gateway.OffModel.Length > 0
        ? catalog.Models[catalog.IndexOf(new ModelId(settings.Gateway.OffModel))]
        : catalog.Models.Where(m => m.Enabled).DefaultIfEmpty(catalog.Models[0]).MaxBy(m => m.InputPrice.Usd + m.OutputPrice.Usd)!;

    /// <summary>One request on its way.</summary>
    /// <param name="Decision">Null: nothing was decided.</param>
    /// <param name="Unrouted">Who answers when the decision is not followed; null: it is.</param>
    private sealed record ChatCall(HttpContext Context, long Started, ChatBody Body, RouteDecision? Decision, ModelProfile? Unrouted, ModelCatalog Catalog)
    {
        public long PromptTokens => Body.Asked.PromptTokens ?? (Decision is not null ? (long)Decision.Receipt.InputTokens : (Body.Asked.Text.Length + 3) / 4);
    }

    private readonly record struct Spending(TokenUsage Tokens, double Usd, string Source);
}
