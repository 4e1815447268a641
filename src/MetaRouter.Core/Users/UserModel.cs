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

        // What the first decision after learning waits for.
        var (drawn, acts) = Volatile.Read(ref _acts) is { } known ? (null, known) : Believe();
        return new RouteDecider(Pool, State, acts, drawn, request, policy, scratch).Decide(moment, enters);
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
}
