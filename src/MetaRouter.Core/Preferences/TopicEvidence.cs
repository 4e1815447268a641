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

    /// <summary>ln P(signals without a topic | h).</summary>
    public ReadOnlySpan<float> Plain => _plain;

    /// <summary>ln P(signals | h) of each topic that was spoken of, the latest first.</summary>
    public IReadOnlyList<(byte Code, float[] Log)> Topics => _topics;

    /// <summary>Null: nobody's trade-off differs, or no signal that is heard has a topic, so that one lambda says it all.</summary>
    /// <remarks>In memory that this thread reuses: the result is valid until the thread's next call.</remarks>
    public static TopicEvidence? Of(in HeardWindow heard, in ChoiceContext context)
    {
        if (!heard.SpeaksOfTopics)
        {
            return null;
        }

        var mine = t_mine ??= new TopicEvidence();
        mine.Clear();
        mine.Hear(heard, context);
        return mine;
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

    private void Hear(in HeardWindow heard, in ChoiceContext context)
    {
        for (var i = heard.Signals.Length - 1; i >= 0; i--)
        {
            if (heard.Hears(i))
            {
                ref readonly var signal = ref heard.Signals[i];
                heard.Add(i, heard.Prior.SpeechOf(signal.Key.Kind), context, signal.Topic == 0 ? _plain : LogOf(signal.Topic));
            }
        }
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
        Array.Clear(_plain);
        foreach (var (_, log) in _topics)
        {
            Array.Clear(log);
            _spare.Push(log);
        }

        _topics.Clear();
    }
}
