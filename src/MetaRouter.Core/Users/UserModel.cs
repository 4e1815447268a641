using System.Numerics.Tensors;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Users;

/// <summary>
/// One user: decides which model answers, learns from what the user says of it, and tells the meta-learner what this user teaches about others.
/// A host restores it from <see cref="UserState"/>, calls it, and saves the state; everything else follows from the state and the pool.
/// </summary>
/// <remarks>
/// Immutable: learning gives a new model. Deterministic: equal state, pool, request and moment give equal decisions.
/// Deciding: O(text + models), and O(signals x hypotheses) more the first time after learning and whenever it weighs what an answer would teach; learning: O(signals).
/// A host keeps very many: of the belief only the resulting acts stay in memory, some 16 bytes a topic, where the belief itself takes a kilobyte a topic.
/// </remarks>
public sealed class UserModel
{
    /// <summary>A dial set higher for one request counts as this: quality counts for nothing here already, and far above it a utility would overflow a float.</summary>
    private const double MostLambda = 1e9;

    private TopicDial? _acts;

    public UserModel(RoutingPool pool, UserState state)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(state);
        (Pool, State) = (pool, state);
    }

    public RoutingPool Pool { get; }

    public UserState State { get; }

    /// <summary>What the signals say of the user. Drawn from them each time it is asked for, in O(signals x hypotheses): keep it where it is needed twice.</summary>
    public PreferenceBelief Belief => Believe().Belief;

    /// <summary>
    /// The weight of cost that decides where a request has no clear topic: the position of the dial of the greatest realised value. That of <see cref="PreferenceBelief.CostShare"/>
    /// would decide if predictions came true on average.
    /// </summary>
    public double ActingLambda => PreferenceGrid.Lambda[Acts.Own.Position];

    /// <summary>Drawn when first asked for: several signals between two requests cost one belief.</summary>
    private TopicDial Acts => Volatile.Read(ref _acts) ?? Believe().Acts;

    /// <summary>The same user under another snapshot or catalog: signals stay, the belief is drawn from them anew.</summary>
    public UserModel On(RoutingPool pool) => ReferenceEquals(pool, Pool) ? this : new UserModel(pool, State);

    /// <summary>Which model answers the request.</summary>
    /// <param name="scratch">For one thread at a time.</param>
    /// <param name="enters">Told of each step as it begins; what came before the first was the belief. Null: nobody asks.</param>
    /// <exception cref="NoModelAllowedException">The guardrails leave no model.</exception>
    /// <exception cref="ArgumentException">A number of the request is outside its range.</exception>
    public RouteDecision Decide(RouteRequest request, RoutingPolicy policy, in DecisionMoment moment, RequestEncoding scratch, Action<DecisionStep>? enters = null)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(scratch);
        request.Validate();

        // 1. What the user is believed to want: what the first decision after learning waits for.
        var (drawn, acts) = Volatile.Read(ref _acts) is { } known ? (null, known) : Believe();

        // 2. What every model is predicted to give on this request.
        var models = Pool.Catalog.Count;
        Span<Outcome> predicted = stackalloc Outcome[models];
        Span<float> outputTokens = stackalloc float[models];
        Span<float> projected = stackalloc float[Pool.Projected];
        enters?.Invoke(DecisionStep.Encode);
        Pool.Snapshot.Encoder.Encode(request.Text, scratch);
        enters?.Invoke(DecisionStep.Predict);
        Pool.Predict(scratch, request.PromptTokens ?? float.NaN, predicted, outputTokens, projected, request.Needs.ExpectedOutputTokens);
        KeepWarm(request, scratch, predicted);
        enters?.Invoke(DecisionStep.Decide);

        // 3. Who may answer, and what each is worth.
        Span<ModelExclusion> verdicts = stackalloc ModelExclusion[models];
        var allowed = Guard(request, policy, scratch, predicted, outputTokens, verdicts);
        var (act, pair) = (acts.On(scratch.Topic), PairOf(request.Deferral));
        var preference = Weigh(request, act, pair, predicted);
        Span<Outcome> counted = stackalloc Outcome[models];
        Count(scratch, predicted, preference, pair is not null, counted);
        var contenders = new Contenders(stackalloc int[allowed], stackalloc Outcome[allowed], stackalloc double[allowed], stackalloc double[allowed]);
        contenders.Fill(verdicts, predicted, counted, preference, Pool.CostScaleUsd);

        // 4. The choice.
        var choice = request.MayCompare && allowed > 1 && ChoosePair(On(scratch.Topic, drawn), predicted, verdicts, policy.Guardrails.Limit(request.Needs)) is { } shown ? Compare(shown, contenders)
            : pair is { } between && allowed > 1 ? Defer(request.Deferral!, between, predicted, contenders)
            : Draw(request, policy.Exploration, act, moment.Draw, scratch.Topic, drawn, contenders);

        // 5. What the caller is told, and what the receipt must carry.
        var candidates = Rank(predicted, verdicts, contenders);
        var receipt = ReceiptOf(moment, choice, candidates, Outcome.Middle(contenders.Predicted)) with
        {
            Topic = scratch.Topic,
            InputTokens = request.PromptTokens ?? scratch.Tokens,
            OutputTokens = outputTokens[choice.Model],
            Features = new ReceiptFeatures(projected),
        };
        return new RouteDecision(candidates, choice.Model, choice.Offered, choice.Reason, preference, Pool.CostScaleUsd, receipt, policy.Sealer);
    }

    /// <summary>The user after one piece of feedback on an opened receipt.</summary>
    /// <param name="value">As <see cref="FeedbackKind"/> defines it.</param>
    /// <param name="clientTimeMs">When the user spoke, Unix milliseconds; a later word replaces an earlier one.</param>
    /// <param name="withdrawn">The user takes back what was said.</param>
    /// <param name="outcome">Whether it counted, was a repeat, or came too late for the window.</param>
    /// <exception cref="ArgumentException">The value is not one of the kind's, or a comparison without an offered model.</exception>
    public UserModel Learn(in Receipt receipt, FeedbackKind kind, byte value, long clientTimeMs, bool withdrawn, out AddOutcome outcome)
    {
        if (kind == FeedbackKind.Comparison && !receipt.IsComparison)
        {
            throw new ArgumentException("This decision offered one answer, so it cannot be compared; send a thumb, or ask for a comparison when routing.", nameof(kind));
        }

        var second = kind == FeedbackKind.Comparison ? receipt.Offered : receipt.Middle;
        var key = new SignalKey(receipt.DecisionTimeMs, receipt.Nonce, kind);
        return With(State.Add(new Signal(key, clientTimeMs, value, withdrawn, receipt.First, second) { Topic = receipt.Topic }, out outcome));
    }

    /// <summary>The user after feedback on an opened receipt, as it arrived.</summary>
    /// <remarks>
    /// Feedback that does not say when it was meant, or says so from the future, counts as said when it arrives. A client that never saw the answer sends it
    /// again, and later: the same word then is a repeat, not a change of mind. And a clock that runs ahead must not have the last word for good.
    /// </remarks>
    /// <param name="nowMs">Unix milliseconds.</param>
    /// <inheritdoc cref="Learn(in Receipt, FeedbackKind, byte, long, bool, out AddOutcome)"/>
    public UserModel Learn(in Receipt receipt, Feedback feedback, long nowMs, out AddOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        var said = feedback.OccurredAt?.ToUnixTimeMilliseconds() ?? long.MaxValue;
        if (said > nowMs && State.TryFind(new SignalKey(receipt.DecisionTimeMs, receipt.Nonce, feedback.Kind), out var known)
            && known.Withdrawn == feedback.Withdrawn && (known.Withdrawn || known.Value == feedback.Value))
        {
            outcome = AddOutcome.Repeat;
            return this;
        }

        return Learn(receipt, feedback.Kind, feedback.Value, Math.Min(said, nowMs), feedback.Withdrawn, out outcome);
    }

    /// <summary>The user with what another record of the same user holds as well; this very one where it holds nothing new.</summary>
    public UserModel Join(UserState other) => With(State.Merge(other));

    /// <summary>
    /// What this user's signals say, with the prior divided out. They are heard as <see cref="PopulationPrior.Default"/> hears them, from which every fit starts, whatever serves:
    /// what one that others taught made of them would keep those others in what is learned, also when they are gone.
    /// </summary>
    public TaskSummary Summarise()
    {
        var log = new float[ChoiceModel.Hypotheses];
        var signals = WindowLikelihood.Add(PopulationPrior.Default, Pool.Context, State.Signals.AsSpan(), log);
        return new TaskSummary(log, signals);
    }

    private UserModel With(UserState state) => ReferenceEquals(state, State) ? this : new UserModel(Pool, state);

    /// <summary>What is believed on a topic, used to judge what an answer would teach.</summary>
    /// <param name="drawn">The whole belief, where it is there.</param>
    private PreferenceBelief On(byte topic, PreferenceBelief? drawn)
    {
        if (drawn is not null)
        {
            return drawn.On(topic);
        }

        Span<Signal> signals = stackalloc Signal[UserState.Window];
        return PreferenceBelief.FromOn(topic, Pool.Snapshot.Prior, Pool.Context, State.Unpack(signals));
    }

    /// <summary>Leaves the acts for the next decision. Threads that ask at once draw equal beliefs: it does not matter whose acts stay.</summary>
    private (PreferenceBelief Belief, TopicDial Acts) Believe()
    {
        var belief = PreferenceBelief.From(Pool.Snapshot.Prior, Pool.Context, State.Signals.AsSpan());
        var acts = Volatile.Read(ref _acts);
        if (acts is null)
        {
            Volatile.Write(ref _acts, acts = new TopicDial(belief, Pool.Values));
        }

        return (belief, acts);
    }

    /// <summary>What leaving the last model would throw away: the prompt that it has in its cache is read there at the cached price.</summary>
    private void KeepWarm(RouteRequest request, RequestEncoding scratch, Span<Outcome> outcomes)
    {
        if (request.Warm is { } warm && Pool.Catalog.TryFind(warm.Model, out var last))
        {
            var cached = Math.Min(warm.CachedTokens, request.PromptTokens ?? scratch.Tokens);
            var saved = Pool.Catalog.Models[last].InputPrice.CostUsd(cached) - Pool.Catalog.Models[last].CachedPrice.CostUsd(cached);
            outcomes[last] = outcomes[last] with { CostUsd = MathF.Max(0, outcomes[last].CostUsd - (float)saved) };
        }
    }

    /// <summary>The two models that the request is deferred between, by their places in the catalog; null: it is not, or the catalog lacks one.</summary>
    private (int Strong, int Weak)? PairOf(DeferralRule? rule) =>
        rule is not null && Pool.Catalog.TryFind(rule.Strong, out var strong) && Pool.Catalog.TryFind(rule.Weak, out var weak) ? (strong, weak) : null;

    /// <summary>The trade-off that decides. A dial set for the request, or a pair to choose from, is the whole of it; what is learned of waiting belongs to what is learned of cost.</summary>
    private Preference Weigh(RouteRequest request, in DialAct act, (int Strong, int Weak)? pair, ReadOnlySpan<Outcome> predicted)
    {
        var lambda = request.LambdaCost is { } set ? Math.Min(set, MostLambda)
            : pair is var (strong, weak) ? request.Deferral!.LambdaCost(predicted[strong], predicted[weak], Pool.CostScaleUsd, PreferenceGrid.Lambda[^1])
            : PreferenceGrid.Lambda[act.Position];
        return new Preference(lambda, request.LambdaLatency is { } price ? Math.Min(price, MostLambda) : request.LambdaCost is null && pair is null ? act.SecondPrice : 0);
    }

    /// <summary>What was predicted, as this choice counts it.</summary>
    private void Count(RequestEncoding request, ReadOnlySpan<Outcome> predicted, in Preference preference, bool isDeferred, Span<Outcome> counted)
    {
        var timed = preference.LambdaLatency > 0 ? Timed(predicted, stackalloc Outcome[predicted.Length]) : predicted;
        if (isDeferred)
        {
            timed.CopyTo(counted); // a threshold is set against the predictions themselves
        }
        else
        {
            Pool.Temper(request, timed, counted);
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
    private Choice Draw(RouteRequest request, ExplorationPolicy exploration, in DialAct act, double draw, byte topic, PreferenceBelief? drawn, Contenders contenders)
    {
        var explores = request.MayExplore && request.LambdaCost is null;
        Span<double> worth = stackalloc double[contenders.Count];
        if (explores && exploration.Horizon > 0 && contenders.Count > 1)
        {
            new ComparisonSelector(On(topic, drawn), Pool).Teach(contenders.Predicted, worth);
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
        SnapshotVersion = Pool.Snapshot.Version,
        CatalogVersion = Pool.Catalog.Version,
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
                Pool.Catalog.Models[k].Id, predicted[k],
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

    private int Guard(RouteRequest request, RoutingPolicy policy, RequestEncoding scratch, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<float> outputTokens, Span<ModelExclusion> verdicts)
    {
        Span<float> cost = stackalloc float[outcomes.Length];
        var longest = 0f;
        for (var k = 0; k < outcomes.Length; k++)
        {
            cost[k] = outcomes[k].CostUsd;
            longest = MathF.Max(longest, outputTokens[k]);
        }

        var needs = request.Needs;
        needs = needs with
        {
            AllowedModels = request.Deferral?.Among(needs.AllowedModels) ?? needs.AllowedModels,
            PromptTokens = needs.PromptTokens > 0 ? needs.PromptTokens : request.PromptTokens ?? (int)scratch.Tokens,
            ExpectedOutputTokens = needs.ExpectedOutputTokens > 0 ? needs.ExpectedOutputTokens : (int)MathF.Min(longest, 4096),
        };
        return policy.Guardrails.Apply(Pool.Catalog, needs, cost, needs.UnhealthyModels, verdicts);
    }

    /// <param name="mostCostUsd">Two answers are one request: it pays for both.</param>
    private ComparisonChoice? ChoosePair(PreferenceBelief belief, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ModelExclusion> verdicts, double mostCostUsd)
    {
        Span<bool> allowed = stackalloc bool[outcomes.Length];
        for (var k = 0; k < allowed.Length; k++)
        {
            allowed[k] = verdicts[k] == ModelExclusion.None;
        }

        return new ComparisonSelector(belief, Pool).Select(outcomes, allowed, mostCostUsd);
    }

    /// <param name="Model">The chosen model's place in the catalog.</param>
    /// <param name="Offered">That of the model shown beside it; null: none is.</param>
    private readonly record struct Choice(int Model, int? Offered, DecisionReason Reason);
}
