using System.Net;
using System.Net.Sockets;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Settings;
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
            problems.Add($"{Store} is '{WithoutPassword(store)}', which is for gateways; a silo's users are in the Redis that {MetaRouterClusterOptions.Section}:Redis names, now '{WithoutPassword(cluster.Redis)}'. Leave it out");
            copy[Store] = new MetaRouterOptions().Store; // said once
        }

        var router = SettingsBinder.Bind<MetaRouterOptions>(copy, MetaRouterOptions.Section, problems);
        problems.AddRange(router.Problems().Select(p => $"{MetaRouterOptions.Section}: {p}"));
        problems.AddRange(cluster.Problems().Select(p => $"{MetaRouterClusterOptions.Section}: {p}"));
        return problems.Count == 0 ? cluster : throw new OptionsValidationException(MetaRouterOptions.Section, typeof(MetaRouterClusterOptions), problems);
    }

    /// <summary>
    /// The ports that another program listens on. Asked before the silo starts: Orleans shares a port with another silo, takes that one for its own earlier life, and has the
    /// cluster give it up.
    /// </summary>
    public static IReadOnlyList<string> PortsInUse(MetaRouterClusterOptions cluster)
    {
        var address = cluster.Address.Length > 0 ? IPAddress.Parse(cluster.Address) : IPAddress.Any;
        return
        [
            .. new[] { (Name: nameof(cluster.SiloPort), Port: cluster.SiloPort), (Name: nameof(cluster.GatewayPort), Port: cluster.GatewayPort) }.Where(p => !IsFree(p.Port))
                .Select(p => $"{MetaRouterClusterOptions.Section}:{p.Name} is {p.Port}, and a program listens there already, perhaps another silo; give this one a port of its own: --{MetaRouterClusterOptions.Section}:{p.Name} PORT (see --help)"),
        ];

        bool IsFree(int port)
        {
            using var listener = new TcpListener(address, port);
            try
            {
                listener.Start();
                return true;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                return false;
            }
            catch (SocketException)
            {
                return true; // an address that is not this machine's: Orleans tells
            }
        }
    }

    public static string WithoutPassword(string redis) => redis.Split(',')[0];
}
