using System.Globalization;
using MetaRouter.Orleans;
using MetaRouter.Orleans.Load;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

// silo REDIS SILO_PORT GATEWAY_PORT | rates REDIS SECONDS [ONE CALL ALONE] | touch REDIS USERS
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
var builder = Host.CreateApplicationBuilder();
builder.Logging.ClearProviders().AddSimpleConsole().SetMinimumLevel(LogLevel.Warning);
builder.Configuration["MetaRouter:Cluster:Redis"] = args[1];
builder.Configuration["MetaRouter:RefreshSeconds"] = "0";
if (args[0] == "silo")
{
    string[] models = ["gpt-4o-mini", "gpt-4o", "claude-3-haiku", "claude-3-5-sonnet", "mixtral-8x7b", "llama-3-8b", "llama-3-70b", "mistral-7b"];
    for (var i = 0; i < models.Length; i++)
    {
        var model = $"MetaRouter:Models:{i}";
        builder.Configuration[$"{model}:Id"] = models[i];
        builder.Configuration[$"{model}:InputPrice"] = Math.ScaleB(0.1, i).ToString(CultureInfo.InvariantCulture);
        builder.Configuration[$"{model}:OutputPrice"] = Math.ScaleB(0.4, i).ToString(CultureInfo.InvariantCulture);
    }

    builder.AddMetaRouterSilo(silo => silo.Configure<EndpointOptions>(o => (o.AdvertisedIPAddress, o.SiloPort, o.GatewayPort) =
        (System.Net.IPAddress.Loopback, int.Parse(args[2], CultureInfo.InvariantCulture), int.Parse(args[3], CultureInfo.InvariantCulture))));
    using var silo = builder.Build();
    await silo.StartAsync();
    Console.WriteLine("ready");
    await silo.WaitForShutdownAsync();
    return 0;
}

builder.AddMetaRouterClusterClient();
using var host = builder.Build();
await host.StartAsync();
var grains = host.Services.GetRequiredService<IGrainFactory>();
var amount = int.Parse(args[2], CultureInfo.InvariantCulture);
if (args[0] == "rates")
{
    await Measurements.RatesAsync(grains, TimeSpan.FromSeconds(amount), args.ElementAtOrDefault(3));
}
else
{
    await Measurements.TouchAsync(grains, amount);
}

await host.StopAsync();
return 0;
