using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Demo;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Telemetry;
using MetaRouter.Gateway.Upstream;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;

namespace MetaRouter.Gateway;

/// <summary>Puts the gateway together.</summary>
internal static partial class GatewayApp
{
    public const string DefaultUrl = "http://127.0.0.1:8080";

    private static readonly TraceparentOnly s_trace = new();
    private static volatile bool s_hasStarted;

    /// <summary>Everything is loaded before it returns: an application that was built can serve.</summary>
    /// <param name="replace">Services in place of the gateway's own.</param>
    /// <exception cref="GatewayConfigurationException">Settings that cannot be used, all of them.</exception>
    /// <exception cref="MetaRouter.Hosting.Stores.StoreException">The store cannot be opened.</exception>
    /// <exception cref="MetaRouter.Core.MetaLearning.SnapshotFormatException">The snapshot cannot be read.</exception>
    public static async Task<WebApplication> BuildAsync(string[] args, Action<IServiceCollection>? replace = null)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = ProgramDefaults.WithoutReload(DemoMode.Without(args)), ContentRootPath = ProgramDefaults.Folder });
        IConfigurationSource[] sources = [.. builder.Configuration.Sources];
        ProgramDefaults.ListenOn(builder.Configuration, DefaultUrl);
        ProgramDefaults.LogWarnings(builder.Configuration);
        DemoMode.Take(args, builder.Configuration);
        DemoCatalog.AddWhereNothingIsConfigured(builder.Configuration);
#if ORLEANS
        var isOnCluster = ClusterMode.IsAsked(builder.Configuration);
#endif
        var settings = SettingsReader.Read(builder.Configuration);
        ProgramDefaults.FormatLogs(builder.Logging, builder.Configuration);
        ProgramDefaults.QuietStart(builder.Logging, static () => s_hasStarted, "Orleans.Messaging.GatewayManager"); // it logs at every try that there is no silo yet; the program says so once
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null; // each endpoint has its own
        });
        builder.Services.AddSingleton(settings);
        builder.Services.AddMetaRouter(router =>
        {
            foreach (var tenant in settings.Tenants.Where(t => !t.SharesLearning && !router.PrivateTenants.Contains(t.Name)))
            {
                router.PrivateTenants.Add(tenant.Name);
            }
        });
#if ORLEANS
        if (isOnCluster)
        {
            ClusterMode.Join(builder, settings.Telemetry.Exports);
        }
#endif
        builder.Services.AddSingleton<System.Diagnostics.DistributedContextPropagator>(s_trace);
        builder.AddTelemetry(settings.Telemetry);
        builder.Services.AddGateway(settings, sources);
        builder.Services.AddSingleton<NameLookup>(System.Net.Dns.GetHostAddressesAsync);
        builder.Services.AddSingleton(services => new HttpMessageInvoker(settings.IsSimulated ? new SimulatedUpstream(services.GetRequiredService<TimeProvider>()) : UpstreamConnections(services.GetRequiredService<NameLookup>())));
        replace?.Invoke(builder.Services);
        var app = builder.Build();
        LogWarnings(app, builder.Configuration, settings);
        app.Lifetime.ApplicationStarted.Register(static () => s_hasStarted = true);
        _ = Task.Run(app.Services.GetRequiredService<PoolHolder>); // takes most of a start, so it is built in parallel with what does not need it
        try
        {
            await app.Services.GetRequiredService<ModeKeeper>().PullAsync(CancellationToken.None).ConfigureAwait(false);
            if (app.Services.GetService<Hosting.Learning.LearningLoop>() is { } learning)
            {
                learning.OnErased = app.Services.GetRequiredService<ConsoleRecorder>().Forget; // on a cluster a gateway knows only its own erasures
            }

            app.Services.GetService<DemoTraffic>()?.ReadData();
            app.UseMiddleware<Edge>();
            app.UseTelemetry(settings.Telemetry);
            foreach (var endpoints in app.Services.GetServices<IEndpoints>())
            {
                endpoints.Map(app);
            }

            ConsoleFiles.Map(app);
            return app;
        }
        catch
        {
            await app.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static void LogWarnings(WebApplication app, ConfigurationManager configuration, GatewaySettings settings)
    {
        foreach (var (written, meant) in MisspeltSections.Of(configuration))
        {
            LogStrangeSection(app.Logger, written, meant);
        }

        foreach (var warning in settings.Warnings)
        {
            LogDoubt(app.Logger, warning);
        }
    }

    private static SocketsHttpHandler UpstreamConnections(NameLookup lookUp) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false, // a proxy's connections would escape the check of addresses
        AutomaticDecompression = System.Net.DecompressionMethods.All,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        ConnectCallback = (context, cancellationToken) => UpstreamAddress.ConnectAsync(context.DnsEndPoint, lookUp, cancellationToken),
        ActivityHeadersPropagator = s_trace,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Doubt}.")]
    private static partial void LogDoubt(ILogger logger, string doubt);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The settings file has a section '{Written}', which nothing here reads. If '{Meant}' was meant, write that; a section of the host's own may stay.")]
    private static partial void LogStrangeSection(ILogger logger, string written, string meant);
}
