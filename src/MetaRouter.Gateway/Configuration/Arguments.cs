using MetaRouter.Gateway.Demo;
using MetaRouter.Gateway.Telemetry;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Configuration;

/// <summary>The command line, looked at before any setting is read of it: an option that nobody knows would take the next one for its value, and a word that is none would be passed over.</summary>
internal static class Arguments
{
    /// <summary>What a setting's name may begin with: this program's sections, and what ASP.NET Core reads by itself.</summary>
    public static IReadOnlyList<string> Known { get; } =
    [
        MetaRouterOptions.Section, GatewayOptions.Section, TelemetryOptions.Section, UpstreamOptions.Section, ApiKeyOptions.Section, TenantOptions.Section, DemoOptions.Section, "Logging",
        "urls", "http_ports", "https_ports", "Kestrel", "AllowedHosts", "ConnectionStrings", "Orleans", "environment", "contentRoot", "applicationName", "shutdownTimeoutSeconds", "hostBuilder",
    ];

    public static string Version { get; } = typeof(Arguments).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>Every setting is in <c>appsettings.json</c> or in the options' docs; this names those that a first look needs.</summary>
    public static string Help => $"""
        The gateway: an OpenAI-compatible API that chooses, for each request of each user, the model that answers, and a console.

        usage: MetaRouter.Gateway [{DemoOptions.Switch}] [--SECTION:NAME VALUE]...
               MetaRouter.Gateway {NewKey.Command} TENANT SCOPE...

        {DemoOptions.Switch}                          fifty simulated users fill the console; --Demo:Users, --Demo:RequestsPerSecond, --Demo:Seed, --Demo:Data
        --urls URL                      where it listens; default {GatewayApp.DefaultUrl}
        --MetaRouter:Store STORE        sqlite:PATH (default sqlite:metarouter.db, in the folder it is started in), redis:HOST:PORT, memory
        --MetaRouter:Snapshot FILE      what 'metarouter train' wrote; default: the one that ships
        --MetaRouter:DecisionLog FILE   where decisions are logged; default: nowhere
        {NewKey.Command} TENANT SCOPE...         makes an API key, and the entry that lets it in
        --version                       prints {Version}

        Every setting can stand in an appsettings.json of the folder it is started in, in an environment variable (MetaRouter__Store), or here.
        Models, upstreams, keys and tenants are lists, and best in the file. The README shows one; docs/api.md and docs/operating.md have the rest.
        """;

    public static bool AskForHelp(ReadOnlySpan<string> args) => args.ContainsAny(["--help", "-h", "-?", "/?", "help"]);

    /// <summary>All that is wrong with them.</summary>
    public static IReadOnlyList<string> Problems(ReadOnlySpan<string> args)
    {
        var problems = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == DemoOptions.Switch)
            {
                continue;
            }

            var at = args[i].IndexOf('=', StringComparison.Ordinal);
            var option = at < 0 ? args[i] : args[i][..at];
            if (at < 0 && !option.StartsWith("--", StringComparison.Ordinal))
            {
                problems.Add($"'{option}' is neither a command nor an option; the one command is {NewKey.Command}, and options are written --NAME VALUE (see --help)");
                break; // what follows may belong to the command that was meant
            }

            var isKnown = Known.Contains(option.TrimStart('-').Split(':')[0], StringComparer.OrdinalIgnoreCase);
            if (!isKnown)
            {
                problems.Add($"the option '{option}' does not exist; settings are written --SECTION:NAME VALUE, such as --MetaRouter:Store memory, and the address is --urls (see --help)");
            }

            if (at < 0 && i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal))
            {
                i++; // its value
            }
            else if (at < 0 && isKnown)
            {
                problems.Add($"the option '{option}' has no value; write {option} VALUE");
            }
        }

        return problems;
    }
}
