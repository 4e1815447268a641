using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Router;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Chat;

/// <summary><c>POST /v1/chat/completions</c>: chooses a model, lets its upstream answer, and says which it was.</summary>
internal sealed class ChatEndpoint(
    IEdgeRouter router, RoutingPolicy policy, DecisionLog log, PoolHolder pool, Upstreams upstreams, ChatRelay relay, Governor governor, Sessions sessions, ImplicitSignals signals, ModeKeeper mode, WebConsole.Watch watch, GatewaySettings settings, GatewayMetrics metrics)
{
    public const string Auto = "auto";
    private const string Path = "/chat/completions", Requested = "requested", Off = "off", FailedOver = "fail_over";

    /// <summary>Completion tokens expected of a model that is named and has no limit; only budgets ask.</summary>
    private const int UsualCompletion = 1000;

    private long _askedToCompare, _compared;

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1" + Path, ChatAsync).WithMetadata(new NeedsScope(Scope.Inference, "inference"));

    private async Task ChatAsync(HttpContext context)
    {
        // 1. Read as little as possible of the request.
        var started = Stopwatch.GetTimestamp();
        var controls = ChatControls.Read(context.Request.Headers);
        var bytes = await RequestBody.ReadAsync(context, settings.Gateway.ChatBodyBytes, "Gateway:ChatBodyBytes").ConfigureAwait(false);
        var body = ChatBody.Read(bytes);
        var tenant = Edge.CallerOf(context).Tenant;
        var user = body.User ?? UserId.Check(context.Request.Headers[ChatControls.UserHeader], ChatControls.UserHeader);
        await governor.AdmitUserAsync(context, tenant, user).ConfigureAwait(false);

        // 2. Choose, and set the cost aside.
        var catalog = pool.Current.Catalog;
        var isAuto = TryDial(body.Model, out var dial);
        var followed = ModeOf(controls);
        var unrouted = !isAuto ? CatalogModels.Find(catalog, body.Model, "model") : followed == RoutingMode.Apply ? null : settings.Strongest(catalog);
        var call = new ChatCall(context, started, bytes, body, tenant, user, unrouted, catalog, sessions.NameOf(context, tenant, user, body.CacheKey)) { IsAuto = isAuto };
        var request = new RouteRequest(body.Asked.Text)
        {
            PromptTokens = body.Asked.PromptTokens,
            LambdaCost = dial,
            MayCompare = unrouted is null && controls.MayCompare && !body.Streams && MayCompare(),
            Warm = call.Session is { } session && isAuto && followed is not RoutingMode.Off ? await sessions.RecallAsync(session, context.RequestAborted).ConfigureAwait(false) : null,
            Needs = body.Needs with { MaxCostUsd = controls.MaxCostUsd, UnhealthyModels = upstreams.Unhealthy(catalog), AllowedModels = governor.Allowed(catalog, tenant, controls.Category, unrouted is null) },
        };
        await CheckAllowedAsync(call, request.Needs).ConfigureAwait(false);
        if (signals.IsOn && user is not null)
        {
            await signals.LookAsync(tenant, user, bytes.AsMemory()[body.Messages], isAuto ? null : unrouted, catalog).ConfigureAwait(false);
        }

        if (isAuto && followed is not RoutingMode.Off)
        {
            call.Decision = await DecideAsync(call, request).ConfigureAwait(false);
        }

        call.Hold = await HoldAsync(call, request).ConfigureAwait(false);
        try
        {
            // 3. Say who is asked, why, and by which receipt feedback finds its way back; a failure of the upstream is told with it.
            Tell(call, isAuto ? Off : Requested);
            if (call.Decision?.OfferedIndex is not null && unrouted is null)
            {
                await CompareAsync(call).ConfigureAwait(false);
                return;
            }

            // 4. Let it answer. Only a routed call may go on to another model; who names one wants no other.
            using var answer = await AnswerAsync(call, unrouted is not null ? [unrouted.Id] : InOrder(call.Decision!)).ConfigureAwait(false);

            // 5. Hand it on, and note what it cost.
            await HandOnAsync(call, answer).ConfigureAwait(false);
        }
        finally
        {
            await governor.SettleAsync(call.Hold, call.SpentUsd).ConfigureAwait(false);
        }
    }

    /// <summary>By name: the decision's candidates stand in the order of whoever decided, which on a cluster is a silo's.</summary>
    private static ModelProfile ProfileOf(ChatCall call, ModelId model) => call.Catalog.Models[call.Catalog.IndexOf(model)];

    private async Task HandOnAsync(ChatCall call, UpstreamAnswer answer)
    {
        var (context, decision) = (call.Context, call.Decision);
        var model = ProfileOf(call, answer.Model);
        var isFailOver = call.Unrouted is null && answer.Model != decision!.Model;
        if (isFailOver || answer.Attempts > 1)
        {
            metrics.FailOvers.Add(1, new KeyValuePair<string, object?>("model", answer.Model.Value));
        }

        var receipt = call.Unrouted is not null ? null : policy.ReceiptFor(decision!, answer.Model);
        Retell(context.Response.Headers, answer, receipt, isFailOver);
        if (answer.Status != StatusCodes.Status200OK)
        {
            Note(call, answer, isFailOver, null);
            context.Response.StatusCode = answer.Status;
            await Answers.WriteAsync(context, answer.Body).ConfigureAwait(false);
            return;
        }

        if (call.Unrouted is null)
        {
            governor.Count(call.Tenant, answer.Model);
        }

        if (signals.IsOn && call.User is not null && receipt is not null)
        {
            await signals.RememberAsync(call.Tenant, call.User, call.Bytes.AsMemory()[call.Body.Messages], answer.Model, receipt).ConfigureAwait(false);
        }

        if (answer.Events is null)
        {
            var spent = Spent(call, model, answer.Part);
            call.SpentUsd = spent.Usd;
            Price(context, spent.Usd, spent.Source);
            Note(call, answer, isFailOver, spent);
            await WarmAsync(call, answer.Model, spent).ConfigureAwait(false);
            await Answers.WriteAsync(context, Finished(answer, receipt)).ConfigureAwait(false);
            return;
        }

        metrics.FirstTokenSeconds.Record(Stopwatch.GetElapsedTime(call.Started).TotalSeconds, new KeyValuePair<string, object?>("model", answer.Model.Value));
        var stream = new RelayedStream();
        try
        {
            await relay.RunAsync(context, answer, receipt, answer.Endpoint.Options.AskUsage && !call.Body.HasStreamOptions, s => Spent(call, model, s.Usage, s.TextBytes) is var spent ? (spent.Usd, spent.Source) : null, stream).ConfigureAwait(false);
        }
        finally
        {
            // Also of a stream its reader left: what was produced until then is paid for.
            var spent = Spent(call, model, stream.Usage, stream.TextBytes);
            call.SpentUsd = spent.Usd;
            Note(call, answer, isFailOver, spent);
            await WarmAsync(call, answer.Model, spent).ConfigureAwait(false);
            if (signals.IsOn && call.User is not null && receipt is not null && !stream.IsWhole && context.RequestAborted.IsCancellationRequested && !stream.IsBroken)
            {
                await signals.AbandonedAsync(call.Tenant, call.User, receipt).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Two models answer at once; the client gets the offered answer beside the chosen one and says with the receipt which was better.</summary>
    private async Task CompareAsync(ChatCall call)
    {
        var decision = call.Decision!;
        var (chosen, offered) = (TryAnswerAsync(decision.Model), TryAnswerAsync(decision.Offered!.Value));
        var (first, failure) = await chosen.ConfigureAwait(false);
        var (second, otherFailure) = await offered.ConfigureAwait(false);
        using (first)
        using (second)
        {
            if (first is null && second is null)
            {
                Log(call, null, false, null, (failure ?? otherFailure!).Status);
                throw failure ?? otherFailure!;
            }

            if (first is not { Status: 200 } || second is not { Status: 200 })
            {
                // One answer is no comparison. What came is served by itself; what failed has been noted.
                var (only, isFailOver) = first is { Status: 200 } ? (first, false) : second is { Status: 200 } ? (second, true) : ((first ?? second)!, false);
                var alone = policy.ReceiptFor(decision, only.Model, alone: true);
                call.Context.Response.Headers["x-router-decision"] = alone;
                Retell(call.Context.Response.Headers, only, alone, isFailOver);
                var cost = only.Status == 200 ? Spent(call, ProfileOf(call, only.Model), only.Part) : default(Spending?);
                call.SpentUsd = cost?.Usd ?? 0; // before the answer is written: a client that left does not get it back
                Note(call, only, isFailOver, cost);
                call.Context.Response.StatusCode = only.Status;
                await Answers.WriteAsync(call.Context, only.Status == 200 ? Finished(only, alone) : only.Body).ConfigureAwait(false);
                return;
            }

            var (a, b) = (Spent(call, ProfileOf(call, first.Model), first.Part), Spent(call, ProfileOf(call, second.Model), second.Part));
            (call.SpentUsd, call.IsCompared) = (a.Usd + b.Usd, true);
            Retell(call.Context.Response.Headers, first, decision.Token, false);
            call.Context.Response.Headers["x-router-offered"] = second.Model.Value;
            Price(call.Context, a.Usd + b.Usd, a.Source == b.Source ? a.Source : "counted");
            Note(call, first, false, a with { Usd = a.Usd + b.Usd });
            byte[] comparison = [.. "\"router_comparison\":{\"offered\":"u8, .. JsonSplice.Quoted(second.Model.Value), .. ",\"answer\":"u8, .. Finished(second, null).Span, .. "}"u8];
            await Answers.WriteAsync(call.Context, JsonSplice.Prepend(Finished(first, decision.Token).Span, comparison)).ConfigureAwait(false);
        }

        async Task<(UpstreamAnswer?, ApiException?)> TryAnswerAsync(ModelId model)
        {
            try
            {
                return (await upstreams.SendAsync(Path, [model], call.Bytes, streams: false, call.Context.RequestAborted).ConfigureAwait(false), null);
            }
            catch (ApiException e)
            {
                return (null, e);
            }
        }
    }

    private async Task<UpstreamAnswer> AnswerAsync(ChatCall call, IEnumerable<ModelId> order)
    {
        try
        {
            return await upstreams.SendAsync(Path, order, call.Bytes, call.Body.Streams, call.Context.RequestAborted).ConfigureAwait(false);
        }
        catch (ApiException e)
        {
            Log(call, null, false, null, e.Status);
            throw;
        }
    }

    private async ValueTask<RouteDecision> DecideAsync(ChatCall call, RouteRequest request) => call.User is null
        ? await router.DecideAnonymousAsync(call.Tenant, request, call.Context.RequestAborted).ConfigureAwait(false)
        : await router.DecideAsync(call.Tenant, call.User, request, call.Context.RequestAborted).ConfigureAwait(false);

    /// <summary>Sets the expected cost aside; where it does not fit the budget, chooses again among what does.</summary>
    private async ValueTask<Governor.Hold> HoldAsync(ChatCall call, RouteRequest request)
    {
        for (var attempt = 0; ; attempt++)
        {
            var expected = Expected(call);
            var (hold, left) = await governor.ReserveAsync(call.Tenant, call.User, expected, call.Context.RequestAborted).ConfigureAwait(false);
            if (left is not { } usd)
            {
                return hold;
            }

            if (call.Unrouted is not null || attempt == 2)
            {
                throw governor.OverBudget(call.Tenant, expected, usd);
            }

            try
            {
                call.Decision = await DecideAsync(call, request with { MayCompare = false, Needs = request.Needs with { MaxCostUsd = Math.Min(usd, request.Needs.MaxCostUsd ?? usd) } }).ConfigureAwait(false);
            }
            catch (NoModelAllowedException)
            {
                throw governor.OverBudget(call.Tenant, call.Decision!.Candidates.Where(c => c.Exclusion == ModelExclusion.None).Min(c => c.Predicted.CostUsd), usd);
            }
        }
    }

    /// <summary>US dollars.</summary>
    private static double Expected(ChatCall call)
    {
        if (call.Unrouted is { } named)
        {
            return named.InputPrice.CostUsd(call.PromptTokens) + named.OutputPrice.CostUsd(call.Body.Needs.ExpectedOutputTokens > 0 ? call.Body.Needs.ExpectedOutputTokens : UsualCompletion);
        }

        var decision = call.Decision!;
        return decision.Candidates[decision.ChosenIndex].Predicted.CostUsd + (decision.OfferedIndex is { } offered ? decision.Candidates[offered].Predicted.CostUsd : 0);
    }

    /// <summary>Named or not, a model the tenant may not use, or over the caller's limit, is refused.</summary>
    private async ValueTask CheckAllowedAsync(ChatCall call, RouteNeeds needs)
    {
        if (call.Unrouted is not { } model)
        {
            return;
        }

        if (needs.AllowedModels?.Contains(model.Id) == false)
        {
            throw new ApiException(403, ErrorCodes.InvalidRequest, "model_not_allowed", $"The model '{model.Id}' may not answer this request: the tenant's rules or the request's category leave {string.Join(", ", needs.AllowedModels.Select(m => m.Value).DefaultIfEmpty("none"))}. Name one of these, or auto.", "model");
        }

        if (needs.MaxCostUsd is not null)
        {
            var alone = new RouteRequest(call.Body.Asked.Text) { PromptTokens = call.Body.Asked.PromptTokens, Needs = needs with { UnhealthyModels = null, AllowedModels = new HashSet<ModelId> { model.Id } } };
            await router.DecideAnonymousAsync(call.Tenant, alone, call.Context.RequestAborted).ConfigureAwait(false);
        }
    }

    /// <summary>What the operator set, narrowed by what the caller asks for.</summary>
    private RoutingMode ModeOf(ChatControls controls) => mode.Mode switch
    {
        ModeKeeper.Static => RoutingMode.Off,
        ModeKeeper.Observe when controls.Mode == RoutingMode.Apply => RoutingMode.Observe,
        _ => controls.Mode,
    };

    /// <summary>Keeps comparisons to their share of the requests that allow them.</summary>
    private bool MayCompare()
    {
        var asked = Interlocked.Increment(ref _askedToCompare);
        if (Interlocked.Read(ref _compared) + 1 > asked * settings.Gateway.CompareShare)
        {
            return false;
        }

        Interlocked.Increment(ref _compared);
        return true;
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

        if (answer.Status != StatusCodes.Status200OK)
        {
            headers.RetryAfter = answer.Headers?.RetryAfter?.ToString();
        }

        foreach (var (name, values) in answer.Headers?.NonValidated ?? default(HttpHeadersNonValidated))
        {
            if (name.StartsWith("x-ratelimit-", StringComparison.OrdinalIgnoreCase) && !headers.ContainsKey(name))
            {
                headers[name] = values.ToString();
            }
        }
    }

    private static void Price(HttpContext context, double usd, string source)
    {
        context.Response.Headers["x-router-cost-usd"] = usd.ToString("0.##########", CultureInfo.InvariantCulture);
        context.Response.Headers["x-router-cost-source"] = source;
    }

    /// <summary>The upstream's answer with the serving model's name, and the receipt as its id.</summary>
    private static ReadOnlyMemory<byte> Finished(UpstreamAnswer answer, string? receipt)
    {
        var model = answer.Model.Value;
        if (!answer.Part.HasIdAndModel)
        {
            var json = JsonSplice.Set(answer.Body, "model", model);
            return receipt is null ? json : JsonSplice.Set(json, "id", receipt);
        }

        var output = new System.Buffers.ArrayBufferWriter<byte>(answer.Body.Length + 1024);
        answer.Part.Write(answer.Body, receipt is null ? [] : JsonSplice.Quoted(receipt), JsonSplice.Quoted(model), output);
        return output.WrittenMemory;
    }

    private ValueTask WarmAsync(ChatCall call, ModelId model, Spending spent) => call.Session is null ? default : sessions.RememberAsync(call.Session, model, spent.Tokens.Prompt);

    private static Spending Spent(ChatCall call, ModelProfile model, CompletionPart part) => Spent(call, model, part.Usage, part.TextBytes);

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

        Log(call, answer.Status == 200 ? answer.Model : null, isFailOver, spent, answer.Status);
    }

    private void Log(ChatCall call, ModelId? model, bool isFailOver, Spending? spent, int status)
    {
        var served = new ServedCall(call.Unrouted is null ? "apply" : "observe", model, isFailOver)
        {
            CostUsd = spent?.Usd,
            CostSource = spent?.Source,
            PromptTokens = spent?.Tokens.Prompt ?? 0,
            CompletionTokens = spent?.Tokens.Completion ?? 0,
            LatencySeconds = Stopwatch.GetElapsedTime(call.Started).TotalSeconds,
        };
        if (call.Decision is not null)
        {
            log.Offer(call.Decision, served);
            watch.Called(call.Tenant, call.Decision, served, status, call.IsCompared);
        }
        else
        {
            watch.Unrouted(call.Tenant, call.User, call.Unrouted!.Id, call.IsAuto, served, status);
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

    /// <summary>One request on its way.</summary>
    /// <param name="Unrouted">Who answers when no decision is followed; null: one is.</param>
    /// <param name="Session">Its name in shared state; null: the request belongs to none.</param>
    private sealed record ChatCall(HttpContext Context, long Started, byte[] Bytes, ChatBody Body, string Tenant, string? User, ModelProfile? Unrouted, ModelCatalog Catalog, string? Session)
    {
        /// <summary>Null: nothing was decided.</summary>
        public RouteDecision? Decision { get; set; }

        /// <summary>The client asked for routing, whether or not it is on.</summary>
        public bool IsAuto { get; init; }

        /// <summary>Two models answered.</summary>
        public bool IsCompared { get; set; }

        public Governor.Hold Hold { get; set; }

        /// <summary>As far as is known.</summary>
        public double SpentUsd { get; set; }

        public long PromptTokens => Body.Asked.PromptTokens ?? (Decision is not null ? (long)Decision.Receipt.InputTokens : (Body.Asked.Text.Length + 3) / 4);
    }

    private readonly record struct Spending(TokenUsage Tokens, double Usd, string Source);
}
