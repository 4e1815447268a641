namespace MetaRouter.Gateway.WebConsole;

/// <summary>Who was erased and when, kept for a day: a call that was under way then is recorded when it ends, and must not bring the user's hash back. Not thread-safe.</summary>
internal sealed class RecentErasures
{
    private const long KeptMs = 24 * 3_600_000L; // no call takes that long

    private readonly Dictionary<(int Tenant, ulong User), long> _at = [];
    private readonly Queue<(int Tenant, ulong User, long AtMs)> _order = [];

    public void Add(int tenant, ulong user, long nowMs)
    {
        while (_order.TryPeek(out var oldest) && nowMs - oldest.AtMs > KeptMs)
        {
            _order.Dequeue();
            if (_at.TryGetValue((oldest.Tenant, oldest.User), out var last) && last == oldest.AtMs)
            {
                _at.Remove((oldest.Tenant, oldest.User));
            }
        }

        _at[(tenant, user)] = nowMs;
        _order.Enqueue((tenant, user, nowMs));
    }

    /// <summary>The user's hash, or 0 if the user was erased after that time.</summary>
    public ulong UserOf(int tenant, ulong user, long begunMs) => _at.Count > 0 && _at.TryGetValue((tenant, user), out var at) && begunMs <= at ? 0 : user;
}
