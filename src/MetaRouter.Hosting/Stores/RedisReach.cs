using System.Net;
using System.Net.Sockets;

namespace MetaRouter.Hosting.Stores;

/// <summary>Why a Redis cannot be reached, found by knocking at its address: the client tells only that it has no connection.</summary>
internal static class RedisReach
{
    /// <summary>A machine that is there accepts or refuses a connection within this time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Knocks at all of them at once.</summary>
    /// <param name="overTls">They are to speak TLS.</param>
    /// <param name="cause">The client's own failure, which may know more.</param>
    /// <returns>What is found there and what to do, without a period at the end.</returns>
    public static string Diagnose(IEnumerable<EndPoint> addresses, bool overTls, string cause)
    {
        var attempts = addresses.Select(a => (Address: Name(a), Found: ConnectAsync(a))).ToArray();
        Task.WhenAll(attempts.Select(k => k.Found)).GetAwaiter().GetResult();
        var found = attempts.Select(k => (k.Address, k.Found.Result)).ToArray();
        var (what, remedy) = found.Select(f => Words(f.Result, overTls)).MaxBy(w => w.Weight) is var worst ? (worst.What, worst.Remedy) : default;
        var each = found.Length == 1 ? what : string.Join("; ", found.Select(f => $"{f.Address}: {Words(f.Result, overTls).What}"));
        var said = found.Any(f => f.Result is null) ? cause : string.Join("; ", found.Select(f => f.Result!.Message.TrimEnd('.')).Distinct());
        return $"{each}; {remedy}. ({said})";
    }

    /// <summary>As it is written in settings.</summary>
    public static string Name(EndPoint address) => address is DnsEndPoint dns ? $"{dns.Host}:{dns.Port}" : address.ToString()!;

    /// <returns>Null: something listens.</returns>
    private static async Task<SocketException?> ConnectAsync(EndPoint address)
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            using var socket = address.AddressFamily == AddressFamily.Unspecified
                ? new Socket(SocketType.Stream, ProtocolType.Tcp)
                : new Socket(address.AddressFamily, SocketType.Stream, address is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
            await socket.ConnectAsync(address, patience.Token).ConfigureAwait(false);
            return null;
        }
        catch (SocketException e)
        {
            return e;
        }
        catch (OperationCanceledException)
        {
            return new SocketException((int)SocketError.TimedOut);
        }
    }

    /// <param name="problem">Null: something listens, but is no Redis, or one that refuses this client.</param>
    /// <returns>The remedy of the greatest weight is told: that of the address nearest to working.</returns>
    private static (string What, string Remedy, int Weight) Words(SocketException? problem, bool overTls) => problem?.SocketErrorCode switch
    {
        null when overTls => (
            "somebody listens there, but does not answer as a Redis over TLS does",
            "check that it is a Redis and listens with TLS on this port, that its certificate is of an authority this machine "
                + "trusts (ca=FILE) and for this name (sslHost=NAME), and the password (password=... or passwordFile=FILE)",
            3),
        null => ("somebody listens there, but does not answer as a Redis does", "check that it is a Redis, ssl=true if it speaks TLS, and the password (password=... or passwordFile=FILE)", 3),
        SocketError.ConnectionRefused => ("nothing listens there", "start Redis, or name the address where it listens", 2),
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => ("no machine is known by that name", "check the name, and that this machine's DNS knows it", 0),
        _ => ("that machine does not answer", "check the address, that Redis runs there, and the network and firewalls on the way", 1),
    };
}
