using System.Collections.Concurrent;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting;

/// <summary>One user in memory: the record as last read or written, and the model made of it.</summary>
internal sealed record CachedUser(UserModel Model, long Etag, long ErasedAtMs);

/// <summary>
/// The users seen lately, bounded: two generations, a user found in the old one moves to the young one, and when the young one is full it becomes the old.
/// So between half and all of the bound is kept, a touch costs one look-up, and nobody waits for an eviction.
/// </summary>
internal sealed class UserCache(int capacity)
{
    private readonly int _generation = Math.Max(1, capacity / 2);
    private readonly Lock _turn = new();
    private volatile ConcurrentDictionary<UserKey, CachedUser> _young = new();
    private volatile ConcurrentDictionary<UserKey, CachedUser> _old = new();
    private int _count;

    public int Count => _young.Count + _old.Count;

    public CachedUser? Find(UserKey key)
    {
        if (_young.TryGetValue(key, out var user))
        {
            return user;
        }

        if (_old.TryRemove(key, out user))
        {
            Put(key, user, onlyIfAbsent: true);
            return user;
        }

        return null;
    }

    /// <summary>Keeps the user; with <paramref name="onlyIfAbsent"/> a newer entry that somebody wrote meanwhile stays.</summary>
    public void Put(UserKey key, CachedUser user, bool onlyIfAbsent = false)
    {
        var young = _young;
        var added = false;
        young.AddOrUpdate(key, _ => { added = true; return user; }, (_, now) => onlyIfAbsent || now.Etag > user.Etag ? now : user);
        if (added && Interlocked.Increment(ref _count) >= _generation)
        {
            lock (_turn)
            {
                if (ReferenceEquals(_young, young))
                {
                    (_old, _young, _count) = (young, new(), 0);
                }
            }
        }
    }

    public void Remove(UserKey key)
    {
        _old.TryRemove(key, out _);
        _young.TryRemove(key, out _);
    }
}
