using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting.Learning;

/// <summary>What the users of a store taught: their evidence, measured against the models in service, and samples of their windows. Every look takes in those who changed. Not thread-safe.</summary>
/// <param name="mostUsers">Whose evidence is kept: those who spoke last; see <see cref="Cohort"/>.</param>
internal sealed class PopulationEvidence(IUserStore store, int mostUsers)
{
    private const int Page = 1000;
    private const int TaughtWindows = 256; // a quarter of a megabyte, and about a second's work a refresh
    private const int HeldOutWindows = 1024; // each is looked at twice or three times
    private static readonly long s_erasuresAgain = (long)TimeSpan.FromMinutes(10).TotalMilliseconds; // by which clocks may differ, and more

    private readonly WindowSamples _windows = new(TaughtWindows, HeldOutWindows);
    private readonly HashSet<ulong> _unread = [];
    private Cohort? _users;
    private long _sequence;
    private ulong? _catalog; // that everybody was heard at

    /// <summary>Tenants, by their hash, whose users stay out.</summary>
    public IReadOnlySet<ulong> PrivateTenants { get; set; } = new HashSet<ulong>();

    /// <summary>Called with every user that a look finds erased, with the erasure's time in Unix milliseconds.</summary>
    public Action<UserKey, long> OnErased { get; set; } = static (_, _) => { };

    public Cohort Users => _users ??= new Cohort(mostUsers) { OnDropped = _windows.Remove }; // whoever is dropped is not judged by either

    /// <summary>Somebody changed since this was last set to false: also of a look that was broken off.</summary>
    public bool HasChanged { get; set; }

    /// <summary>Somebody who may have taught the prior in service was erased since this was last set to false.</summary>
    public bool HasErased { get; set; }

    /// <summary>
    /// How many users have a record that this program cannot read, such as one of a later version while routers of both run. They are not gone: what was heard of them
    /// before is kept, and they come back once their record can be read.
    /// </summary>
    public int Unread => _unread.Count;

    public UserState[] Sample(CohortPart part) => [.. _windows.Windows(part).Select(w => UserState.TryRead(w, out var state, out _) ? state : UserState.Empty)];

    /// <summary>Takes in who changed since the last look; at other prices than then, everybody.</summary>
    /// <param name="nowMs">Unix milliseconds.</param>
    /// <param name="servesSinceMs">Since when the prior in service is, Unix milliseconds: whoever was erased before taught it nothing.</param>
    public async Task CollectAsync(RoutingPool pool, long nowMs, long servesSinceMs, CancellationToken cancellationToken)
    {
        await CollectAsync(pool, erasedSinceMs: 1, servesSinceMs, keepsUnread: true, cancellationToken).ConfigureAwait(false);
        var catalog = pool.Catalog.Version;
        if (_catalog is { } heardAt && heardAt != catalog)
        {
            // Trade-offs are measured against the dearest model's cost: at other prices what everybody said is other evidence, also of those who say nothing more.
            // Of erasures only those are told that may have come in between; the others were.
            _sequence = 0;
            await CollectAsync(pool, nowMs - s_erasuresAgain, servesSinceMs, keepsUnread: false, cancellationToken).ConfigureAwait(false);
        }

        _catalog = catalog;
    }

    /// <param name="erasedSinceMs">Of which erasures <see cref="OnErased"/> is told.</param>
    /// <param name="keepsUnread">What was heard before of users who cannot be read now is still evidence.</param>
    private async Task CollectAsync(RoutingPool pool, long erasedSinceMs, long servesSinceMs, bool keepsUnread, CancellationToken cancellationToken)
    {
        while (true)
        {
            var page = await store.ChangedAsync(_sequence, Page, cancellationToken).ConfigureAwait(false);
            foreach (var user in page)
            {
                (_sequence, HasChanged) = (user.Sequence, true);
                var isEmpty = user.Record.State.Length == 0;
                if (isEmpty && user.Record.ErasedAtMs >= erasedSinceMs)
                {
                    OnErased(user.Key, user.Record.ErasedAtMs);
                }

                // A changed user replaces its old contribution; an erased one is taken out, and one whose tenant keeps to itself never comes in.
                var stays = !isEmpty && !PrivateTenants.Contains(user.Key.Tenant);
                if (stays && UserState.TryRead(user.Record.State, out var state, out _))
                {
                    var summary = new UserModel(pool, state).Summarise();
                    Users.Put(user.Key.User, summary);
                    if (summary.Signals > 0)
                    {
                        _windows.Put(user.Key.User, user.Record.State);
                    }
                    else
                    {
                        _windows.Remove(user.Key.User);
                    }

                    _unread.Remove(user.Key.User);
                    continue;
                }

                var wasHeard = false;
                if (!stays || !keepsUnread)
                {
                    wasHeard = Users.Remove(user.Key.User);
                    _windows.Remove(user.Key.User);
                }

                // Whoever is met as erased, as after a start, may have taught another router of this store, or this one before.
                HasErased |= isEmpty && (wasHeard || user.Record.ErasedAtMs >= servesSinceMs - s_erasuresAgain);

                _ = stays ? _unread.Add(user.Key.User) : _unread.Remove(user.Key.User);
            }

            if (page.Count < Page)
            {
                return;
            }
        }
    }
}
