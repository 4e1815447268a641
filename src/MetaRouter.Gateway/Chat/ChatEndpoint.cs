using System.Diagnostics;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Chat;

/// <summary><c>POST /v1/chat/completions</c>: chooses a model, lets its upstream answer, and says which it was.</summary>
internal sealed class ChatEndpoint(
    ChatChoice choice, ChatComparison comparison, ChatDelivery delivery, ChatLedger ledger, ChatSessions sessions, ImplicitSignals signals,
    RoutedNames names, PoolHolder pool, Upstreams upstreams, RateLimits rates, ModelAccess access, GatewaySettings settings) : IEndpoints
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1" + UpstreamApi.Chat.Path, ChatAsync).WithMetadata(NeedsScope.Inference);

    private async Task ChatAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        var controls = ChatControls.Read(context.Request.Headers);
        var bytes = await RequestBody.ReadChatAsync(context, settings.Gateway).ConfigureAwait(false);
        await AnswerAsync(context, started, controls, ChatBody.Read(bytes), OpenAiForm.Instance).ConfigureAwait(false);
    }

    /// <summary>Answers a request that was read, in the format of its client.</summary>
    /// <param name="started"><see cref="Stopwatch"/> timestamp of its arrival.</param>
    public async Task AnswerAsync(HttpContext context, long started, ChatControls controls, ChatBody body, IAnswerForm form)
    {
        // 1. Who asks, and for what.
        var tenant = Edge.TenantOf(context);
        var user = UserId.For(context, body.User, body.UserField);
        body = body with { Forwarded = body.Forwarded with { Tenant = tenant } };
        await rates.AdmitUserAsync(context, tenant, user).ConfigureAwait(false);
        var serving = pool.Current;
        var catalog = serving.Catalog;
        var asked = names.Read(body.Model, catalog);
        if (access.IsRoutedOnly(tenant))
        {
            CheckRouted(body.Model, asked, controls);
        }

        if (asked?.Deferral is not null && (controls.LambdaCost ?? controls.LambdaLatency) is not null)
        {
            var header = controls.LambdaCost is not null ? ChatControls.LambdaCostHeader : ChatControls.LambdaLatencyHeader;
            throw ApiException.BadValue(header, $"The header {header} moves the dial, and the model '{Shown(body.Model)}' goes by a threshold instead. Leave the header out, or ask for auto.");
        }

        var (followed, share) = choice.ModeOf(controls, tenant, user);
        var isRouted = asked is not null && followed == RoutingMode.Apply;
        var named = asked is null ? names.Model(body.Model, catalog) : null;
        var allowed = upstreams.Able(body.Forwarded, catalog, access.Allowed(catalog, tenant, controls.Category), named);
        var unrouted = named ?? (isRouted ? null : settings.Strongest(catalog, allowed));

        // 2. Choose, and set the cost aside.
        var call = new ChatCall(context, started, body, tenant, user, unrouted, catalog, sessions.NameOf(context, tenant, user, body))
        {
            Routed = asked?.Label,
            WantsDetails = controls.WantsDetails,
            ApplyShare = share,
            Turn = isRouted ? sessions.TurnOf(tenant, user, body) : null,
        };
        var isDecided = asked is not null && followed is not RoutingMode.Off;
        var request = new RouteRequest(body.Asked.Text)
        {
            PromptTokens = body.Asked.PromptTokens,
            LambdaCost = controls.LambdaCost ?? asked?.LambdaCost,
            LambdaLatency = controls.LambdaLatency,
            Deferral = asked?.Deferral,
            MayCompare = unrouted is null && form.CanCompare && !body.Streams && comparison.MayBeMade(context, controls.Compare),
            Warm = isDecided ? await sessions.RecallAsync(call).ConfigureAwait(false) : null,
            Needs = body.Needs with
            {
                MaxCostUsd = controls.MaxCostUsd,
                UnhealthyModels = upstreams.Unhealthy(catalog),
                UsedUpModels = isRouted ? access.UsedUp(tenant) : null,
                AllowedModels = allowed,
            },
        };
        try
        {
            ChatChoice.CheckAllowed(call, request, serving);
            await signals.LookAsync(call, controls.IsRetry).ConfigureAwait(false);
            if (isDecided)
            {
                call.Decision = await choice.ChooseAsync(call, request).ConfigureAwait(false);
            }
        }
        catch (NoModelAllowedException e) when (e.ContextWindow is { } window)
        {
            throw PromptTooLong.For(body, window, e.Message);
        }
        catch (NoModelAllowedException e) when (controls.MaxCostUsd is not null && body.Choices > 1)
        {
            throw new ApiException(
                422, ErrorCodes.InvalidRequest, "no_model_allowed",
                $"{e.Message} The request asks for {body.Choices} answers ('n'), which together may cost no more than {ChatControls.MaxCostHeader}: ask for fewer.",
                "n");
        }

        call.Hold = await choice.HoldAsync(call, request, serving).ConfigureAwait(false);
        try
        {
            // 3. Say in headers who is asked, why, and with which receipt; a failure of the upstream carries them too.
            ChatHeaders.Tell(call, pool.Current.Snapshot.Version);
            if (call.Decision?.OfferedIndex is not null && unrouted is null)
            {
                await comparison.AnswerAsync(call).ConfigureAwait(false);
                return;
            }

            // 4. Let it answer.
            using var answer = await AskAsync(call, request).ConfigureAwait(false);

            // 5. Send it on, and record what it cost.
            await delivery.HandOnAsync(call, answer, form).ConfigureAwait(false);
        }
        finally
        {
            await choice.SettleAsync(call).ConfigureAwait(false);
        }
    }

    /// <summary>Refuses what would choose the model in the router's place. What the operator has a client's name stand for is the operator's choice, thresholds too.</summary>
    /// <exception cref="ApiException">403: the request asks for a model, or for no routing.</exception>
    private void CheckRouted(string model, RoutedNames.Asked? asked, in ChatControls controls)
    {
        if (asked is null || (asked.Deferral is not null && !names.IsListed(model)))
        {
            throw NotRouted("model", $"the model '{Shown(model)}' would {(asked is null ? "be answered without routing" : "choose by its threshold alone")}. Ask for auto, auto:quality, auto:balanced or auto:cheap.");
        }

        if (controls.Mode != RoutingMode.Apply)
        {
            throw NotRouted(
                ChatControls.ModeHeader,
                $"the header {ChatControls.ModeHeader} is '{(controls.Mode == RoutingMode.Off ? "off" : "observe")}', by which a fixed model would answer. Leave it out, or send apply.");
        }

        static ApiException NotRouted(string param, string why) => new(403, ErrorCodes.InvalidRequest, "routed_only", $"This tenant's requests are always routed (RoutedOnly), and {why}", param);
    }

    private static string Shown(string model) => model.Length <= ModelId.MaxLength ? model : model[..ModelId.MaxLength] + "...";

    private async Task<UpstreamAnswer> AskAsync(ChatCall call, RouteRequest request)
    {
        try
        {
            var answer = await upstreams.SendAsync(
                call.Body.Forwarded, choice.InTurnAsync(call, request),
                model => ledger.Unanswered(call, model), call.Context.RequestAborted).ConfigureAwait(false);
            if (call.Begun is { } begun && begun.Model == answer.Model)
            {
                // The model that took over the turn failed as well, so the refusal by the turn's own model is passed on after all, as that model's.
                call.Decision = begun;
                ChatHeaders.Tell(call, begun.SnapshotVersion);
            }

            return answer;
        }
        catch (CallerLeftException e)
        {
            var spent = call.SpentAsking(e.Model);
            call.Spend(spent.Usd);
            ledger.Left(call, e.Model, call.IsFailOver(e.Model), spent);
            throw;
        }
        catch (ApiException e)
        {
            ledger.Failed(call, e.Status);
            throw;
        }
    }
}
