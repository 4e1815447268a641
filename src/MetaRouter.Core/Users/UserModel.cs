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
/// Deciding: O(text + models), the first time after learning and wherever it is weighed what an answer would teach O(signals x hypotheses) more; learning: O(signals).
/// A host keeps very many: of the belief only the acts that it came to stay in memory, some 16 bytes a topic, where the belief itself has a kilobyte a topic.
/// </remarks>
public sealed class UserModel
{
    /// <summary>A dial set higher for one request counts as this: quality counts for nothing there already, and further up a utility would leave what a float holds.</summary>
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

    /// <summary>What the signals say of the user. Drawn from them each time it is asked for, in O(signals x hypotheses): who needs it twice keeps it.</summary>
    public PreferenceBelief Belief => Believe().Belief;

    /// <summary>
    /// The weight of cost that decides where a request has no clear topic: the position of the dial of the greatest realised value. It is not <see cref="PreferenceBelief.ActingLambda"/>,
    /// which would decide if predictions came true on average.
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
        var explores = request.MayExplore && request.LambdaCost is null;
        var horizon = explores ? policy.Exploration.Horizon : 0;
        var (drawn, acts) = Volatile.Read(ref _acts) is { } known ? (null, known) : Believe(); // what the first decision after learning waits for
        var models = Pool.Catalog.Count;
        Span<Outcome> outcomes = stackalloc Outcome[models];
        Span<float> outputTokens = stackalloc float[models];
        Span<float> projected = stackalloc float[Pool.Projected];
        enters?.Invoke(DecisionStep.Encode);
        Pool.Snapshot.Encoder.Encode(request.Text, scratch);
        enters?.Invoke(DecisionStep.Predict);
        Pool.Predict(scratch, request.PromptTokens ?? float.NaN, outcomes, outputTokens, projected, request.Needs.ExpectedOutputTokens);
        KeepWarm(request, scratch, outcomes);
        enters?.Invoke(DecisionStep.Decide);
        var act = acts.On(scratch.Topic);
        Span<ModelExclusion> verdicts = stackalloc ModelExclusion[models];
        var allowed = Guard(request, policy, scratch, outcomes, outputTokens, verdicts);
        var (strong, weak) = request.Deferral is { } pairOf && Pool.Catalog.TryFind(pairOf.Strong, out var s) && Pool.Catalog.TryFind(pairOf.Weak, out var w) ? (s, w) : (-1, -1);
        var preference = Weigh(request, in act, strong, weak, outcomes);
        ReadOnlySpan<Outcome> judged = preference.LambdaLatency > 0 ? Timed(outcomes, stackalloc Outcome[models]) : outcomes;
        Span<Outcome> counted = stackalloc Outcome[models];
        if (strong >= 0)
        {
            judged.CopyTo(counted); // a threshold is set against the predictions themselves
        }
        else
        {
            Pool.Temper(scratch, judged, counted);
        }

        // Utilities of the allowed models, close together, and where each stands in the catalog.
        Span<double> utility = stackalloc double[allowed];
        Span<int> index = stackalloc int[allowed];
        Span<Outcome> able = stackalloc Outcome[allowed];
        for (int k = 0, a = 0; k < models; k++)
        {
            if (verdicts[k] == ModelExclusion.None)
            {
                (utility[a], index[a], able[a]) = (Utility.Of(counted[k], preference, Pool.CostScaleUsd), k, outcomes[k]);
                a++;
            }
        }

        Span<double> propensity = stackalloc double[allowed];
        int chosen;
        int? offered = null;
        DecisionReason reason;
        if (request.MayCompare && allowed > 1 && ChoosePair(On(scratch.Topic, drawn), outcomes, verdicts, policy.Guardrails.Limit(request.Needs)) is { } asked)
        {
            // Both answer; the one worth more counts as chosen.
            var firstBetter = Utility.Of(counted[asked.First], preference, Pool.CostScaleUsd) >= Utility.Of(counted[asked.Second], preference, Pool.CostScaleUsd);
            (chosen, offered) = firstBetter ? (asked.First, asked.Second) : (asked.Second, asked.First);
            reason = DecisionReason.Comparison;
            propensity[index.IndexOf(chosen)] = 1;
        }
        else if (strong >= 0 && allowed > 1)
        {
            (chosen, reason) = (Deferral.Score(outcomes[strong], outcomes[weak]) >= request.Deferral!.Threshold ? strong : weak, DecisionReason.BestForDial);
            propensity[index.IndexOf(chosen)] = 1;
        }
        else
        {
            Span<double> worth = stackalloc double[allowed];
            if (horizon > 0 && allowed > 1)
            {
                Teach(On(scratch.Topic, drawn), able, utility, horizon, worth);
            }
            else
            {
                utility.CopyTo(worth);
            }

            var choice = policy.Exploration.Choose(worth, explores ? act.Regret : 0, moment.Draw, propensity);
            chosen = index[choice.Index];
            reason = allowed == 1 ? DecisionReason.OnlyAllowed
                : choice.IsExplored || utility[choice.Index] < TensorPrimitives.Max<double>(utility) ? DecisionReason.Explored
                : request.LambdaCost is null ? DecisionReason.BestForUser : DecisionReason.BestForDial;
        }

        var candidates = Rank(outcomes, verdicts, utility, propensity);
        var receipt = new Receipt
        {
            TenantHash = moment.TenantHash,
            UserHash = moment.UserHash,
            DecisionTimeMs = moment.TimeMs,
            Nonce = moment.Nonce & SignalKey.MaxNonce,
            Erasure = moment.Erasure,
            SnapshotVersion = Pool.Snapshot.Version,
            CatalogVersion = Pool.Catalog.Version,
            ChosenModel = Receipt.HashOf(Pool.Catalog.Models[chosen].Id),
            OfferedModel = offered is { } o ? Receipt.HashOf(Pool.Catalog.Models[o].Id) : 0,
            Propensity = candidates[chosen].Propensity,
            PairPropensity = offered is null ? 0 : 1,
            IsExplored = reason == DecisionReason.Explored,
            IsComparison = offered is not null,
            Topic = scratch.Topic,
            First = outcomes[chosen],
            Offered = offered is { } other ? outcomes[other] : default,
            Middle = Outcome.Middle(able),
            InputTokens = request.PromptTokens ?? scratch.Tokens,
            OutputTokens = outputTokens[chosen],
            Features = new ReceiptFeatures(projected),
        };
        return new RouteDecision(candidates, chosen, offered, reason, preference, Pool.CostScaleUsd, receipt, policy.Sealer);
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
        var state = State.Add(new Signal(key, clientTimeMs, value, withdrawn, receipt.First, second) { Topic = receipt.Topic }, out outcome);
        return ReferenceEquals(state, State) ? this : new UserModel(Pool, state);
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

    /// <summary>What this user's signals say, with the prior divided out.</summary>
    public TaskSummary Summarise()
    {
        var log = new float[ChoiceModel.Hypotheses];
        var signals = PreferenceBelief.AddLogLikelihood(Pool.Snapshot.Prior, Pool.Context, State.Signals.AsSpan(), log);
        return new TaskSummary(log, signals);
    }

    /// <summary>What is believed on a topic, by which it is judged what an answer would teach.</summary>
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

    /// <summary>The trade-off that decides. A dial set for the request, or a pair to choose from, is the whole of it; what is learned of waiting belongs to what is learned of cost.</summary>
    /// <param name="strong">Of the pair that the request is deferred between; negative: of none.</param>
    private Preference Weigh(RouteRequest request, in DialAct act, int strong, int weak, ReadOnlySpan<Outcome> outcomes)
    {
        var lambda = request.LambdaCost is { } set ? Math.Min(set, MostLambda)
            : strong >= 0 ? request.Deferral!.LambdaCost(outcomes[strong], outcomes[weak], Pool.CostScaleUsd, PreferenceGrid.Lambda[^1])
            : PreferenceGrid.Lambda[act.Position];
        return new Preference(lambda, request.LambdaLatency is { } price ? Math.Min(price, MostLambda) : request.LambdaCost is null && strong < 0 ? act.SecondPrice : 0);
    }

    /// <summary>Every model with what was made of it. Utilities and propensities are those of the allowed ones, in their order.</summary>
    private RankedModel[] Rank(ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<ModelExclusion> verdicts, ReadOnlySpan<double> utility, ReadOnlySpan<double> propensity)
    {
        var candidates = new RankedModel[outcomes.Length];
        for (int k = 0, a = 0; k < candidates.Length; k++)
        {
            var isAllowed = verdicts[k] == ModelExclusion.None;
            candidates[k] = new RankedModel(Pool.Catalog.Models[k].Id, outcomes[k], isAllowed ? (float)utility[a] : float.NaN, isAllowed ? (float)propensity[a] : 0, verdicts[k]);
            a += isAllowed ? 1 : 0;
        }

        return candidates;
    }

    /// <summary>A model whose latency nobody knows is taken for as slow as the others on average: 0 seconds would make it the fastest.</summary>
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

    /// <summary>Utilities, and over a horizon what a word on each answer would teach.</summary>
    private void Teach(PreferenceBelief belief, ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<double> utility, double horizon, Span<double> worth)
    {
        new ComparisonSelector(belief, Pool).Teach(outcomes, worth);
        TensorPrimitives.MultiplyAdd(worth, horizon, utility, worth);
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
}
