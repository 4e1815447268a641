namespace MetaRouter.Hosting.Stores;

/// <summary>One user's record.</summary>
/// <param name="State">A <see cref="Core.Users.UserState"/> as bytes; empty for an erased user.</param>
/// <param name="Etag">Grows with every write and is never given twice, not even after a purge; 0 means there is no record.</param>
/// <param name="ErasedAtMs">Unix milliseconds of the last erasure; 0: never. Feedback on decisions before it is refused.</param>
public sealed record StoredUser(byte[] State, long Etag, long ErasedAtMs)
{
    public static StoredUser None { get; } = new([], 0, 0);
}
