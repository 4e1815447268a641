using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Chat;

/// <summary>Chooses who answers a call, and sets its cost aside.</summary>
internal sealed class ChatChoice(IEdgeRouter router, PoolHolder pool, Budgets budgets, ModeKeeper mode, RollOut rollOut, ChatSessions sessions)
{
    /// <summary>What the operator set, narrowed by what the caller asks for; and the share of users by which whoever asks was drawn, null where nobody was.</summary>
    /// <param name="user">Null: nobody was named.</param>
    public (RoutingMode Mode, double? ApplyShare) ModeOf(ChatControls controls, string tenant, string? user) => mode.Mode switch
    {
        ModeKeeper.Static => (RoutingMode.Off, null),
        ModeKeeper.Observe when controls.Mode == RoutingMode.Apply => (RoutingMode.Observe, null),
        ModeKeeper.Apply when controls.Mode == RoutingMode.Apply && rollOut.Share < 1 => (rollOut.Includes(tenant, user) ? RoutingMode.Apply : RoutingMode.Observe, rollOut.Share),
        _ => (controls.Mode, null),
    };

    /// <summary>Refuses a model that the tenant may not use or that is over the caller's limit, also one asked for by name.</summary>
    /// <exception cref="ApiException">403: the model may not answer this request.</exception>
    /// <exception cref="NoModelAllowedException">It would cost too much.</exception>
    public static void CheckAllowed(ChatCall call, RouteRequest request, RoutingPool serving)
    {
        if (call.Unrouted is not { } model)
        {
            return;
        }

        var needs = request.Needs;
        if (needs.AllowedModels?.Contains(model.Id) == false)
        {
            throw new ApiException(
                403, ErrorCodes.InvalidRequest, "model_not_allowed",
                $"The model '{model.Id}' may not answer this request: the tenant's rules or the request's category leave "
                    + $"{string.Join(", ", needs.AllowedModels.Select(m => m.Value).DefaultIfEmpty("none"))}. Name one of these, or auto.",
                "model");
        }

        if (needs.MaxCostUsd is { } most)
        {
            Predict(call, request, serving);
            if (!(call.ExpectedUsd <= most))
            {
                throw new NoModelAllowedException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{model.Id}' would cost ${call.ExpectedUsd:0.############}, over the limit of ${most:0.############} ({ChatControls.MaxCostHeader}). "
                        + $"Raise it, shorten the request, or name a cheaper model."));
            }
        }
    }

    private static void Predict(ChatCall call, RouteRequest request, RoutingPool serving) =>
        call.UnroutedUsd = serving.PredictCostUsd(request.Text, request.PromptTokens, call.Unrouted!.Id, call.Body.Needs.ExpectedOutputTokens, EncodingScratch.OfThread);

    /// <summary>
    /// The model that is worth most; but a turn that tools interrupt stays with the model that began it, while that may answer: another would be handed tool calls it never
    /// made, and pay for the prompt anew.
    /// </summary>
    public async ValueTask<RouteDecision> ChooseAsync(ChatCall call, RouteRequest request)
    {
        if (await sessions.RecallTurnAsync(call).ConfigureAwait(false) is { } begun && request.Needs.AllowedModels?.Contains(begun.Model) != false)
        {
            try
            {
                var decision = await DecideAsync(call, request with { MayCompare = false, Needs = request.Needs with { AllowedModels = new HashSet<ModelId> { begun.Model } } }).ConfigureAwait(false);
                call.GoesOn = true;
                return decision;
            }
            catch (NoModelAllowedException)
            {
                // Not with that one any more.
            }
        }

        return await EvenResting.DecideAsync(request, r => DecideAsync(call, r)).ConfigureAwait(false);
    }

    /// <summary>
    /// Who is asked, in turn, as long as nobody answers: those of the decision, then, if it was limited to the model that began the turn, those of a new decision, since
    /// any answer is better than none. For a model that would cost more than is set aside, more is set aside first, or it is skipped.
    /// </summary>
    public async IAsyncEnumerable<ModelId> InTurnAsync(ChatCall call, RouteRequest request)
    {
        await foreach (var model in FittingAsync(call).ConfigureAwait(false))
        {
            yield return model;
        }

        if (!call.GoesOn || await DecideWithoutAsync(call, request, call.Decision!.Model).ConfigureAwait(false) is not { } another)
        {
            yield break;
        }

        var begun = call.Decision;
        (call.Decision, call.GoesOn) = (another, false);
        var isAsked = false;
        await foreach (var model in FittingAsync(call).ConfigureAwait(false))
        {
            if (!isAsked)
            {
                (isAsked, call.Begun) = (true, begun);
                ChatHeaders.Tell(call, pool.Current.Snapshot.Version);
            }

            yield return model;
        }

        call.Decision = isAsked ? another : begun;
    }

    private async IAsyncEnumerable<ModelId> FittingAsync(ChatCall call)
    {
        foreach (var model in call.Order)
        {
            if (await budgets.RaiseAsync(call.Hold, call.SpentUsd + call.ExpectedOf(model), call.Context.RequestAborted).ConfigureAwait(false) is { } hold)
            {
                call.Hold = hold;
                yield return model;
            }
        }
    }

    /// <returns>Null: no other may answer.</returns>
    private async ValueTask<RouteDecision?> DecideWithoutAsync(ChatCall call, RouteRequest request, ModelId failed)
    {
        try
        {
            return await DecideAsync(call, request with
            {
                MayCompare = false,
                Needs = request.Needs with { UnhealthyModels = new HashSet<ModelId>([.. request.Needs.UnhealthyModels ?? new HashSet<ModelId>(), failed]) },
            }).ConfigureAwait(false);
        }
        catch (NoModelAllowedException)
        {
            return null;
        }
    }

    private async ValueTask<RouteDecision> DecideAsync(ChatCall call, RouteRequest request)
    {
        var decision = await DecideOnceAsync(call, request).ConfigureAwait(false);
        return Within(call, decision, request.Needs) is not { } fitting ? decision
            : WithLimit(
                await DecideOnceAsync(call, request with { MayCompare = false, Needs = request.Needs with { AllowedModels = fitting } }).ConfigureAwait(false),
                decision.InTurn.Except(fitting).ToHashSet());
    }

    /// <summary>The decision, in which models left out because all their answers together would cost too much are marked over the cost limit, not as forbidden by a rule.</summary>
    private static RouteDecision WithLimit(RouteDecision decision, HashSet<ModelId> over) => RouteDecision.Restore(
        [.. decision.Candidates.Select(c => c.Exclusion == ModelExclusion.NotAllowed && over.Contains(c.Model) ? c with { Exclusion = ModelExclusion.OverCostLimit } : c)],
        decision.ChosenIndex, decision.OfferedIndex, decision.Reason, decision.Preference, decision.CostScaleUsd, decision.Receipt, decision.Token);

    /// <summary>Checks all of a call's answers against what they may cost: a decision checks one answer, since only the call knows what several cost together.</summary>
    /// <returns>The models to decide among instead; null: the decision stays within the limit, whoever answers.</returns>
    /// <exception cref="NoModelAllowedException">No model stays within the limit.</exception>
    private static HashSet<ModelId>? Within(ChatCall call, RouteDecision decision, in RouteNeeds needs)
    {
        if (call.Body.Choices == 1 || needs.MaxCostUsd is not { } most)
        {
            return null;
        }

        var able = decision.Candidates.Where(c => c.Exclusion == ModelExclusion.None).Select(c => c.Model).ToList();
        var fitting = able.Where(m => call.ExpectedOf(m, decision) <= most).ToHashSet();
        if (fitting.Count == 0)
        {
            var cheapest = able.MinBy(m => call.ExpectedOf(m, decision));
            throw new NoModelAllowedException(string.Create(
                CultureInfo.InvariantCulture,
                $"No model may answer this request: the cheapest, '{cheapest}', would cost ${call.ExpectedOf(cheapest, decision):0.############}, "
                    + $"over the limit of ${most:0.############}. Raise the cost limit, shorten the request, or add a cheaper model."));
        }

        return fitting.Count == able.Count && (decision.Offered is not { } offered || call.ExpectedOf(decision.Model, decision) + call.ExpectedOf(offered, decision) <= most) ? null : fitting;
    }

    private async ValueTask<RouteDecision> DecideOnceAsync(ChatCall call, RouteRequest request)
    {
        var decision = call.User is null
            ? await router.DecideAnonymousAsync(call.Tenant, request, call.Context.RequestAborted).ConfigureAwait(false)
            : await router.DecideAsync(call.Tenant, call.User, request, call.Context.RequestAborted).ConfigureAwait(false);
        if (call.Unrouted is null && decision.Receipt.CatalogVersion != call.Catalog.Version)
        {
            call.Catalog = pool.Current.Catalog; // the catalog was replaced meanwhile, and the chosen model may be missing from the previous one
        }

        return decision;
    }

    /// <summary>Replaces what was set aside for the call by what it cost.</summary>
    public Task SettleAsync(ChatCall call) => call.SettleAsync(budgets);

    /// <summary>Sets the expected cost aside; where it does not fit the budget, chooses again among what does.</summary>
    /// <param name="serving">The pool whose catalog the call began with.</param>
    /// <exception cref="ApiException">429: nothing that may answer fits what is left.</exception>
    public async ValueTask<Budgets.Hold> HoldAsync(ChatCall call, RouteRequest request, RoutingPool serving)
    {
        if (!budgets.HasBudget(call.Tenant, call.User))
        {
            return default;
        }

        if (call is { Unrouted: not null, UnroutedUsd: 0 }) // else the limit has asked
        {
            Predict(call, request, serving);
        }

        for (var attempt = 0; ; attempt++)
        {
            var expected = call.ExpectedUsd;
            var (hold, shortage) = await budgets.ReserveAsync(call.Tenant, call.User, expected, call.Context.RequestAborted).ConfigureAwait(false);
            if (shortage is not { } missing)
            {
                return hold;
            }

            if (call.Unrouted is not null || attempt == 2)
            {
                throw budgets.OverBudget(call.Tenant, expected, missing);
            }

            if (call.GoesOn)
            {
                // The model that began the turn is too dear for what is left; the others were not considered yet.
                call.GoesOn = false;
                call.Decision = await EvenResting.DecideAsync(request with { MayCompare = false }, r => DecideAsync(call, r)).ConfigureAwait(false);
                continue;
            }

            try
            {
                call.Decision = await DecideAsync(call, request with
                {
                    MayCompare = false,
                    Needs = request.Needs with { MaxCostUsd = Math.Min(missing.LeftUsd, request.Needs.MaxCostUsd ?? missing.LeftUsd) },
                }).ConfigureAwait(false);
            }
            catch (NoModelAllowedException)
            {
                throw budgets.OverBudget(call.Tenant, call.Decision!.Candidates.Where(c => c.Exclusion == ModelExclusion.None).Min(c => call.ExpectedOf(c.Model)), missing);
            }
        }
    }
}
