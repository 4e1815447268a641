using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Routing;

/// <summary>What a belief serves: a position of the dial for each topic that was spoken of, one for the others, and the user's own where a request has no clear topic.</summary>
/// <remarks>All that decisions need of the belief, which itself is not kept: 16 bytes a topic instead of a kilobyte.</remarks>
public sealed class TopicDial
{
    private readonly (byte Topic, byte Position, double Regret)[] _topics;
    private readonly DialAct _elsewhere;

    public TopicDial(PreferenceBelief belief, ValueTable values)
    {
        ArgumentNullException.ThrowIfNull(belief);
        ArgumentNullException.ThrowIfNull(values);
        Own = Act(belief);
        _elsewhere = ReferenceEquals(belief.Elsewhere, belief) ? Own : Act(belief.Elsewhere);
        _topics = belief.Topics.Count == 0 ? [] : [.. belief.Topics.Select(t => (t.Code, (byte)values.Best(t.Belief.CostShare), values.ExpectedRegret(t.Belief)))];
        IsOne = _elsewhere.Position == Own.Position && Array.TrueForAll(_topics, t => t.Position == Own.Position);

        DialAct Act(PreferenceBelief of) => new(values.Best(of.CostShare), values.ExpectedRegret(of), belief.Latency.Price);
    }

    /// <summary>Where a request has no clear topic.</summary>
    public DialAct Own { get; }

    /// <summary>Every request is served at one position.</summary>
    public bool IsOne { get; }

    /// <param name="topic">As <see cref="Users.Signal.Topic"/>.</param>
    public DialAct On(byte topic)
    {
        foreach (var (known, position, regret) in _topics)
        {
            if (known == topic)
            {
                return new DialAct(position, regret, Own.SecondPrice); // waiting is minded the same on every topic
            }
        }

        return topic == 0 ? Own : _elsewhere;
    }
}

/// <summary>A position of the dial.</summary>
/// <param name="Position">Index into <see cref="PreferenceGrid.Lambda"/>.</param>
/// <param name="Regret">Expected of it under the belief that it was chosen by, 0 or more.</param>
/// <param name="SecondPrice">Quality charged for a second of waiting, 0 or more.</param>
public readonly record struct DialAct(int Position, double Regret, double SecondPrice = 0);
