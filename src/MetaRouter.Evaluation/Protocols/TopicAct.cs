using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>The dial positions that a belief serves: one for each topic that was spoken of, one for the others, and the user's own where a request has no clear topic.</summary>
internal sealed class TopicAct
{
    private readonly (byte Topic, int Position)[] _topics;
    private readonly int _elsewhere;

    public TopicAct(PreferenceBelief belief, ValueTable values)
    {
        (Own, _elsewhere) = (values.Best(belief.CostShare), values.Best(belief.Elsewhere.CostShare));
        _topics = [.. belief.Topics.Select(t => (t.Code, values.Best(t.Belief.CostShare)))];
        IsOne = _elsewhere == Own && _topics.All(t => t.Position == Own);
    }

    public int Own { get; }

    /// <summary>Every request is served alike.</summary>
    public bool IsOne { get; }

    public int On(byte topic)
    {
        foreach (var (known, position) in _topics)
        {
            if (known == topic)
            {
                return position;
            }
        }

        return topic == 0 ? Own : _elsewhere;
    }
}
