using System.Net;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Hosting.Settings;
using MetaRouter.Orleans;
using MetaRouter.ServiceDefaults;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using StackExchange.Redis;

const int failed = 1, badConfiguration = 2;
if (ProgramArguments.AskForHelp(args))
{
    Console.WriteLine(SiloArguments.Help);
    return 0;
}

if (args is ["--version"])
{
    Console.WriteLine(SiloArguments.Version);
    return 0;
}

if (SiloArguments.Problems(args) is { Count: > 0 } problems)
{
    return Say(SettingsBinder.Told(problems), badConfiguration);
}

var (redis, cluster, hasStarted) = ("", new MetaRouterClusterOptions(), false);
try
{
    var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = ProgramDefaults.Folder });
    var settings = builder.Configuration;
    ProgramDefaults.ListenOn(settings, SiloArguments.DefaultUrl);
    ProgramDefaults.LogWarnings(settings);
    cluster = SiloSettings.Read(settings);
    redis = SiloSettings.WithoutPassword(cluster.Redis);
    if (SiloSettings.ClosedPorts(cluster, settings) is { Count: > 0 } closed)
    {
        return Say($"The silo cannot listen:{string.Concat(closed.Select(c => $"{Environment.NewLine}  - {c}"))}", failed);
    }

    // A start that fails is told once, below; host, server and Orleans would each add a stack trace. The watchdog calls every start late by the machine's uptime.
    foreach (var category in new[] { "Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Server.Kestrel", "Orleans.Runtime.SiloLifecycleSubject", "Orleans.Runtime.Silo", "Orleans.Runtime.Watchdog" })
    {
        builder.Logging.AddFilter(category, level => hasStarted && level >= LogLevel.Warning);
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
            (o.SiloPort, o.GatewayPort) = (cluster.SiloPort, cluster.GatewayPort);
            if (cluster.Address.Length > 0)
            {
                o.AdvertisedIPAddress = IPAddress.Parse(cluster.Address);
            }
        });
    });
    var app = builder.Build();
    app.MapDefaultEndpoints();
    app.Lifetime.ApplicationStarted.Register(() => hasStarted = true);
    app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"A silo with its users in Redis '{redis}'. Its health: {string.Join(", ", app.Urls.Select(u => u + "/health"))}. Stop with Ctrl+C."));
    await app.RunAsync().ConfigureAwait(false);
    return 0;
}
catch (OptionsValidationException e)
{
    return Say(SettingsBinder.Told([.. e.Failures]), badConfiguration);
}
catch (Exception e) when (e is InvalidDataException or FormatException and not SnapshotFormatException)
{
    // A settings file that is no JSON; the message names the file and the line.
    return Say($"The configuration cannot be read: {e.Message} {e.GetBaseException().Message}", badConfiguration);
}
catch (OperationCanceledException)
{
    return 0; // stopped while it was starting
}
catch (RedisException e)
{
    return Say($"The cluster's Redis '{redis}' cannot be reached; start it, or set MetaRouter:Cluster:Redis. ({e.Message})", failed);
}
catch (IOException e) when (e.InnerException is AddressInUseException)
{
    return Say($"{e.Message.TrimEnd('.')}. Stop the program that listens there, or choose another address: --urls http://127.0.0.1:8082", failed);
}
catch (Exception e) when (e is SnapshotFormatException or IOException or UnauthorizedAccessException)
{
    return Say(e.Message, failed);
}

static int Say(string message, int code)
{
    Console.Error.WriteLine(message);
    return code;
}
