using System.Diagnostics;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Hosting;

/// <summary>The pool in service: one volatile read gives a decision everything shared, all of one version; a refresh replaces it whole.</summary>
public sealed class PoolHolder
{
    private readonly Lock _gate = new();
    private volatile UserModel _newcomer;
    private long _since = Stopwatch.GetTimestamp();

    public PoolHolder(RoutingPool pool) => _newcomer = new UserModel(pool, UserState.Empty);

    public RoutingPool Current => _newcomer.Pool;

    /// <summary>A user nobody has met, under the pool in service; one object for all of them.</summary>
    public UserModel Newcomer => _newcomer;

    /// <summary>Since the pool in service took the place of another, or of none.</summary>
    public TimeSpan Age => Stopwatch.GetElapsedTime(Interlocked.Read(ref _since));

    /// <summary>Replaces the pool by one made of it. One at a time, so that a new prior and a new catalog that arrive together are both kept.</summary>
    public void Update(Func<RoutingPool, RoutingPool> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        lock (_gate)
        {
            _newcomer = new UserModel(change(_newcomer.Pool), UserState.Empty);
            Interlocked.Exchange(ref _since, Stopwatch.GetTimestamp());
        }
    }
}
