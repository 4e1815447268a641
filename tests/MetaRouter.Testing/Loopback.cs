using System.Net;
using System.Net.Sockets;

namespace MetaRouter.Testing;

/// <summary>This machine's own network.</summary>
public static class Loopback
{
    /// <summary>A port that nobody listens on now; below 55,000, since a Redis Cluster's nodes also listen 10,000 above theirs.</summary>
    public static int FreePort()
    {
        while (true)
        {
            using var probe = new TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            var port = ((IPEndPoint)probe.LocalEndpoint).Port;
            if (port < 55_000)
            {
                return port;
            }
        }
    }
}
