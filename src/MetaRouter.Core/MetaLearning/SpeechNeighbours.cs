using System.Numerics.Tensors;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// The ways of hearing users a step of <see cref="SpeechFit"/> away from a prior's, its own among them; how likely each makes users' windows; and where that stands in one row of numbers,
/// which is how it travels.
/// </summary>
internal sealed class SpeechNeighbours
{
    private readonly PopulationPrior _prior;

    public SpeechNeighbours(PopulationPrior prior)
    {
        _prior = prior;
        Kinds = [.. Enumerable.Range(0, SignalSpeech.Kinds).Where(k => prior.Speech[k].Strength > 0).SelectMany(k =>
            from strength in k == (int)FeedbackKind.Comparison ? [1] : Near(SpeechFit.Strengths, prior.Speech[k].Strength)
            from lapse in Near(SpeechFit.Lapses, prior.Speech[k].Lapse)
            select ((FeedbackKind)k, new SignalSpeech(strength, lapse)))];
        Topics = prior.Topics.IsNone
            ? [prior.Topics]
            : [.. from share in Near(SpeechFit.Shares, prior.Topics.Share) from width in Near(SpeechFit.TopicWidths, prior.Topics.Width) select new TopicSpread(share, width)];
        LatencySpread[] waits = prior.Latency.IsNone
            ? [prior.Latency]
            : [.. from share in Near(SpeechFit.Shares, prior.Latency.Share) from price in Near(SpeechFit.LatencyPrices, prior.Latency.Price) select new LatencySpread(share, price)];
        Waits = [.. waits.Select(w => (w, LatencyBelief.Of(w)))];
    }

    /// <summary>Each kind that speaks, a step up, down or none in strength and in lapse; a kind's together.</summary>
    public IReadOnlyList<(FeedbackKind Kind, SignalSpeech Speech)> Kinds { get; }

    /// <summary>A step in how many users' topics differ, and how far. A prior under which none differ stays so.</summary>
    public IReadOnlyList<TopicSpread> Topics { get; }

    /// <summary>A step in how many mind waiting, and how much, with what that says of a user who said nothing of it. A prior under which nobody does stays so.</summary>
    public IReadOnlyList<(LatencySpread Spread, LatencyBelief Belief)> Waits { get; }

    /// <summary>Where <see cref="Topics"/> begin; before them <see cref="Kinds"/>, then the users of each kind.</summary>
    public int OfTopics => Kinds.Count + SignalSpeech.Kinds;

    /// <summary>Users who spoke of two topics or more.</summary>
    public int UsersOfTopics => OfTopics + Topics.Count;

    /// <summary>Where <see cref="Waits"/> begin.</summary>
    public int OfWaiting => UsersOfTopics + 1;

    /// <summary>Users who set a faster answer against a slower one.</summary>
    public int UsersOfWaiting => OfWaiting + Waits.Count;

    public int Length => UsersOfWaiting + 1;

    /// <summary>Users who used the kind and compared as well: strengths are multiples of a comparison's, and of users who never compare they cannot be told from how sharply those judge.</summary>
    public int UsersOf(FeedbackKind kind) => Kinds.Count + (int)kind;

    /// <summary>Adds what one user's window says of each.</summary>
    /// <param name="evidence">Of <see cref="Length"/>.</param>
    public void Add(in ChoiceContext context, ReadOnlySpan<Signal> signals, double[] evidence)
    {
        var heard = new HeardWindow(_prior, signals, stackalloc float[signals.Length]); // and so under every neighbour: none silences a kind
        AddKinds(heard, context, evidence);
        AddTopics(heard, context, evidence);
        AddWaiting(heard, context, evidence);
    }

    private void AddKinds(in HeardWindow heard, in ChoiceContext context, double[] evidence)
    {
        Span<float> all = stackalloc float[ChoiceModel.Hypotheses], others = stackalloc float[ChoiceModel.Hypotheses], log = stackalloc float[ChoiceModel.Hypotheses];
        _prior.LogWeights.CopyTo(all);
        heard.Add(context, all);
        var (compared, spoke) = (false, false);
        for (var i = 0; i < Kinds.Count; i++)
        {
            var (kind, speech) = Kinds[i];
            if (i == 0 || Kinds[i - 1].Kind != kind)
            {
                log.Clear();
                spoke = AddKind(heard, kind, _prior.SpeechOf(kind), context, log);
                compared |= spoke && kind == FeedbackKind.Comparison;
                spoke &= compared;
                TensorPrimitives.Subtract(all, log, others);
                evidence[UsersOf(kind)] += spoke ? 1 : 0;
            }

            if (spoke)
            {
                others.CopyTo(log);
                AddKind(heard, kind, speech, context, log);
                evidence[i] += WindowLikelihood.LogSum(log);
            }
        }
    }

    /// <summary>Adds one kind's part of the window, were it to speak like this.</summary>
    /// <returns>Whether it is heard at all.</returns>
    private static bool AddKind(in HeardWindow heard, FeedbackKind kind, SignalSpeech speech, in ChoiceContext context, Span<float> log)
    {
        var spoke = false;
        for (var i = heard.Signals.Length - 1; i >= 0; i--)
        {
            if (heard.Signals[i].Key.Kind == kind && heard.Hears(i))
            {
                heard.Add(i, speech, context, log);
                spoke = true;
            }
        }

        return spoke;
    }

    private void AddTopics(in HeardWindow heard, in ChoiceContext context, double[] evidence)
    {
        if (TopicEvidence.Of(heard, context) is not { Topics.Count: > 1 } spoken)
        {
            return;
        }

        Span<float> log = stackalloc float[ChoiceModel.Hypotheses];
        for (var t = 0; t < Topics.Count; t++)
        {
            _prior.LogWeights.CopyTo(log);
            new TopicOffsets(spoken, Topics[t]).AddTo(log);
            evidence[OfTopics + t] += WindowLikelihood.LogSum(log);
        }

        evidence[UsersOfTopics]++;
    }

    private void AddWaiting(in HeardWindow heard, in ChoiceContext context, double[] evidence)
    {
        if (!heard.SpeaksOfWaiting)
        {
            return;
        }

        Span<float> log = stackalloc float[ChoiceModel.Hypotheses];
        Span<double> byPrice = stackalloc double[LatencyBelief.Prices.Length];
        for (var g = 0; g < byPrice.Length; g++)
        {
            _prior.LogWeights.CopyTo(log);
            heard.Add(context with { SecondPrice = LatencyBelief.Prices[g] }, log);
            byPrice[g] = WindowLikelihood.LogSum(log);
        }

        for (var w = 0; w < Waits.Count; w++)
        {
            evidence[OfWaiting + w] += Waits[w].Belief.LogEvidence(byPrice);
        }

        evidence[UsersOfWaiting]++;
    }

    /// <summary>The value itself, and the ones below and above it in a ladder.</summary>
    private static IEnumerable<double> Near(IReadOnlyList<double> ladder, double value)
    {
        var at = Enumerable.Range(0, ladder.Count).MinBy(i => Math.Abs(ladder[i] - value));
        return [value, .. ladder.Skip(at - 1).Take(at == 0 ? 2 : 3).Where(v => v != value)];
    }
}
