using System.Diagnostics;
using System.Security.Cryptography;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Chat;

/// <summary><c>POST /v1/chat/completions</c>: chooses a model, lets its upstream answer, and says which it was.</summary>
internal sealed class ChatEndpoint(
    ChatChoice choice, ChatComparison comparison, ChatBooks books, RoutedNames names, RoutingPolicy policy, PoolHolder pool, Upstreams upstreams, ChatRelay relay, Governor governor, Sessions sessions, ImplicitSignals signals, GatewaySettings settings, GatewayMetrics metrics)
{
    /// <summary>Below the version, here and at every upstream.</summary>
    public const string Path = "/chat/completions";

    /// <summary>The second is opencode's, which has no other name for a conversation where it speaks this API or Anthropic's.</summary>
    private const string SessionHeader = "x-router-session", AgentsSessionHeader = "x-session-id";

    private const int LongestSession = 256;

    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1" + Path, ChatAsync).WithMetadata(NeedsScope.Inference);

    private async Task ChatAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        var controls = ChatControls.Read(context.Request.Headers);
        var bytes = await RequestBody.ReadChatAsync(context, settings.Gateway).ConfigureAwait(false);
        await AnswerAsync(context, started, controls, ChatBody.Read(bytes), OpenAiForm.Instance).ConfigureAwait(false);
    }

    /// <summary>Answers a request that was read, in the form its client speaks.</summary>
    /// <param name="started"><see cref="Stopwatch"/> timestamp of its arrival.</param>
    public async Task AnswerAsync(HttpContext context, long started, ChatControls controls, ChatBody body, IAnswerForm form)
    {
        // 1. Who asks, and for what.
        var tenant = Edge.CallerOf(context).Tenant;
        var user = body.User ?? UserId.Check(context.Request.Headers[ChatControls.UserHeader], ChatControls.UserHeader);
        await governor.AdmitUserAsync(context, tenant, user).ConfigureAwait(false);
        var serving = pool.Current;
        var catalog = serving.Catalog;
        var asked = names.Read(body.Model, catalog);
        var followed = choice.ModeOf(controls);
        var isRouted = asked is not null && followed == RoutingMode.Apply;
        var allowed = governor.Allowed(catalog, tenant, controls.Category);
        var unrouted = asked is null ? names.Model(body.Model, catalog) : isRouted ? null : settings.Strongest(catalog, allowed);

        // 2. Choose, and set the cost aside.
        var call = new ChatCall(context, started, body, tenant, user, unrouted, catalog, SessionOf(context, tenant, user, body)) { IsAuto = asked is not null, Turn = isRouted ? TurnOf(tenant, user, body) : null };
        var isDecided = asked is not null && followed is not RoutingMode.Off;
        var request = new RouteRequest(body.Asked.Text)
        {
            PromptTokens = body.Asked.PromptTokens,
            LambdaCost = asked?.LambdaCost,
            Deferral = asked?.Deferral,
            MayCompare = unrouted is null && form.CanCompare && !body.Streams && choice.MayCompare(context, controls.Compare),
            Warm = call.Session is { } session && isDecided ? await sessions.RecallAsync(session, context.RequestAborted).ConfigureAwait(false) : null,
            Needs = body.Needs with { MaxCostUsd = controls.MaxCostUsd, UnhealthyModels = upstreams.Unhealthy(catalog), UsedUpModels = isRouted ? governor.UsedUp(tenant) : null, AllowedModels = allowed },
        };
        try
        {
            await choice.CheckAllowedAsync(call, request.Needs).ConfigureAwait(false);
            if (signals.IsOn && user is not null && !controls.IsRetry)
            {
                await signals.LookAsync(tenant, user, body, asked is not null ? null : unrouted, catalog).ConfigureAwait(false);
            }

            if (isDecided)
            {
                call.Decision = await choice.ChooseAsync(call, request).ConfigureAwait(false);
            }
        }
        catch (NoModelAllowedException e) when (e.ContextWindow is { } window)
        {
            throw TooLong.For(body, window, e.Message);
        }
        catch (NoModelAllowedException e) when (controls.MaxCostUsd is not null && body.Choices > 1)
        {
            throw new ApiException(422, ErrorCodes.InvalidRequest, "no_model_allowed", $"{e.Message} The request asks for {body.Choices} answers ('n'), which together may cost no more than {ChatControls.MaxCostHeader}: ask for fewer.", "n");
        }

        call.Hold = await choice.HoldAsync(call, request, serving).ConfigureAwait(false);
        try
        {
            // 3. Say who is asked, why, and by which receipt feedback finds its way back; a failure of the upstream is told with it.
            ChatHeaders.Tell(call, pool.Current.Snapshot.Version);
            if (call.Decision?.OfferedIndex is not null && unrouted is null)
            {
                await comparison.AnswerAsync(call).ConfigureAwait(false);
                return;
            }

            // 4. Let it answer.
            using var answer = await AskAsync(call, request).ConfigureAwait(false);

            // 5. Hand it on, and note what it cost.
            await HandOnAsync(call, answer, form).ConfigureAwait(false);
        }
        finally
        {
            await call.SettleAsync(governor).ConfigureAwait(false);
        }
    }

    /// <summary>Named by the header, else by the body, else by what agents send unasked.</summary>
    /// <returns>Null: the request belongs to no session.</returns>
    /// <exception cref="ApiException">400: the session's name is too long.</exception>
    private string? SessionOf(HttpContext context, string tenant, string? user, ChatBody body)
    {
        var (named, agents) = (context.Request.Headers[SessionHeader].ToString(), context.Request.Headers[AgentsSessionHeader].ToString());
        var session = named.Length > 0 ? named : body.CacheKey is { Length: > 0 } key ? key : (agents.Length <= LongestSession ? agents : null);
        return settings.Gateway.SessionSeconds == 0 || string.IsNullOrEmpty(session) ? null
            : session.Length <= LongestSession ? sessions.NameOf(tenant, user, session, body.Beginning.Span)
            : throw ApiException.BadValue(SessionHeader, $"The session's name has {session.Length} characters; it may have {LongestSession}.");
    }

    /// <summary>Asked for only where a turn goes on or a tool is called: it takes a pass over all the messages.</summary>
    private Lazy<string>? TurnOf(string tenant, string? user, ChatBody body) =>
        settings.Gateway.SessionSeconds == 0 || body.Turn.IsEmpty ? null : new(() => sessions.NameOf(tenant, user, Convert.ToHexString(SHA256.HashData(body.Turn.Span))));

    private async Task<UpstreamAnswer> AskAsync(ChatCall call, RouteRequest request)
    {
        try
        {
            var answer = await upstreams.SendAsync(Path, choice.InTurnAsync(call, request), call.Body.Forwarded, model => books.InVain(call, model), call.Context.RequestAborted).ConfigureAwait(false);
            if (call.Begun is { } begun && begun.Model == answer.Model)
            {
                // Whom the turn was given to instead failed as well, and what its own model said against the request is told after all: as that model's.
                call.Decision = begun;
                ChatHeaders.Tell(call, begun.SnapshotVersion);
            }

            return answer;
        }
        catch (CallerLeftException e)
        {
            var spent = call.SpentAsking(e.Model);
            call.Spend(spent.Usd);
            books.Left(call, e.Model, call.IsFailOver(e.Model), spent);
            throw;
        }
        catch (ApiException e)
        {
            books.Failed(call, e.Status);
            throw;
        }
    }

    private async Task HandOnAsync(ChatCall call, UpstreamAnswer answer, IAnswerForm form)
    {
        var (context, decision) = (call.Context, call.Decision);
        var isFailOver = call.IsFailOver(answer.Model);
        books.TookOver(answer, isFailOver);
        var receipt = call.Unrouted is not null ? null : policy.ReceiptFor(decision!, answer.Model);
        ChatHeaders.Retell(context.Response.Headers, answer, receipt, isFailOver);
        if (answer.Status != StatusCodes.Status200OK)
        {
            books.Answered(call, answer, isFailOver, null);
            await call.SettleBrieflyAsync(governor).ConfigureAwait(false);
            await form.WriteAsync(call, answer, receipt, null).ConfigureAwait(false);
            return;
        }

        if (call.Unrouted is null)
        {
            governor.Count(call.Tenant, answer.Model);
        }

        if (signals.IsOn && call.User is not null && receipt is not null && !call.Body.GoesOn) // a turn that tools interrupt is asked again from its beginning
        {
            await signals.RememberAsync(call.Tenant, call.User, call.Body, answer.Model, receipt).ConfigureAwait(false);
        }

        if (answer.Events is null)
        {
            var spent = call.Spent(answer);
            call.Spend(spent.Usd);
            ChatHeaders.Price(context, spent);
            books.Answered(call, answer, isFailOver, spent);
            await choice.RememberAsync(call, answer.Model, spent.Tokens, answer.Part.CallsTools).ConfigureAwait(false);
            await call.SettleBrieflyAsync(governor).ConfigureAwait(false);
            await form.WriteAsync(call, answer, receipt, spent).ConfigureAwait(false);
            return;
        }

        await StreamAsync(call, answer, form, receipt, isFailOver).ConfigureAwait(false);
    }

    private async Task StreamAsync(ChatCall call, UpstreamAnswer answer, IAnswerForm form, string? receipt, bool isFailOver)
    {
        metrics.FirstToken(call.Requested, answer.Model, Stopwatch.GetElapsedTime(call.Started).TotalSeconds);
        var (stream, spent, ending) = (new RelayedStream(), default(Spending), default(Task));
        try
        {
            await relay.RunAsync(call.Context, answer, form.Begin(call, answer, receipt), BeforeItsEndIsToldAsync, stream).ConfigureAwait(false);
        }
        finally
        {
            await (ending ??= EndAsync()).ConfigureAwait(false);
        }

        async Task<Spending> BeforeItsEndIsToldAsync()
        {
            ending ??= EndAsync();
            await Governor.BrieflyAsync(ending).ConfigureAwait(false);
            return spent;
        }

        // Also of a stream its reader left: what was produced until then is paid for.
        async Task EndAsync()
        {
            answer.Call?.End(stream.Usage, stream.IsBroken ? Upstreams.BrokeOff : stream.IsWhole ? null : UpstreamCall.Left);
            spent = call.Spent(answer.Model, stream.Usage, stream.UncountedBytes);
            call.Spend(spent.Usd);
            books.Answered(call, answer, isFailOver, spent);
            await call.SettleAsync(governor).ConfigureAwait(false);
            await choice.RememberAsync(call, answer.Model, spent.Tokens, stream.CallsTools).ConfigureAwait(false);
            if (signals.IsOn && call.User is not null && receipt is not null && !stream.IsWhole)
            {
                if (stream.IsBroken)
                {
                    await signals.ForgetAsync(call.Tenant, call.User, call.Body).ConfigureAwait(false);
                }
                else if (call.Context.RequestAborted.IsCancellationRequested)
                {
                    await signals.AbandonedAsync(call.Tenant, call.User, receipt).ConfigureAwait(false);
                }
            }
        }
    }
}
