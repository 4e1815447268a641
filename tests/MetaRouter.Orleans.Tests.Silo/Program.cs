using System.Net;
using MetaRouter.Orleans;
using MetaRouter.Orleans.Storage;
using MetaRouter.Orleans.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Storage;

// A silo as a process of its own that a test can tell the time and faults: BOARD SILO_PORT GATEWAY_PORT, then settings.
using var board = new FaultBoard(args[0]);
var builder = Host.CreateApplicationBuilder(args[3..]);
var output = TextWriter.Synchronized(Console.Out);
builder.Logging.ClearProviders().AddProvider(new ErrorLogProvider(output.WriteLine));
builder.Services.AddSingleton(new RouterClock(new BoardTime(board)));
builder.AddMetaRouterSilo(silo =>
{
    silo.Configure<EndpointOptions>(o => (o.AdvertisedIPAddress, o.SiloPort, o.GatewayPort) =
        (IPAddress.Loopback, int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture), int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture)));
    silo.Services.AddSingleton(s => new RecordStore(new FaultyStorage(s.GetRequiredKeyedService<IGrainStorage>(RecordStore.Provider), board)));
});
using var host = builder.Build();
await host.StartAsync();
output.WriteLine("ready");
await host.WaitForShutdownAsync();
