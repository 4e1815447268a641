using MetaRouter.Gateway.Demo;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Gateway.Configuration;

/// <summary>The gateway's command line.</summary>
internal static class Arguments
{
    /// <summary>What a setting's name may begin with: this program's sections, and what ASP.NET Core reads by itself.</summary>
    public static IReadOnlyList<string> Known { get; } =
    [
        MetaRouterOptions.Section, GatewayOptions.Section, TelemetryOptions.Section, UpstreamOptions.Section, ApiKeyOptions.Section, TenantOptions.Section, DemoOptions.Section, "Logging",
        "urls", "http_ports", "https_ports", "Kestrel", "AllowedHosts", "ConnectionStrings", "Orleans", "environment", "contentRoot", "applicationName", "shutdownTimeoutSeconds", "hostBuilder",
    ];

    public static string Version { get; } = typeof(Arguments).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>The name it was started by: as a tool it has another name.</summary>
    private static string Program => Path.GetFileName(Environment.ProcessPath)?.Replace(".exe", "", StringComparison.Ordinal) is { } name and not "dotnet" ? name : "MetaRouter.Gateway";

    /// <summary>Every setting is in <c>appsettings.json</c> or in the options' docs; this names those that a first look needs.</summary>
    public static string Help => $"""
        The gateway: an OpenAI-compatible API that chooses, for each request of each
        user, the model that answers, and a console.

        usage: {Program} [{DemoOptions.Switch}] [--SECTION:NAME VALUE]...
               {Program} {NewKey.Command} TENANT SCOPE...
               {Program} {HealthCommand.Name} [URL]
               {Program} {CopyStore.Usage}

        {DemoOptions.Switch}                          fifty simulated users fill the console;
                                        --Demo:Users, --Demo:RequestsPerSecond,
                                        --Demo:Seed, --Demo:Data
        --urls URL                      where it listens;
                                        default {GatewayApp.DefaultUrl}
        --MetaRouter:Store STORE        sqlite:PATH, redis:HOST:PORT or memory;
                                        default {new MetaRouterOptions().Store}, in the
                                        folder it is started in
        --MetaRouter:Snapshot FILE      what 'metarouter train' wrote;
                                        default: the one that ships
        --MetaRouter:DecisionLog FILE   where decisions are logged; default: nowhere
        {NewKey.Command} TENANT SCOPE...         makes an API key and its settings entry;
                                        scopes: inference, feedback, read,
                                        admin, operator, metrics
        {HealthCommand.Name} [URL]                    asks the gateway there for its health;
                                        exit code 0 if it is well, else 1;
                                        default {GatewayApp.DefaultUrl}
        {CopyStore.Usage}                    copies all that is kept from one store into
                                        an empty one (sqlite:PATH, redis:HOST:PORT);
                                        stop what uses either first
        --version                       prints {Version}

        Every setting can be in an appsettings.json in the folder it is started
        in, in an environment variable (MetaRouter__Store), or here. Models,
        upstreams, keys and tenants are lists, and best in the file.
        {ProgramDefaults.Page("settings.md")} has every setting and a whole file,
        {ProgramDefaults.Page("operating.md")} the rest.

        examples: {Program} {DemoOptions.Switch}
                  {Program} --MetaRouter:Store redis:127.0.0.1:6379
                  {Program} {NewKey.Command} acme inference feedback read
        """;

    /// <summary>All that is wrong with them.</summary>
    public static IReadOnlyList<string> Problems(ReadOnlySpan<string> args) =>
        ProgramArguments.Problems(args, Known, $"{NewKey.Command}, {HealthCommand.Name} or {CopyStore.Command}", DemoOptions.Switch);
}
