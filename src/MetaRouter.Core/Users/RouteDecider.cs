using System.Numerics.Tensors;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Users;

/// <summary>One request of a user to decide, once it is known what the user is believed to want: <see cref="UserModel.Decide"/>.</summary>
/// <param name="acts">What the belief serves.</param>
/// <param name="drawn">The whole belief, where it was drawn just now; null: where an answer's worth to learning is weighed, it is drawn on the request's topic alone.</param>
/// <param name="scratch">For one thread at a time.</param>
internal readonly struct RouteDecider(RoutingPool pool, UserState state, TopicDial acts, PreferenceBelief? drawn, RouteRequest request, RoutingPolicy policy, RequestEncoding scratch)
{
    /// <summary>A dial set higher for one request counts as this: quality counts for nothing here already, and far above it a utility would overflow a float.</summary>
    private const double MostLambda = 1e9;

    /// <inheritdoc cref="UserModel.Decide"/>
    public RouteDecision Decide(in DecisionMoment moment, Action<DecisionStep>? enters)
    {
        // 1. What every model is predicted to give on this request.
        var models = pool.Catalog.Count;
        Span<Outcome> predicted = stackalloc Outcome[models];
        Span<float> outputTokens = stackalloc float[models];
        Span<float> projected = stackalloc float[pool.Projected];
        enters?.Invoke(DecisionStep.Encode);
        pool.Snapshot.Encoder.Encode(request.Text, scratch);
        enters?.Invoke(DecisionStep.Predict);
        pool.Predict(scratch, request.PromptTokens ?? float.NaN, predicted, outputTokens, projected, request.Needs.ExpectedOutputTokens);
        KeepWarm(predicted);
        enters?.Invoke(DecisionStep.Decide);

        // 2. Who may answer, and what each is worth.
        Span<ModelExclusion> verdicts = stackalloc ModelExclusion[models];
        var allowed = Guard(predicted, outputTokens, verdicts);
        var (act, pair) = (acts.On(scratch.Topic), PairOfRule());
        var preference = Weigh(act, pair, predicted);
        Span<Outcome> counted = stackalloc Outcome[models];
        Count(predicted, preference, pair is not null, counted);
        var contenders = new Contenders(stackalloc int[allowed], stackalloc Outcome[allowed], stackalloc double[allowed], stackalloc double[allowed]);
        contenders.Fill(verdicts, predicted, counted, preference, pool.CostScaleUsd);

        // 3. The choice.
        var choice = request.MayCompare && allowed > 1 && ChoosePair(predicted, verdicts) is { } shown ? Compare(shown, contenders)
            : pair is { } between && allowed > 1 ? Defer(request.Deferral!, between, predicted, contenders)
            : Draw(act, moment.Draw, contenders);

        // 4. What the caller is told, and what the receipt must carry.
        var candidates = Rank(predicted, verdicts, contenders);
        var receipt = ReceiptOf(moment, choice, candidates, Outcome.Middle(contenders.Predicted)) with
        {
            Topic = scratch.Topic,
            InputTokens = request.PromptTokens ?? scratch.Tokens,
            OutputTokens = outputTokens[choice.Model],
            Features = new ReceiptFeatures(projected),
        };
        return new RouteDecision(candidates, choice.Model, choice.Offered, choice.Reason, preference, pool.CostScaleUsd, receipt, policy.Sealer);
    }

    /// <summary>What is believed on the request's topic, used to judge what an answer would teach.</summary>
    private PreferenceBelief BeliefOnTopic()
    {
        if (drawn is not null)
        {
            return drawn.On(scratch.Topic);
        }

        Span<Signal> signals = stackalloc Signal[UserState.Window];
        return PreferenceBelief.FromOn(scratch.Topic, pool.Snapshot.Prior, pool.Context, state.Unpack(signals));
    }

    /// <summary>What leaving the last model would throw away: the prompt that it has in its cache is read there at the cached price.</summary>
    private void KeepWarm(Span<Outcome> outcomes)
    {
        if (request.Warm is { } warm && pool.Catalog.TryFind(warm.Model, out var last))
        {
            var cached = Math.Min(warm.CachedTokens, request.PromptTokens ?? scratch.Tokens);
            var saved = pool.Catalog.Models[last].InputPrice.CostUsd(cached) - pool.Catalog.Models[last].CachedPrice.CostUsd(cached);
            outcomes[last] = outcomes[last] with { CostUsd = MathF.Max(0, outcomes[last].CostUsd - (float)saved) };
        }
    }

    /// <summary>The two models that the request is deferred between, by their places in the catalog; null: it is not, or the catalog lacks one.</summary>
    private (int Strong, int Weak)? PairOfRule() =>
        request.Deferral is { } rule && pool.Catalog.TryFind(rule.Strong, out var strong) && pool.Catalog.TryFind(rule.Weak, out var weak) ? (strong, weak) : null;

    /// <summary>The trade-off that decides. A dial set for the request, or a pair to choose from, is the whole of it; what is learned of waiting belongs to what is learned of cost.</summary>
    private Preference Weigh(in DialAct act, (int Strong, int Weak)? pair, ReadOnlySpan<Outcome> predicted)
    {
        var lambda = request.LambdaCost is { } set ? Math.Min(set, MostLambda)
            : pair is var (strong, weak) ? request.Deferral!.LambdaCost(predicted[strong], predicted[weak], pool.CostScaleUsd, PreferenceGrid.Lambda[^1])
            : PreferenceGrid.Lambda[act.Position];
        return new Preference(lambda, request.LambdaLatency is { } price ? Math.Min(price, MostLambda) : request.LambdaCost is null && pair is null ? act.SecondPrice : 0);
    }

    /// <summary>What was predicted, as this choice counts it.</summary>
    private void Count(ReadOnlySpan<Outcome> predicted, in Preference preference, bool isDeferred, Span<Outcome> counted)
    {
        var timed = preference.LambdaLatency > 0 ? Timed(predicted, stackalloc Outcome[predicted.Length]) : predicted;
        if (isDeferred)
        {
            timed.CopyTo(counted); // a threshold is set against the predictions themselves
        }
        else
        {
            pool.Temper(scratch, timed, counted);
        }
    }

    /// <summary>Both answer; the one worth more counts as chosen.</summary>
    private static Choice Compare(in ComparisonChoice shown, Contenders contenders)
    {
        var (better, other) = contenders.UtilityOf(shown.First) >= contenders.UtilityOf(shown.Second) ? (shown.First, shown.Second) : (shown.Second, shown.First);
        contenders.Settle(better);
        return new Choice(better, other, DecisionReason.Comparison);
    }

    private static Choice Defer(DeferralRule rule, (int Strong, int Weak) pair, ReadOnlySpan<Outcome> predicted, Contenders contenders)
    {
        var model = Deferral.Score(predicted[pair.Strong], predicted[pair.Weak]) >= rule.Threshold ? pair.Strong : pair.Weak;
        contenders.Settle(model);
        return new Choice(model, null, DecisionReason.BestForDial);
    }

    /// <summary>The best model, or now and then another one to learn; where a horizon is set, what feedback on each answer would teach counts too.</summary>
    private Choice Draw(in DialAct act, double draw, Contenders contenders)
    {
        var exploration = policy.Exploration;
        var explores = request.MayExplore && request.LambdaCost is null;
        Span<double> worth = stackalloc double[contenders.Count];
        if (explores && exploration.Horizon > 0 && contenders.Count > 1)
        {
            new ComparisonSelector(BeliefOnTopic(), pool).Teach(contenders.Predicted, worth);
            TensorPrimitives.MultiplyAdd(worth, exploration.Horizon, contenders.Utility, worth);
        }
        else
        {
            contenders.Utility.CopyTo(worth);
        }

        var choice = exploration.Choose(worth, explores ? act.Regret : 0, draw, contenders.Propensity);
        return new Choice(contenders.Model(choice.Index), null,
            contenders.Count == 1 ? DecisionReason.OnlyAllowed
            : choice.IsExplored || contenders.Utility[choice.Index] < TensorPrimitives.Max(contenders.Utility) ? DecisionReason.Explored
            : request.LambdaCost is null ? DecisionReason.BestForUser : DecisionReason.BestForDial);
    }

    private Receipt ReceiptOf(in DecisionMoment moment, in Choice choice, RankedModel[] candidates, in Outcome middle) => new()
    {
        TenantHash = moment.TenantHash,
        UserHash = moment.UserHash,
        DecisionTimeMs = moment.TimeMs,
        Nonce = moment.Nonce & SignalKey.MaxNonce,
        Erasure = moment.Erasure,
        SnapshotVersion = pool.Snapshot.Version,
        CatalogVersion = pool.Catalog.Version,
        ChosenModel = Receipt.HashOf(candidates[choice.Model].Model),
        OfferedModel = choice.Offered is { } offered ? Receipt.HashOf(candidates[offered].Model) : 0,
        Propensity = candidates[choice.Model].Propensity,
        PairPropensity = choice.Offered is null ? 0 : 1,
        IsExplored = choice.Reason == DecisionReason.Explored,
        IsComparison = choice.Offered is not null,
        First = candidates[choice.Model].Predicted,
        Offered = choice.Offered is { } second ? candidates[second].Predicted : default,
        Middle = middle,
    };

    /// <summary>Every model of the catalog with what was made of it.</summary>
    private RankedModel[] Rank(ReadOnlySpan<Outcome> predicted, ReadOnlySpan<ModelExclusion> verdicts, Contenders contenders)
    {
        var candidates = new RankedModel[predicted.Length];
        for (int k = 0, a = 0; k < candidates.Length; k++)
        {
            var isAllowed = verdicts[k] == ModelExclusion.None;
            candidates[k] = new RankedModel(
                pool.Catalog.Models[k].Id, predicted[k],
                isAllowed ? (float)contenders.Utility[a] : float.NaN,
                isAllowed ? (float)contenders.Propensity[a] : 0, verdicts[k]);
            a += isAllowed ? 1 : 0;
        }

        return candidates;
    }

    /// <summary>A model whose latency nobody knows is taken to be as slow as the others on average: 0 seconds would make it the fastest.</summary>
    private static ReadOnlySpan<Outcome> Timed(ReadOnlySpan<Outcome> outcomes, Span<Outcome> timed)
    {
        var (seconds, known) = (0f, 0);
        foreach (ref readonly var outcome in outcomes)
        {
            (seconds, known) = (seconds + outcome.LatencySeconds, known + (outcome.LatencySeconds > 0 ? 1 : 0));
        }

        for (var k = 0; k < timed.Length; k++)
        {
            timed[k] = outcomes[k].LatencySeconds > 0 ? outcomes[k] : outcomes[k] with { LatencySeconds = seconds / Math.Max(known, 1) };
        }

        return timed;
    }

    private int Guard(ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<float> outputTokens, Span<ModelExclusion> verdicts)
    {
        Span<float> cost = stackalloc float[outcomes.Length];
        var longest = 0f;
        for (var k = 0; k < outcomes.Length; k++)
        {
            cost[k] = outcomes[k].CostUsd;
            longest = MathF.Max(longest, outputTokens[k] / (float)pool.Catalog.Models[k].OutputScale); // what one model thinks takes no room in another's window
        }

        var needs = request.Needs;
        needs = needs with
        {
            AllowedModels = request.Deferral?.Among(needs.AllowedModels) ?? needs.AllowedModels,
            PromptTokens = needs.PromptTokens > 0 ? needs.PromptTokens : request.PromptTokens ?? (int)scratch.Tokens,
            ExpectedOutputTokens = needs.ExpectedOutputTokens > 0 ? needs.ExpectedOutputTokens : (int)MathF.Min(longest, 4096),
        };
        return policy.Guardrails.Apply(pool.Catalog, needs, cost, needs.UnhealthyModels, verdicts);
    }

    /// <summary>The two models worth showing side by side; two answers are one request, whose limit pays for both.</summary>
    private ComparisonChoice? ChoosePair(ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ModelExclusion> verdicts)
    {
        Span<bool> allowed = stackalloc bool[outcomes.Length];
        for (var k = 0; k < allowed.Length; k++)
        {
            allowed[k] = verdicts[k] == ModelExclusion.None;
        }

        return new ComparisonSelector(BeliefOnTopic(), pool).Select(outcomes, allowed, policy.Guardrails.Limit(request.Needs));
    }

    /// <param name="Model">The chosen model's place in the catalog.</param>
    /// <param name="Offered">That of the model shown beside it; null: none is.</param>
    private readonly record struct Choice(int Model, int? Offered, DecisionReason Reason);
}
