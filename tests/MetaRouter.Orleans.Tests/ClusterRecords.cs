using StackExchange.Redis;

namespace MetaRouter.Orleans.Tests;

/// <summary>What a cluster keeps in Redis, seen and changed from outside.</summary>
internal sealed class ClusterRecords : IAsyncDisposable
{
    private readonly ConnectionMultiplexer _connection;
    private readonly int _port;
    private readonly string _service;

    private ClusterRecords(ConnectionMultiplexer connection, int port, string service) => (_connection, _port, _service) = (connection, port, service);

    private IDatabase Database => _connection.GetDatabase();

    public static async Task<ClusterRecords> OpenAsync(RedisServer redis, string service) => new(await ConnectionMultiplexer.ConnectAsync(redis.Address), redis.Port, service);

    /// <summary>The cluster's secrets, before its first silo makes its own.</summary>
    public Task SetSecretsAsync(byte[] secrets) => SetAsync($"{_service}:secrets:0", secrets);

    /// <summary>Puts bytes that are no record in the place of a user's.</summary>
    public Task CorruptAsync(string tenant, string user) => SetAsync($"{_service}:user:{UserRouterGrainExtensions.KeyOf(tenant, user)}", [1, 2, 3]);

    /// <summary>How many grains have a record of this name.</summary>
    public async Task<int> CountAsync(string name) => (await KeysAsync(name)).Count;

    public async Task ClearAsync(string name)
    {
        foreach (var key in await KeysAsync(name))
        {
            await Database.KeyDeleteAsync(key);
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private Task SetAsync(string key, byte[] data) => Database.HashSetAsync(key, [new HashEntry("etag", Guid.NewGuid().ToString()), new HashEntry("data", data)]);

    private async Task<List<RedisKey>> KeysAsync(string name)
    {
        var keys = new List<RedisKey>();
        await foreach (var key in _connection.GetServer("127.0.0.1", _port).KeysAsync(pattern: $"{_service}:{name}:*"))
        {
            keys.Add(key);
        }

        return keys;
    }
}
