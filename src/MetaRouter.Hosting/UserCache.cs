using System.Numerics;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting;

/// <summary>One user in memory: the record as last read or written, and the model made of it.</summary>
internal sealed record CachedUser(UserModel Model, long Etag, long ErasedAtMs)
{
    /// <summary><see cref="System.Diagnostics.Stopwatch"/> timestamp of the read or write that it comes from.</summary>
    public long ReadAt { get; init; } = System.Diagnostics.Stopwatch.GetTimestamp();
}

/// <summary>
/// The users seen lately, bounded: two generations, a user found in the old one moves to the young one, and when the young one is full it becomes the old.
/// So between half and all of the bound is kept, and evicting is dropping a table. Of two records of a user the one with the greater etag stays.
/// </summary>
/// <remarks>
/// Striped by the user's hash, each stripe under its own lock: a touch must look at both generations at once, else a record could be kept beside a newer one.
/// A slow reader may bring a record from the store that is older than one already evicted or removed. It shows the ticket it took before it
/// read, and the record is kept only if nothing put since can have left: at most one turn of the generations, no removal.
/// </remarks>
internal sealed class UserCache
{
    private const int SmallestStripe = 1024;
    private const int MostStripes = 256;

    private readonly int _generation;
    private readonly Stripe[] _stripes;

    /// <param name="capacity">The most users kept, 2 or more.</param>
    public UserCache(int capacity)
    {
        var stripes = Math.Min(MostStripes, 1 << BitOperations.Log2((uint)Math.Max(1, capacity / SmallestStripe)));
        _generation = Math.Max(1, capacity / stripes / 2);
        _stripes = [.. Enumerable.Range(0, stripes).Select(_ => new Stripe())];
    }

    public int Count => _stripes.Sum(s =>
    {
        lock (s)
        {
            return s.Young.Count + s.Old.Count;
        }
    });

    public CachedUser? Find(UserKey key)
    {
        var stripe = StripeOf(key);
        lock (stripe)
        {
            if (stripe.Young.TryGetValue(key, out var user))
            {
                return user;
            }

            if (stripe.Old.Remove(key, out user))
            {
                Keep(stripe, key, user);
            }

            return user;
        }
    }

    /// <summary>Taken before the store is read; see <see cref="Put(UserKey, CachedUser, long)"/>.</summary>
    public long Ticket(UserKey key)
    {
        var stripe = StripeOf(key);
        lock (stripe)
        {
            return stripe.Epoch;
        }
    }

    /// <summary>Keeps what was just written, or read under the user's turn.</summary>
    /// <returns>The newer of this and what was kept before.</returns>
    public CachedUser Put(UserKey key, CachedUser user) => Put(key, user, long.MaxValue);

    /// <summary>Keeps what was read after the ticket was taken, unless something newer may have come and gone since.</summary>
    /// <remarks>If the store has no record, the tombstone of the kept one was purged or the store was emptied: the store is believed, if it was asked after the kept record was seen there.</remarks>
    /// <returns>The newer of this and what was kept before.</returns>
    public CachedUser Put(UserKey key, CachedUser user, long ticket)
    {
        var stripe = StripeOf(key);
        lock (stripe)
        {
            if ((stripe.Young.TryGetValue(key, out var now) || stripe.Old.TryGetValue(key, out now)) && now.Etag > user.Etag && (user.Etag > 0 || user.ReadAt <= now.ReadAt))
            {
                return now;
            }

            if (ticket >= stripe.Epoch - 1)
            {
                stripe.Old.Remove(key);
                Keep(stripe, key, user);
            }

            return user;
        }
    }

    /// <summary>The record is no longer valid, nor is anything read before this.</summary>
    public void Remove(UserKey key)
    {
        var stripe = StripeOf(key);
        lock (stripe)
        {
            stripe.Old.Remove(key);
            stripe.Young.Remove(key);
            stripe.Epoch += 2;
        }
    }

    private void Keep(Stripe stripe, UserKey key, CachedUser user)
    {
        stripe.Young[key] = user;
        if (stripe.Young.Count >= _generation)
        {
            (stripe.Old, stripe.Young) = (stripe.Young, []);
            stripe.Epoch++;
        }
    }

    private Stripe StripeOf(UserKey key) => _stripes[(int)(key.User >> 32) & (_stripes.Length - 1)];

    private sealed class Stripe
    {
        public Dictionary<UserKey, CachedUser> Young { get; set; } = [];

        public Dictionary<UserKey, CachedUser> Old { get; set; } = [];

        public long Epoch { get; set; }
    }
}
