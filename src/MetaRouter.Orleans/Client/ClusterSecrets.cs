using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using StackExchange.Redis;

namespace MetaRouter.Orleans.Client;

/// <summary>The cluster's secrets for an edge, which seals and opens receipts too; made here if the edge starts before the first silo.</summary>
internal static class ClusterSecrets
{
    /// <exception cref="StoreException">Redis cannot be reached, or what is there is not secrets.</exception>
    public static RouterSecrets LoadOrCreate(MetaRouterClusterOptions cluster)
    {
        try
        {
            using var redis = ConnectionMultiplexer.Connect(RedisAddress.Parse(cluster.Redis));
            var (database, key) = (redis.GetDatabase(), (RedisKey)$"{cluster.ServiceId}:secrets:0");

            // As the silos' storage provider writes a record: both fields, or neither.
            var creation = database.CreateTransaction();
            creation.AddCondition(Condition.KeyNotExists(key));
            _ = creation.HashSetAsync(key, [new HashEntry("etag", Guid.NewGuid().ToString("N")), new HashEntry("data", RouterSecrets.Generate())]);
            creation.Execute();
            var secret = (byte[]?)database.HashGet(key, "data") ?? [];
            return RouterSecrets.Read(secret, static (tenant, user) => UserRouterGrainExtensions.Parse(UserRouterGrainExtensions.KeyOf(tenant, user)).User)
                ?? throw new StoreException(
                    $"The cluster's secrets have {secret.Length} bytes, and were not written by this program; "
                        + "receipts cannot be recognised. Restore Redis from a backup, or use another ServiceId.");
        }
        catch (RedisException e)
        {
            throw new StoreException($"The cluster's Redis '{RedisAddress.Shown(cluster.Redis)}' cannot be reached: {e.Message}", e);
        }
    }
}
