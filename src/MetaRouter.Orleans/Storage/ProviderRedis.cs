using System.Reflection;
using MetaRouter.Hosting.Stores;
using StackExchange.Redis;

namespace MetaRouter.Orleans.Storage;

/// <summary>
/// What Orleans' own providers (membership, grain storage, a client's list of silos) ask Redis by: connections like the stores', which fail at once while Redis is away,
/// find the node that has become the master, and use neither of two. By themselves the providers write to either, and look who is what once a minute.
/// </summary>
internal static class ProviderRedis
{
    /// <exception cref="StoreException">It cannot be understood, or Redis cannot be reached.</exception>
    public static async Task<(IConnectionMultiplexer Multiplexer, bool IsShared)> OpenAsync(string address)
    {
        var connection = await Task.Run(() => RedisConnection.Open(address)).ConfigureAwait(false);
        return (connection.HasSeveral ? Watched.Of(connection.Client, connection) : connection.Client, IsShared: false);
    }

    /// <summary>The client, or a database of it, with the connection's checks before and after each call: the providers make the calls themselves.</summary>
    internal class Watched : DispatchProxy
    {
        private object? _target;
        private RedisConnection? _connection;

        public static T Of<T>(T target, RedisConnection connection)
            where T : class
        {
            var proxy = Create<T, Watched>();
            var watched = (Watched)(object)proxy;
            (watched._target, watched._connection) = (target, connection);
            return proxy;
        }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (_target is IDatabase)
            {
                _connection!.CheckMaster("used");
            }

            var answer = targetMethod!.Invoke(_target, BindingFlags.DoNotWrapExceptions, binder: null, args, culture: null);
            if (answer is Task call)
            {
                _ = call.ContinueWith(
                    static (failed, connection) => ((RedisConnection)connection!).Notice(failed.Exception!.InnerException!), _connection,
                    CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }

            return answer is IDatabase database ? Of(database, _connection!) : answer;
        }
    }
}
