using System.Net;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Orleans;
using MetaRouter.ServiceDefaults;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using StackExchange.Redis;

const int failed = 1, badConfiguration = 2;
var redis = "";
try
{
    var builder = WebApplication.CreateSlimBuilder(args);
    var settings = builder.Configuration;
    redis = (settings["MetaRouter:Cluster:Redis"] ?? new MetaRouterClusterOptions().Redis).Split(',')[0]; // a password may follow
    if (settings["MetaRouter:Store"] is { } store && store.StartsWith("cluster:", StringComparison.Ordinal))
    {
        return Say($"MetaRouter:Store is '{store.Split(',')[0]}', which is for gateways; a silo's users are in the Redis that MetaRouter:Cluster:Redis names, now '{redis}'. Leave it out.", badConfiguration);
    }

    // A drain: no new requests, those in hand are answered, grains put away; then the process ends.
    builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(30));
    builder.AddServiceDefaults();
    builder.Services.AddHealthChecks().AddCheck<SiloReadiness>("silo");
    builder.AddMetaRouterSilo(silo =>
    {
        if (settings.HasTelemetry())
        {
            silo.AddActivityPropagation();
        }

        silo.Configure<EndpointOptions>(o =>
        {
            o.SiloPort = settings.GetValue("MetaRouter:Cluster:SiloPort", EndpointOptions.DEFAULT_SILO_PORT);
            o.GatewayPort = settings.GetValue("MetaRouter:Cluster:GatewayPort", EndpointOptions.DEFAULT_GATEWAY_PORT);
            if (settings["MetaRouter:Cluster:Address"] is { Length: > 0 } address)
            {
                o.AdvertisedIPAddress = IPAddress.Parse(address);
            }
        });
    });
    var app = builder.Build();
    app.MapDefaultEndpoints();
    app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"A silo with its users in Redis '{redis}'. Its health: {string.Join(", ", app.Urls.Select(u => u + "/health"))}. Stop with Ctrl+C."));
    await app.RunAsync().ConfigureAwait(false);
    return 0;
}
catch (OptionsValidationException e)
{
    return Say(e.Message, badConfiguration);
}
catch (RedisException e)
{
    return Say($"The cluster's Redis '{redis}' cannot be reached; start it, or set MetaRouter:Cluster:Redis. ({e.Message})", failed);
}
catch (Exception e) when (e is SnapshotFormatException or IOException or FormatException)
{
    return Say(e.Message, failed);
}

static int Say(string message, int code)
{
    Console.Error.WriteLine(message);
    return code;
}
