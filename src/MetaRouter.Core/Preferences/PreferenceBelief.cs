using System.Numerics.Tensors;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// What is believed about one user: a distribution over lambda_cost (and, summed out, over how sharply the user judges),
/// the prior updated by every signal of the window: <c>ln p(h | signals) = ln prior(h) + ln P(signals | h)</c>, the latter by <see cref="WindowLikelihood"/>.
/// </summary>
/// <remarks>
/// A grid instead of an approximation: with unseen outcomes the likelihood is not log-concave, and 48 x 3 hypotheses cost microseconds.
/// O(signals x hypotheses). Immutable.
/// </remarks>
public sealed class PreferenceBelief
{
    private readonly float[] _joint;
    private readonly float[] _marginal = new float[PreferenceGrid.Length];

    private readonly PreferenceBelief? _elsewhere;

    private PreferenceBelief(float[] joint, int signals, LatencyBelief latency, IReadOnlyList<TopicBelief>? topics = null, PreferenceBelief? elsewhere = null)
    {
        _joint = joint;
        Signals = signals;
        Latency = latency;
        Topics = topics ?? [];
        _elsewhere = elsewhere;
        for (var i = 0; i < joint.Length; i++)
        {
            _marginal[i / ChoiceModel.BetaCount] += joint[i];
        }

        CostShare = TensorPrimitives.Dot(_marginal, PreferenceGrid.CostShare);
    }

    /// <summary>The probability of each grid position; sums to 1.</summary>
    public ReadOnlySpan<float> Marginal => _marginal;

    /// <summary>The probability of each lambda x beta hypothesis; sums to 1.</summary>
    public ReadOnlySpan<float> Joint => _joint;

    /// <summary>How many signals it rests on, withdrawn ones not counted.</summary>
    public int Signals { get; }

    /// <summary>What is believed of how much the user minds waiting; the same on every topic.</summary>
    public LatencyBelief Latency { get; }

    /// <summary>What is believed on each topic that a signal spoke of; empty where no topic can differ.</summary>
    public IReadOnlyList<TopicBelief> Topics { get; }

    /// <summary>
    /// E[lambda / (1 + lambda)]. Utilities are linear in it, so it is all that the choice of an act depends on: the best act under the whole belief
    /// is that of a user who has exactly this share. E[lambda] is not: it is ruled by the tail.
    /// </summary>
    public double CostShare { get; }

    /// <summary>exp(E[ln lambda]): the middle of the belief on the scale people think of it, in factors.</summary>
    public double GeometricMean => Math.Exp(MeanLogLambda());

    /// <summary>What is believed of a user who said nothing.</summary>
    public static PreferenceBelief FromPrior(PopulationPrior prior)
    {
        float[] joint = [.. prior.LogWeights];
        Normalize(joint, out _);
        return new PreferenceBelief(joint, 0, prior.Waiting);
    }

    /// <summary>What a user's signals make of the prior.</summary>
    /// <param name="signals">Ascending in time; <see cref="UserState.Window"/> at most.</param>
    public static PreferenceBelief From(PopulationPrior prior, in ChoiceContext context, ReadOnlySpan<Signal> signals)
    {
        ArgumentNullException.ThrowIfNull(prior);
        var heard = new HeardWindow(prior, signals, stackalloc float[signals.Length]);
        if (!heard.SpeaksOfWaiting)
        {
            return At(heard, context, weighs: false, out _);
        }

        var (given, evidence) = (new PreferenceBelief[LatencyBelief.Prices.Length], new double[LatencyBelief.Prices.Length]);
        for (var g = 0; g < given.Length; g++)
        {
            given[g] = At(heard, context with { SecondPrice = LatencyBelief.Prices[g] }, weighs: true, out evidence[g]);
        }

        return Mixture(given, prior.Waiting.Weighed(evidence));
    }

    /// <summary>
    /// What <see cref="From"/> believes <see cref="On"/> one topic, to the last bit, in the memory of one belief: for callers that want a single one and keep none.
    /// </summary>
    internal static PreferenceBelief FromOn(byte topic, PopulationPrior prior, in ChoiceContext context, ReadOnlySpan<Signal> signals)
    {
        var heard = new HeardWindow(prior, signals, stackalloc float[signals.Length]);
        var joint = new float[ChoiceModel.Hypotheses];
        if (!heard.SpeaksOfWaiting)
        {
            AtOn(topic, heard, context, joint, weighs: false, out _);
            return new PreferenceBelief(joint, heard.Count, prior.Waiting);
        }

        Span<float> given = stackalloc float[LatencyBelief.Prices.Length * joint.Length];
        Span<double> evidence = stackalloc double[LatencyBelief.Prices.Length];
        for (var g = 0; g < evidence.Length; g++)
        {
            AtOn(topic, heard, context with { SecondPrice = LatencyBelief.Prices[g] }, given.Slice(g * joint.Length, joint.Length), weighs: true, out evidence[g]);
        }

        var latency = prior.Waiting.Weighed(evidence);
        for (var g = 0; g < evidence.Length; g++)
        {
            TensorPrimitives.MultiplyAdd(given.Slice(g * joint.Length, joint.Length), (float)latency.Probability[g], joint, joint);
        }

        return new PreferenceBelief(joint, heard.Count, latency);
    }

    /// <summary>As <see cref="At"/>, on one topic.</summary>
    private static void AtOn(byte topic, in HeardWindow heard, in ChoiceContext context, Span<float> joint, bool weighs, out double logEvidence)
    {
        if (TopicEvidence.Of(heard, context) is not { } evidence)
        {
            Alike(heard, context, joint, out logEvidence);
            return;
        }

        var offsets = new TopicOffsets(evidence, heard.Prior.Topics);
        logEvidence = weighs ? LogEvidence(offsets, heard.Prior) : 0;
        offsets.BelieveOn(topic, heard.Prior.LogWeights, joint);
    }

    /// <summary>The belief of a user whose price of a second is known.</summary>
    /// <param name="weighs">Whether <paramref name="logEvidence"/>, ln P(signals | price), is asked for; else 0.</param>
    private static PreferenceBelief At(in HeardWindow heard, in ChoiceContext context, bool weighs, out double logEvidence)
    {
        var (prior, signals) = (heard.Prior, heard.Count);
        if (TopicEvidence.Of(heard, context) is { } evidence)
        {
            var offsets = new TopicOffsets(evidence, prior.Topics);
            var (joint, topics, elsewhere) = offsets.Believe(prior.LogWeights);
            logEvidence = weighs ? LogEvidence(offsets, prior) : 0;
            return new PreferenceBelief(
                joint, signals, prior.Waiting,
                [.. topics.Select(t => new TopicBelief(t.Code, t.Offset, new PreferenceBelief(t.Joint, signals, prior.Waiting)))],
                new PreferenceBelief(elsewhere, signals, prior.Waiting));
        }

        var alike = new float[ChoiceModel.Hypotheses];
        Alike(heard, context, alike, out logEvidence);
        return new PreferenceBelief(alike, signals, prior.Waiting);
    }

    /// <summary>What is believed where no signal tells its topic, or no topics differ.</summary>
    private static void Alike(in HeardWindow heard, in ChoiceContext context, Span<float> joint, out double logEvidence)
    {
        heard.Prior.LogWeights.CopyTo(joint);
        heard.Add(context, joint);
        Normalize(joint, out logEvidence);
    }

    private static double LogEvidence(in TopicOffsets offsets, PopulationPrior prior)
    {
        Span<float> log = stackalloc float[ChoiceModel.Hypotheses];
        prior.LogWeights.CopyTo(log);
        offsets.AddTo(log);
        return WindowLikelihood.LogSum(log);
    }

    /// <summary>Formula (2) of <see cref="LatencyBelief"/>, on every topic.</summary>
    private static PreferenceBelief Mixture(PreferenceBelief[] given, LatencyBelief latency)
    {
        return Mixed(
            given,
            [.. given[0].Topics.Select((t, k) => new TopicBelief(t.Code, Offset(k), Mixed([.. given.Select(b => b.Topics[k].Belief)])))],
            given[0]._elsewhere is null ? null : Mixed([.. given.Select(b => b.Elsewhere)]));

        PreferenceBelief Mixed(PreferenceBelief[] parts, IReadOnlyList<TopicBelief>? topics = null, PreferenceBelief? elsewhere = null)
        {
            var joint = new float[ChoiceModel.Hypotheses];
            for (var g = 0; g < parts.Length; g++)
            {
                TensorPrimitives.MultiplyAdd(parts[g]._joint, (float)latency.Probability[g], joint, joint);
            }

            return new PreferenceBelief(joint, parts[0].Signals, latency, topics, elsewhere);
        }

        TopicOffset Offset(int k)
        {
            double mean = 0, square = 0, firmer = 0, freer = 0;
            for (var g = 0; g < given.Length; g++)
            {
                var (p, offset) = (latency.Probability[g], given[g].Topics[k].Offset);
                (mean, square) = (mean + (p * offset.Mean), square + (p * ((offset.Mean * offset.Mean) + (offset.Deviation * offset.Deviation))));
                (firmer, freer) = (firmer + (p * offset.Firmer), freer + (p * offset.Freer));
            }

            return new TopicOffset(mean, Math.Sqrt(Math.Max(0, square - (mean * mean))), firmer, freer);
        }
    }

    /// <summary>What is believed on a topic that no signal spoke of; where no topic can differ, this very belief.</summary>
    public PreferenceBelief Elsewhere => _elsewhere ?? this;

    /// <summary>What is believed of the trade-off on a topic; where no topic can differ, this very belief.</summary>
    /// <param name="topic">As <see cref="Signal.Topic"/>; 0: no topic, so the user's own trade-off.</param>
    public PreferenceBelief On(byte topic)
    {
        if (topic == 0)
        {
            return this;
        }

        foreach (var known in Topics)
        {
            if (known.Code == topic)
            {
                return known.Belief;
            }
        }

        return Elsewhere;
    }

    /// <summary>The lambda below which a share <paramref name="p"/> of the belief lies, interpolated in log within grid cells.</summary>
    public double Quantile(double p)
    {
        var (below, step) = (0.0, PreferenceGrid.LogLambda[1] - PreferenceGrid.LogLambda[0]);
        for (var i = 0; i < _marginal.Length; i++)
        {
            if (below + _marginal[i] >= p && _marginal[i] > 0)
            {
                return Math.Exp(PreferenceGrid.LogLambda[i] + (step * (((p - below) / _marginal[i]) - 0.5)));
            }

            below += _marginal[i];
        }

        return PreferenceGrid.HighestLambda;
    }

    private double MeanLogLambda()
    {
        var mean = 0.0;
        for (var i = 0; i < _marginal.Length; i++)
        {
            mean += _marginal[i] * PreferenceGrid.LogLambda[i];
        }

        return mean;
    }

    private static void Normalize(Span<float> log, out double logEvidence)
    {
        var max = TensorPrimitives.Max<float>(log);
        TensorPrimitives.Subtract(log, max, log);
        TensorPrimitives.Exp<float>(log, log);
        var mass = TensorPrimitives.Sum<float>(log);
        TensorPrimitives.Divide(log, mass, log);
        logEvidence = max + Math.Log(mass);
    }
}
