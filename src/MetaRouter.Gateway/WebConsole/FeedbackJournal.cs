using MetaRouter.Core.Users;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>What users said of the decisions in the journal: the last so many signals of this process, 56 bytes each.</summary>
internal sealed class FeedbackJournal(int capacity)
{
    private readonly Lock _gate = new();
    private readonly List<JournalFeedback> _ring = [];
    private readonly RecentErasures _erasures = new();
    private readonly Dictionary<(int Tenant, long TimeMs, uint Nonce), int> _latest = [];
    private long _added;

    public void Add(JournalFeedback said)
    {
        if (capacity == 0)
        {
            return;
        }

        lock (_gate)
        {
            var (at, key) = ((int)(_added % capacity), (said.Tenant, said.TimeMs, said.Nonce));
            if (at < _ring.Count && _ring[at] is var old && _latest.TryGetValue((old.Tenant, old.TimeMs, old.Nonce), out var latest) && latest == at)
            {
                _latest.Remove((old.Tenant, old.TimeMs, old.Nonce));
            }

            said = said with { User = _erasures.UserOf(said.Tenant, said.User, said.TimeMs), Before = _latest.TryGetValue(key, out var before) ? before : -1, Order = _added };
            if (at < _ring.Count)
            {
                _ring[at] = said;
            }
            else
            {
                _ring.Add(said);
            }

            _latest[key] = at;
            _added++;
        }
    }

    /// <summary>What was said of one decision, oldest first.</summary>
    public IReadOnlyList<JournalFeedback> Of(int tenant, long timeMs, uint nonce)
    {
        var found = new List<JournalFeedback>();
        lock (_gate)
        {
            var order = long.MaxValue;
            for (var at = _latest.GetValueOrDefault((tenant, timeMs, nonce), -1); at >= 0;)
            {
                var said = _ring[at];
                if (said.Order >= order || (said.Tenant, said.TimeMs, said.Nonce) != (tenant, timeMs, nonce))
                {
                    break; // the older ones were overwritten
                }

                found.Add(said);
                (order, at) = (said.Order, said.Before);
            }
        }

        found.Reverse();
        return found;
    }

    public Dictionary<ulong, int> CountByUser(int tenant)
    {
        var counts = new Dictionary<ulong, int>();
        lock (_gate)
        {
            foreach (var said in _ring)
            {
                if (said.Tenant == tenant && said.Counted)
                {
                    counts[said.User] = counts.GetValueOrDefault(said.User) + 1;
                }
            }
        }

        return counts;
    }

    /// <summary>Removes a user's hash from every signal, and from later ones on decisions before this.</summary>
    public void Forget(int tenant, ulong user, long nowMs)
    {
        lock (_gate)
        {
            _erasures.Add(tenant, user, nowMs);
            for (var i = 0; i < _ring.Count; i++)
            {
                _ring[i] = _ring[i].Tenant == tenant && _ring[i].User == user ? _ring[i] with { User = 0 } : _ring[i];
            }
        }
    }
}

/// <summary>One signal.</summary>
/// <param name="TimeMs">Of the decision.</param>
/// <param name="AtMs">Of its arrival.</param>
internal readonly record struct JournalFeedback(int Tenant, ulong User, long TimeMs, uint Nonce, FeedbackKind Kind, byte Value, bool Withdrawn, bool Counted, long AtMs)
{
    public int Before { get; init; }

    public long Order { get; init; }
}
