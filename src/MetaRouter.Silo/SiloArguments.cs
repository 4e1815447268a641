using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;
using MetaRouter.Orleans;

/// <summary>The silo's command line.</summary>
internal static class SiloArguments
{
    public const string DefaultUrl = "http://127.0.0.1:8081";

    /// <summary>What a setting's name may begin with: the cluster's sections, and what ASP.NET Core and Orleans read by themselves.</summary>
    private static readonly string[] s_known =
    [
        MetaRouterOptions.Section, "Logging", "Orleans",
        "urls", "http_ports", "https_ports", "Kestrel", "AllowedHosts", "ConnectionStrings", "environment", "contentRoot", "applicationName", "shutdownTimeoutSeconds", "hostBuilder",
    ];

    public static string Version { get; } = typeof(SiloArguments).Assembly.GetName().Version?.ToString(3) ?? "";

    public static string Help { get; } = $"""
        A silo of the cluster: it holds users and decides for them; gateways and .NET
        services are its clients.

        usage: MetaRouter.Silo [--SECTION:NAME VALUE]...
               MetaRouter.Silo {HealthCommand.Name} [URL]

        --MetaRouter:Cluster:Redis HOST:PORT   where membership and users live;
                                               default {new MetaRouterClusterOptions().Redis}
        --MetaRouter:Cluster:SiloPort PORT     where other silos reach it;
                                               default {new MetaRouterClusterOptions().SiloPort}
        --MetaRouter:Cluster:GatewayPort PORT  where clients reach it;
                                               default {new MetaRouterClusterOptions().GatewayPort}
        --MetaRouter:Cluster:Address IP        the address that others reach it by;
                                               the settings file that ships says
                                               127.0.0.1: this machine alone
        --urls URL                             where /health and /alive are;
                                               default {DefaultUrl}
        --MetaRouter:Snapshot FILE             what 'metarouter train' wrote;
                                               default: the one that ships
        {HealthCommand.Name} [URL]                           asks the silo whose health is there;
                                               ends with 0 if it is ready, else with 1;
                                               default {DefaultUrl}
        --version                              prints {Version}

        A second silo on one machine needs other ports, all three of them. Every
        setting can stand in an appsettings.json of the folder it is started in, in an
        environment variable (MetaRouter__Cluster__Redis), or here. Models
        (MetaRouter:Models) are a list, the same as the gateways', and best in the
        file. docs/operating.md and docs/scale.md have the rest.

        examples: MetaRouter.Silo --MetaRouter:Cluster:Redis 127.0.0.1:6379
                  MetaRouter.Silo --urls http://127.0.0.1:8082 \
                      --MetaRouter:Cluster:SiloPort 11112 \
                      --MetaRouter:Cluster:GatewayPort 30001
        """;

    public static IReadOnlyList<string> Problems(ReadOnlySpan<string> args) => ProgramArguments.Problems(args, s_known, HealthCommand.Name);
}
