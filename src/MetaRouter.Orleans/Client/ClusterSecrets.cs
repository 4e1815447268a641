using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Orleans.Client;

/// <summary>The cluster's secrets for an edge, which seals and opens receipts too; made here if the edge starts before the first silo.</summary>
internal static class ClusterSecrets
{
    /// <summary>As the silos' storage provider writes a record: both fields, or neither.</summary>
    private const string ReadOrCreate = """
        if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('HSET', KEYS[1], 'etag', ARGV[1], 'data', ARGV[2]) end
        return redis.call('HGET', KEYS[1], 'data')
        """;

    /// <exception cref="StoreException">Redis cannot be reached, or what is there is not secrets.</exception>
    public static RouterSecrets LoadOrCreate(MetaRouterClusterOptions cluster)
    {
        using var redis = RedisConnection.Open(cluster.Redis);
        var created = redis.RunAsync(ReadOrCreate, [$"{cluster.ServiceId}:secrets:0"], [Guid.NewGuid().ToString("N"), RouterSecrets.Generate()], "read", CancellationToken.None);
        var secret = (byte[]?)created.GetAwaiter().GetResult() ?? [];
        return RouterSecrets.Read(secret, static (tenant, user) => UserRouterGrainExtensions.Parse(UserRouterGrainExtensions.KeyOf(tenant, user)).User)
            ?? throw new StoreException(
                $"The cluster's secrets have {secret.Length} bytes, and were not written by this program; "
                    + "receipts cannot be recognised. Restore Redis from a backup, or use another ServiceId.");
    }
}
