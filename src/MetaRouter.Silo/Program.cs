using System.Net;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Orleans;
using MetaRouter.ServiceDefaults;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

const int failed = 1, badConfiguration = 2;
try
{
    var builder = WebApplication.CreateSlimBuilder(args);
    var settings = builder.Configuration;

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
    await app.RunAsync().ConfigureAwait(false);
    return 0;
}
catch (OptionsValidationException e)
{
    return Say(e.Message, badConfiguration);
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
