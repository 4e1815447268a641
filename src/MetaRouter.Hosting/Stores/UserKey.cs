namespace MetaRouter.Hosting.Stores;

/// <summary>A user as stores know it: keyed hashes of the tenant and of tenant and user, never the ids themselves.</summary>
public readonly record struct UserKey(ulong Tenant, ulong User);
