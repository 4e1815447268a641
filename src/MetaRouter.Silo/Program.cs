using System.Net;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Telemetry;
using MetaRouter.Orleans;
using MetaRouter.ServiceDefaults;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using StackExchange.Redis;
using static MetaRouter.Hosting.Settings.ProgramArguments;

if (args is [HealthCommand.Name, ..] && !AsksForHelp(args))
{
    return await HealthCommand.RunAsync(args[1..], SiloArguments.DefaultUrl).ConfigureAwait(false);
}

if (Answer(args, SiloArguments.Help, SiloArguments.Version, SiloArguments.Problems(args)) is { } code)
{
    return code;
}

var (redis, cluster, hasStarted) = ("", new MetaRouterClusterOptions(), false);
try
{
    var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = ProgramDefaults.WithoutReload(args), ContentRootPath = ProgramDefaults.Folder });
    var settings = builder.Configuration;
    ProgramDefaults.ListenOn(settings, SiloArguments.DefaultUrl);
    ProgramDefaults.LogWarnings(settings);
    cluster = SiloSettings.Read(settings);
    redis = RedisAddress.Shown(cluster.Redis);
    if (SiloSettings.ClosedPorts(cluster, settings) is { Count: > 0 } closed)
    {
        return Fail($"The silo cannot listen:{string.Concat(closed.Select(c => $"{Environment.NewLine}  - {c}"))}");
    }

    // The watchdog calls every start late by the machine's uptime.
    ProgramDefaults.FormatLogs(builder.Logging, settings);
    ProgramDefaults.QuietStart(builder.Logging, () => hasStarted, "Orleans.Runtime.SiloLifecycleSubject", "Orleans.Runtime.Silo", "Orleans.Runtime.Watchdog");

    // A drain: no new requests, those in hand are answered, grains put away; then the process ends.
    var drain = TimeSpan.FromSeconds(cluster.DrainSeconds);
    builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = drain);
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
    app.Services.GetRequiredService<IStartupValidator>().Validate();
    using (RedisUserStore.Open(cluster.Redis))
    {
        // Orleans tells a Redis that it cannot use in stack traces.
    }

    app.MapDefaultEndpoints();
    var telemetry = new TelemetryOptions().WithVariables(settings);
    using var watch = telemetry.Exports ? ActivatorUtilities.CreateInstance<CollectorWatch>(app.Services, telemetry) : null;
    app.Lifetime.ApplicationStopping.Register(() => _ = EndAsync(drain + TimeSpan.FromSeconds(5), redis));
    app.Lifetime.ApplicationStarted.Register(() =>
    {
        hasStarted = true;
        Console.WriteLine($"A silo with its users in Redis '{redis}'. Its health: {string.Join(", ", app.Urls.Select(u => u + "/health"))}. Stop with Ctrl+C.");
    });
    using var hangUp = HangUp.Stops(app.Lifetime);
    await app.RunAsync().ConfigureAwait(false);
    return 0;
}
catch (OptionsValidationException e)
{
    return Fail(SettingsBinder.Report([.. e.Failures]), BadConfiguration);
}
catch (RedisException e)
{
    return Fail($"The cluster's Redis '{redis}' cannot be used: {RedisFailure.Remedy(e)}. It is the setting MetaRouter:Cluster:Redis. ({e.Message})");
}
catch (StoreException e)
{
    return Fail($"{e.Message} (It is the setting MetaRouter:Cluster:Redis.)");
}
catch (Exception e) when (StartFailure.Of(e, otherUrl: "http://127.0.0.1:8082") is { } failure)
{
    return failure.Report();
}

// Membership asks a Redis that is gone again and again, whatever time the host gives it.
static async Task EndAsync(TimeSpan patience, string redis)
{
    await Task.Delay(patience).ConfigureAwait(false);
    Console.Error.WriteLine($"The silo has not stopped within {patience.TotalSeconds:0} s, "
        + $"most likely because its Redis '{redis}' does not answer. It ends here; other silos notice by themselves.");
    Environment.Exit(1);
}
