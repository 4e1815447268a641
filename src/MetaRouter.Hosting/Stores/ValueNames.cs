namespace MetaRouter.Hosting.Stores;

/// <summary>What a store keeps besides users, by name. Never change one: stores that are in use have it.</summary>
internal static class ValueNames
{
    public const string Secrets = "secrets.v1", Catalog = "catalog.v1", Mode = "mode.v1", Prior = "prior.v1", PriorHistory = "prior.history.v1";

    /// <summary>Of a process that counts by itself; on Redis each account is a key.</summary>
    public const string Accounts = "accounts.v1", AccountChanges = "accounts.v1.since";

    /// <summary>A note that what all share was found gone, which is of that store alone.</summary>
    public const string Lost = "lost.v1";
}
