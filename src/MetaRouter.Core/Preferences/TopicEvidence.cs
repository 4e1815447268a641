using System.Numerics.Tensors;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// What a user's signals say of each topic: the faded log likelihood of each hypothesis by the signals without a topic, and by those of each topic as if lambda there were the
/// user's own. <see cref="TopicOffsets"/> puts them together.
/// </summary>
internal sealed class TopicEvidence
{
    [ThreadStatic]
    private static TopicEvidence? t_mine;

    private readonly float[] _plain = new float[ChoiceModel.Hypotheses];
    private readonly List<(byte Code, float[] Log)> _topics = [];
    private readonly Stack<float[]> _spare = [];

    private TopicEvidence()
    {
    }

    /// <summary>How many signals spoke.</summary>
    public int Signals { get; private set; }

    /// <summary>ln P(signals without a topic | h).</summary>
    public ReadOnlySpan<float> Plain => _plain;

    /// <summary>ln P(signals | h) of each topic that was spoken of, the latest first.</summary>
    public IReadOnlyList<(byte Code, float[] Log)> Topics => _topics;

    /// <summary>Null: nobody's trade-off differs, or no signal that speaks has a topic, so that one lambda says it all.</summary>
    public static TopicEvidence? Of(PopulationPrior prior, in ChoiceContext context, ReadOnlySpan<Signal> signals) =>
        MayDiffer(prior, signals) ? new TopicEvidence().Hear(prior, context, signals) : null;

    /// <summary>As <see cref="Of"/> in memory that this thread reuses: the result is valid until the thread's next call.</summary>
    public static TopicEvidence? OfThread(PopulationPrior prior, in ChoiceContext context, ReadOnlySpan<Signal> signals)
    {
        if (!MayDiffer(prior, signals))
        {
            return null;
        }

        var mine = t_mine ??= new TopicEvidence();
        mine.Clear();
        return mine.Hear(prior, context, signals);
    }

    /// <summary>Where a topic stands in <see cref="Topics"/>; -1: no signal spoke of it.</summary>
    public int IndexOf(byte code)
    {
        for (var k = 0; k < _topics.Count; k++)
        {
            if (_topics[k].Code == code)
            {
                return k;
            }
        }

        return -1;
    }

    private static bool MayDiffer(PopulationPrior prior, ReadOnlySpan<Signal> signals)
    {
        if (prior.Topics.IsNone)
        {
            return false;
        }

        foreach (ref readonly var signal in signals)
        {
            if (signal.Topic != 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <returns>Null: no signal that has a topic spoke.</returns>
    private TopicEvidence? Hear(PopulationPrior prior, in ChoiceContext context, ReadOnlySpan<Signal> signals)
    {
        Span<float> p = stackalloc float[ChoiceModel.Hypotheses];
        var (weight, implicitly) = (1f, ImplicitWeight.In(prior, signals));
        for (var i = signals.Length - 1; i >= 0; i--)
        {
            if (SignalReading.TryLogLikelihood(prior, context, signals, i, p))
            {
                var log = signals[i].Topic == 0 ? _plain : LogOf(signals[i].Topic);
                TensorPrimitives.MultiplyAdd(p, weight * implicitly.Of(signals[i]), log, log);
                weight *= WindowLikelihood.Fade;
                Signals++;
            }
        }

        return _topics.Count > 0 ? this : null;
    }

    private float[] LogOf(byte code)
    {
        if (IndexOf(code) is var at and >= 0)
        {
            return _topics[at].Log;
        }

        _topics.Add((code, _spare.TryPop(out var spare) ? spare : new float[ChoiceModel.Hypotheses]));
        return _topics[^1].Log;
    }

    private void Clear()
    {
        Signals = 0;
        Array.Clear(_plain);
        foreach (var (_, log) in _topics)
        {
            Array.Clear(log);
            _spare.Push(log);
        }

        _topics.Clear();
    }
}
