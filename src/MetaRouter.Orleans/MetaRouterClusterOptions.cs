using System.Net;
using MetaRouter.Hosting.Settings;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Orleans;

/// <summary>How a silo or a client of the cluster runs: section <c>MetaRouter:Cluster</c> of the configuration. Models and routing are in section <c>MetaRouter</c>.</summary>
public sealed class MetaRouterClusterOptions
{
    public const string Section = "MetaRouter:Cluster";

    /// <value>Where membership and users live, as <see cref="RedisAddress"/> reads it (<c>host:port,password=...,ssl=true,ca=FILE</c>). Default <c>127.0.0.1:6379</c>.</value>
    public string Redis { get; set; } = "127.0.0.1:6379";

    /// <value>Silos and clients with the same one find each other. Default <c>metarouter</c>.</value>
    public string ClusterId { get; set; } = "metarouter";

    /// <value>Names the users' state; it outlives the cluster. Default <c>metarouter</c>.</value>
    public string ServiceId { get; set; } = "metarouter";

    /// <value>Seconds between looks for a newer prior; a silo is never further behind than this and one call's time. 0.1 to 600, default 5.</value>
    public double SnapshotSeconds { get; set; } = 5;

    /// <value>Requests a silo takes in hand at once; one more is answered as busy. 1 to 1,000,000, default 2,000.</value>
    public int RequestsInHand { get; set; } = 2_000;

    /// <value>Minutes after which an idle user leaves memory. 1 to 10,080, default 15.</value>
    public double IdleMinutes { get; set; } = 15;

    /// <value>Over how many grains the users' evidence is spread; the same on every silo. 1 to 4,096, default 32.</value>
    public int Partitions { get; set; } = 32;

    /// <value>Of a silo: the port that other silos reach it on. 1 to 65,535, default 11111.</value>
    public int SiloPort { get; set; } = 11_111;

    /// <value>Of a silo: the port that clients of the cluster reach it on. 1 to 65,535, default 30000.</value>
    public int GatewayPort { get; set; } = 30_000;

    /// <value>Of a silo: the IP address that others reach it by; empty, the default: one that this machine has.</value>
    public string Address { get; set; } = "";

    /// <value>Of a silo: seconds to finish requests in hand and deactivate grains when it is asked to stop. 1 to 600, default 30.</value>
    public double DrainSeconds { get; set; } = 30;

    /// <value>This process' certificate, a PEM file, for TLS among silos and clients; empty, the default: they speak in clear. On all of them or on none.</value>
    public string Certificate { get; set; } = "";

    /// <value>The private key of <see cref="Certificate"/>, a PEM file.</value>
    public string CertificateKey { get; set; } = "";

    /// <value>The authority, or several, a PEM file: whoever shows a certificate that it signed is of the cluster, and nobody else.</value>
    public string CertificateAuthority { get; set; } = "";

    /// <summary>Every problem of these options, empty when there is none.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        foreach (var (name, value) in new[] { (nameof(Redis), Redis), (nameof(ClusterId), ClusterId), (nameof(ServiceId), ServiceId) })
        {
            if (string.IsNullOrWhiteSpace(value))
            {
                problems.Add($"{name} is empty; give it a value, or leave it out for the default");
            }
        }

        if (!string.IsNullOrWhiteSpace(Redis) && RedisAddress.ProblemOf(Redis) is { } problem)
        {
            problems.Add($"{nameof(Redis)} '{RedisAddress.Shown(Redis)}': {problem}");
        }

        Range(nameof(SnapshotSeconds), SnapshotSeconds, 0.1, 600);
        Range(nameof(RequestsInHand), RequestsInHand, 1, 1_000_000);
        Range(nameof(IdleMinutes), IdleMinutes, 1, 10_080);
        Range(nameof(Partitions), Partitions, 1, 4_096);
        Range(nameof(DrainSeconds), DrainSeconds, 1, 600);
        Range(nameof(SiloPort), SiloPort, 1, IPEndPoint.MaxPort);
        Range(nameof(GatewayPort), GatewayPort, 1, IPEndPoint.MaxPort);
        if (SiloPort == GatewayPort)
        {
            problems.Add($"{nameof(SiloPort)} and {nameof(GatewayPort)} are both {SiloPort}; give each a port of its own");
        }

        if (Address.Length > 0 && !IPAddress.TryParse(Address, out _))
        {
            problems.Add($"{nameof(Address)} is '{Address}'; it must be an IP address of this machine, such as 127.0.0.1, or left out");
        }

        if (ClusterTls.ProblemOf(this) is { } tls)
        {
            problems.Add(tls);
        }

        return problems;

        void Range(string name, double value, double low, double high) => SettingsBinder.Range(problems, name, value, low, high);
    }
}
