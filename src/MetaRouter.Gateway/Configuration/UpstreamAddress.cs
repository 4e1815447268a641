using System.Net;
using System.Net.Sockets;

namespace MetaRouter.Gateway.Configuration;

/// <summary>
/// Keeps calls away from link-local addresses, where clouds serve credentials to whoever asks. Checked in the configuration and again on every
/// connection, since a name can resolve to anything later.
/// </summary>
internal static class UpstreamAddress
{
    private static ReadOnlySpan<byte> Nat64 => [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0];

    public static bool IsForbidden(IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            // 6to4, NAT64 and the old compatible form carry an IPv4 address. fd00:ec2::254 is the metadata service of one large cloud.
            var v6 = address.GetAddressBytes();
            var inner = v6[0] == 0x20 && v6[1] == 0x02 ? v6.AsSpan(2, 4)
                : v6.AsSpan(0, 12).SequenceEqual(Nat64) || (v6.AsSpan(0, 12).IndexOfAnyExcept((byte)0) < 0 && !IPAddress.IsLoopback(address)) ? v6.AsSpan(12, 4) : default;
            return (!inner.IsEmpty && IsForbidden(new IPAddress(inner))) || address.IsIPv6LinkLocal || address.IsIPv6Multicast || address.Equals(IPAddress.IPv6Any) || address.Equals(IPAddress.Parse("fd00:ec2::254"));
        }

        var bytes = address.GetAddressBytes();
        return (bytes[0] == 169 && bytes[1] == 254) || bytes[0] == 0 || bytes[0] >= 224;
    }

    /// <summary>Connects to the first permitted address of the host.</summary>
    public static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);
        var allowed = Array.FindAll(addresses, a => !IsForbidden(a));
        if (allowed.Length == 0)
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, $"'{host}' resolves to no address an upstream may have.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
