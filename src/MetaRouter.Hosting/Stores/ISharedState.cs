namespace MetaRouter.Hosting.Stores;

/// <summary>What the routers of one store must agree on from call to call and may forget in time: what was spent and counted, who answered a conversation last.</summary>
public interface ISharedState
{
    /// <summary>Adds every account's amount, if that takes none of them over its limit; else adds nothing.</summary>
    /// <param name="partition">What the accounts have in common; all are kept in one place.</param>
    /// <returns>What each account holds now.</returns>
    ValueTask<Reservation> ReserveAsync(ulong partition, IReadOnlyList<Account> accounts, CancellationToken cancellationToken = default);

    /// <summary>Adds to the accounts whatever their limits; amounts may be negative: what was reserved and not spent goes back to where it was reserved.</summary>
    /// <param name="isOwn">As <see cref="Reservation.IsOwn"/> of the reservation that is settled.</param>
    ValueTask SettleAsync(ulong partition, IReadOnlyList<Account> accounts, bool isOwn = false, CancellationToken cancellationToken = default);

    /// <returns>What was remembered under this name last; null: nothing was, or its lifetime is over.</returns>
    ValueTask<byte[]?> RecallAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Remembers a value in the place of what was remembered under this name. It may be forgotten before its lifetime is over, where there are too many or the store was emptied.</summary>
    ValueTask RememberAsync(string name, ReadOnlyMemory<byte> value, TimeSpan lifetime, CancellationToken cancellationToken = default);
}

/// <summary>A sum with a limit; its name says of what: requests, or nanodollars.</summary>
/// <param name="Name">Unique in its partition; a period's account has the period in its name.</param>
/// <param name="Amount">To add.</param>
/// <param name="Limit">The most it may hold.</param>
/// <param name="Lifetime">After which it is forgotten, counted from its first use.</param>
public readonly record struct Account(string Name, long Amount, long Limit, TimeSpan Lifetime)
{
    /// <summary>Special limits: one that no sum exceeds, and one that every sum exceeds, which reports what an account holds and adds nothing. Lua's numbers reach no further.</summary>
    internal const long NoLimit = long.MaxValue >> 11, QueryOnly = long.MinValue >> 11;
}

/// <param name="Refused">The first account that would have gone over its limit; -1: none, everything was added.</param>
/// <param name="Held">What each account holds, in the order asked.</param>
public readonly record struct Reservation(int Refused, IReadOnlyList<long> Held)
{
    /// <summary>Made in this process alone, since the shared store was away.</summary>
    public bool IsOwn { get; init; }
}
