using MetaRouter.Core.Routing;

namespace MetaRouter.RouterContract;

/// <summary>
/// One durable state and the routers over it, as one way of running builds them. Every fixture of a process has the same keys, so that a receipt
/// one fixture issued is good in another.
/// </summary>
public interface IRouterFixture : IAsyncDisposable
{
    IRouterFaults Faults { get; }

    /// <summary>What was logged as an error so far.</summary>
    IReadOnlyCollection<string> Errors { get; }

    /// <summary>One more router over the state, with nothing in memory; several may run at once.</summary>
    Task<IRouter> StartAsync();

    /// <summary>Ends every router. Only what is durable stays.</summary>
    Task StopAsync();

    /// <summary>Users the state has a record of.</summary>
    Task<int> CountUsersAsync();

    /// <summary>Puts bytes that are no record in the place of the user's. Call it while no router runs.</summary>
    Task CorruptAsync(string tenant, string user);

    /// <summary>Unreadable records that are kept aside.</summary>
    Task<int> CountQuarantinedAsync();

    /// <summary>A call that got no answer in time is made again behind the caller's back, and a decision nobody heard of may be logged.</summary>
    bool MayAskAgain => false;

    /// <summary>The lines of the decision log, complete after <see cref="StopAsync"/>.</summary>
    Task<IReadOnlyList<string>> ReadDecisionLogAsync();
}

/// <summary>What can go wrong between a router and its state.</summary>
public interface IRouterFaults
{
    /// <summary>The next save is not done, and the router is told.</summary>
    void FailNextSave();

    /// <summary>The next save is done, and the router is told that it failed.</summary>
    void LoseNextAnswer();

    /// <summary>The next save waits until it is let go.</summary>
    IHeldSave HoldNextSave();
}

public interface IHeldSave
{
    /// <summary>Ends when the save has arrived.</summary>
    Task Arrived { get; }

    void LetGo();
}
