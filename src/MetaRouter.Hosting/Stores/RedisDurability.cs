using StackExchange.Redis;

namespace MetaRouter.Hosting.Stores;

/// <summary>What an acknowledged write survives, by how the nodes of Redis are set.</summary>
internal static class RedisDurability
{
    /// <summary>The rank of a node that keeps what it acknowledged whatever dies; others rank lower, down to -1.</summary>
    private const int Best = 3;

    /// <summary>By the node that promises least.</summary>
    /// <param name="patience">How long each answer is waited for.</param>
    public static async Task<(bool IsDurable, string Description)> OfAsync(ConnectionMultiplexer redis, TimeSpan patience)
    {
        var (worst, description) = (Best, "what is acknowledged survives the death of Redis and of its machine (appendonly yes, appendfsync always)");
        foreach (var server in redis.GetEndPoints().Select(e => redis.GetServer(e)).Where(s => s.IsConnected))
        {
            var (rank, text) = await OfAsync(server, patience).ConfigureAwait(false);
            (worst, description) = rank < worst ? (rank, text) : (worst, description);
        }

        return (worst == Best, description);
    }

    private static async Task<(int Rank, string Description)> OfAsync(IServer server, TimeSpan patience)
    {
        try
        {
            var (appends, syncs) = (await ConfigAsync(server, "appendonly", patience).ConfigureAwait(false), await ConfigAsync(server, "appendfsync", patience).ConfigureAwait(false));
            var (policy, most) = (await ConfigAsync(server, "maxmemory-policy", patience).ConfigureAwait(false), await ConfigAsync(server, "maxmemory", patience).ConfigureAwait(false));
            if (most is not ("" or "0") && policy is not ("" or "noeviction"))
            {
                // Only what was spent has a lifetime.
                return (
                    -1,
                    "what is acknowledged is thrown away when Redis is full: "
                        + $"{(policy.StartsWith("volatile-", StringComparison.Ordinal) ? "what was spent of budgets" : "users, and the keys that receipts are sealed with")} "
                        + $"(maxmemory {most}, maxmemory-policy {policy}); set maxmemory-policy noeviction to keep it");
            }

            return (appends, syncs) switch
            {
                ("yes", "always") => (Best, ""),
                ("yes", _) => (
                    2,
                    "what is acknowledged survives the death of Redis, but up to a second or more of it is lost with its machine (appendonly yes, "
                        + $"appendfsync {syncs}); set appendfsync always to keep it"),
                _ => (0, "what is acknowledged is lost when Redis ends, back to its last dump (appendonly no); set appendonly yes and appendfsync always to keep it"),
            };
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            return (1, "Redis does not tell how it keeps what it acknowledges (CONFIG is refused); ask whoever runs it for appendonly yes and appendfsync always");
        }
    }

    private static async Task<string> ConfigAsync(IServer server, string name, TimeSpan patience) =>
        (await server.ConfigGetAsync(name).WaitAsync(patience).ConfigureAwait(false)).FirstOrDefault().Value ?? "";
}
