namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// A bounded uniform sample of users' raw windows, for what has no sufficient statistic: the users of the smallest mixed hashes, whatever the order they came in.
/// Source: bottom-k sketches, Cohen and Kaplan 2007. Not thread-safe.
/// </summary>
public sealed class WindowSample
{
    private readonly int _capacity;
    private readonly SortedList<ulong, byte[]> _windows = [];

    /// <exception cref="ArgumentOutOfRangeException">The capacity is below 1.</exception>
    public WindowSample(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _capacity = capacity;
    }

    /// <summary>By rank.</summary>
    public IReadOnlyCollection<byte[]> Windows => [.. _windows.Values];

    /// <summary>Users whose <see cref="Rank"/> is above this would not be kept: their windows need not be sent.</summary>
    public ulong Ceiling => _windows.Count < _capacity ? ulong.MaxValue : _windows.GetKeyAtIndex(_windows.Count - 1);

    /// <summary>A user's place, unrelated to what else the hash is used for (Steele, Lea and Flood's SplitMix64 finaliser).</summary>
    public static ulong Rank(ulong user)
    {
        user = (user ^ (user >> 30)) * 0xBF58476D1CE4E5B9;
        user = (user ^ (user >> 27)) * 0x94D049BB133111EB;
        return user ^ (user >> 31);
    }

    /// <summary>The user's window in place of what was there, if the user is in the sample.</summary>
    /// <param name="window">A <see cref="Users.UserState"/> as bytes.</param>
    public void Put(ulong user, byte[] window)
    {
        ArgumentNullException.ThrowIfNull(window);
        _windows[Rank(user)] = window;
        if (_windows.Count > _capacity)
        {
            _windows.RemoveAt(_capacity);
        }
    }

    public void Remove(ulong user) => _windows.Remove(Rank(user));
}
