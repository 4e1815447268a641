namespace MetaRouter.Hosting.Stores;

/// <summary>What a store keeps besides users, by name. Never change one: stores that are in use have it.</summary>
internal static class ValueNames
{
    public const string Secrets = "secrets.v1", Catalog = "catalog.v1", Mode = "mode.v1", Prior = "prior.v1", PriorHistory = "prior.history.v1";

    /// <summary>Used by a process that counts by itself; on Redis each account is a key.</summary>
    public const string Accounts = "accounts.v1", AccountChanges = "accounts.v1.since";

    /// <summary>A note that the shared values were found gone; it belongs to that store alone and is not copied.</summary>
    public const string Lost = "lost.v1";
}
