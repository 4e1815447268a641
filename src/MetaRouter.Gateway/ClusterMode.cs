using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;
using MetaRouter.Orleans;

namespace MetaRouter.Gateway;

/// <summary>The gateway as a client of the cluster, by one setting: <c>MetaRouter__Store=cluster:HOST:PORT</c> names the silos' Redis.</summary>
internal static class ClusterMode
{
    private const string Store = "MetaRouter:Store", Kind = "cluster:";

    /// <summary>Users live in grains; what gateways share besides (budgets, sessions, mode) lives in the same Redis.</summary>
    public static bool IsAsked(ConfigurationManager configuration)
    {
        if (configuration[Store] is not { } store || !store.StartsWith(Kind, StringComparison.Ordinal))
        {
            return false;
        }

        configuration[Store] = StoreAddress.Redis + store[Kind.Length..];
        configuration["MetaRouter:Cluster:Redis"] = store[Kind.Length..];
        configuration["MetaRouter:RefreshSeconds"] = "0"; // the cluster has a meta-learner
        return true;
    }

    /// <summary>Called after the router in this process was added: the cluster's takes its place.</summary>
    /// <param name="isTraced">A request's trace continues in the silo that decides it.</param>
    public static void Join(WebApplicationBuilder builder, bool isTraced)
    {
        // Models set at run time for replicas, and their prior, do not apply to the cluster, even if one Redis has or had both.
        builder.Services.Remove(builder.Services.Single(s => s.ImplementationType == typeof(StoreWatcher)));
        builder.AddMetaRouterClusterClient(client =>
        {
            if (isTraced)
            {
                client.AddActivityPropagation();
            }
        });
    }
}
