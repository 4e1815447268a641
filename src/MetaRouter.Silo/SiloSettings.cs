using System.Net;
using System.Net.Sockets;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Stores;
using MetaRouter.Hosting.Telemetry;
using MetaRouter.Orleans;
using Microsoft.Extensions.Options;

/// <summary>Everything an operator set, checked before anything starts. Problems of all sections are reported together.</summary>
internal static class SiloSettings
{
    private const string Store = $"{MetaRouterOptions.Section}:{nameof(MetaRouterOptions.Store)}";

    /// <exception cref="OptionsValidationException">At least one setting cannot be used.</exception>
    public static MetaRouterClusterOptions Read(IConfiguration configuration)
    {
        var (problems, copy) = (new List<string>(), SettingsBinder.Copy(configuration));
        var cluster = SettingsBinder.Bind<MetaRouterClusterOptions>(copy, MetaRouterClusterOptions.Section, problems);
        var store = copy[Store];
        if (store?.StartsWith("cluster:", StringComparison.Ordinal) == true)
        {
            problems.Add(
                $"{Store} is '{RedisAddress.Shown(store)}', which is for gateways; a silo's users are in the Redis that "
                    + $"{MetaRouterClusterOptions.Section}:Redis names, now '{RedisAddress.Shown(cluster.Redis)}'. Leave it out");
            copy[Store] = new MetaRouterOptions().Store; // said once
        }

        var router = SettingsBinder.Bind<MetaRouterOptions>(copy, MetaRouterOptions.Section, problems);
        problems.AddRange(router.Problems().Select(p => $"{MetaRouterOptions.Section}: {p}"));
        problems.AddRange(cluster.Problems().Select(p => $"{MetaRouterClusterOptions.Section}: {p}"));
        problems.AddRange(SettingsBinder.LoggingProblems(configuration));
        problems.AddRange(new TelemetryOptions().WithVariables(configuration).Problems());
        problems.AddRange(Urls(configuration).Where(u => ListenAddress.Parse(u) is null).Select(u => $"the address to listen on is '{u}'; give a URL such as {SiloArguments.DefaultUrl}"));
        return problems.Count == 0 ? cluster : throw new OptionsValidationException(MetaRouterOptions.Section, typeof(MetaRouterClusterOptions), problems);
    }

    /// <summary>
    /// Where the silo cannot listen. Asked before it starts: Orleans shares a port with another silo, takes that one for its own earlier life, and has the cluster give it up;
    /// and a silo that has joined before its own health cannot be served has only disturbed the others.
    /// </summary>
    public static IReadOnlyList<string> ClosedPorts(MetaRouterClusterOptions cluster, IConfiguration configuration)
    {
        const string section = MetaRouterClusterOptions.Section;
        var address = cluster.Address.Length > 0 ? IPAddress.Parse(cluster.Address) : IPAddress.Any;
        var problems = new List<string>();
        Try(address, cluster.SiloPort, $"{section}:{nameof(cluster.SiloPort)} is {cluster.SiloPort}", $"--{section}:{nameof(cluster.SiloPort)} PORT");
        Try(address, cluster.GatewayPort, $"{section}:{nameof(cluster.GatewayPort)} is {cluster.GatewayPort}", $"--{section}:{nameof(cluster.GatewayPort)} PORT");
        foreach (var url in Urls(configuration).Select(BindingAddress.Parse).Where(u => !ListenAddress.IsLocal(u) && u.Port > 0))
        {
            Try(
                IPAddress.TryParse(url.Host.Trim('[', ']'), out var ip) ? ip : url.Host == "localhost" ? IPAddress.Loopback : IPAddress.Any,
                url.Port, $"the address of its health is {url}", "--urls http://127.0.0.1:PORT");
        }

        return problems;

        void Try(IPAddress at, int port, string what, string remedy)
        {
            using var listener = new TcpListener(at, port);
            try
            {
                listener.Start();
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                problems.Add($"{what}, and a program listens there already, perhaps another silo; give this one a port of its own: {remedy} (see --help)");
            }
            catch (SocketException e)
            {
                problems.Add($"{what}, where this program cannot listen on {at} ({e.Message}); "
                    + $"give a port that it may have, and as {section}:{nameof(cluster.Address)} an address of this machine");
            }
        }
    }

    private static string[] Urls(IConfiguration configuration) => (configuration["Urls"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
