using System.Net;
using System.Net.Sockets;

namespace MetaRouter.Gateway.Configuration;

/// <summary>Asks what addresses a name has: the system's, unless a test has one of its own.</summary>
internal delegate Task<IPAddress[]> NameLookup(string host, CancellationToken cancellationToken);

/// <summary>
/// Keeps calls away from link-local addresses, where clouds serve credentials to any caller. Checked in the configuration and again on every
/// connection, since a name can resolve to anything later.
/// </summary>
internal static class UpstreamAddress
{
    /// <summary>Metadata services outside the link-local addresses: Alibaba's, Azure's, Oracle's and Google's.</summary>
    private static readonly IPAddress[] s_metadata =
    [
        IPAddress.Parse("100.100.100.200"), IPAddress.Parse("168.63.129.16"), IPAddress.Parse("192.0.0.192"), IPAddress.Parse("fd20:ce::254"),
    ];

    /// <summary>Amazon's own: metadata is at ::254 in it, and a cluster's pods get their credentials at ::23.</summary>
    private static readonly IPNetwork s_amazon = IPNetwork.Parse("fd00:ec2::/32");

    public static bool IsForbidden(IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var bytes = address.GetAddressBytes();
        if (IsMetadata(bytes) || CarriesMetadata(bytes))
        {
            return true;
        }

        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            return address.IsIPv6LinkLocal || s_amazon.Contains(address) || address.IsIPv6Multicast
                || address.Equals(IPAddress.IPv6Any) || (Carried(bytes) is { } inner && !IPAddress.IsLoopback(address) && IsForbidden(inner));
        }

        return bytes[0] == 0 || bytes[0] >= 224;
    }

    private static bool IsMetadata(ReadOnlySpan<byte> address) => (address.Length == 4 && address[0] == 169 && address[1] == 254) || Array.IndexOf(s_metadata, new IPAddress(address)) >= 0;

    /// <summary>A network's own translator (RFC 8215) reads the address where its prefix ends, and only it knows where that is.</summary>
    private static bool CarriesMetadata(ReadOnlySpan<byte> v6) =>
        v6.StartsWith((ReadOnlySpan<byte>)[0, 0x64, 0xFF, 0x9B, 0, 1])
        && (IsMetadata([v6[6], v6[7], v6[9], v6[10]]) || IsMetadata([v6[7], v6[9], v6[10], v6[11]]) || IsMetadata(v6[9..13]) || IsMetadata(v6[12..]));

    /// <summary>The IPv4 address inside an IPv6 one that a translator or a tunnel would extract; null: there is none.</summary>
    private static IPAddress? Carried(ReadOnlySpan<byte> v6)
    {
        if (v6[..2].SequenceEqual((ReadOnlySpan<byte>)[0x20, 0x02]))
        {
            return new IPAddress(v6[2..6]); // 6to4, RFC 3056
        }

        if (v6[..4].SequenceEqual((ReadOnlySpan<byte>)[0x20, 0x01, 0, 0]))
        {
            return new IPAddress([(byte)~v6[12], (byte)~v6[13], (byte)~v6[14], (byte)~v6[15]]); // Teredo, RFC 4380
        }

        // compatible, RFC 4291; translated, RFC 2765
        var isEmbedded = v6[..8].IndexOfAnyExcept((byte)0) < 0 && (v6[8..12].IndexOfAnyExcept((byte)0) < 0 || v6[8..12].SequenceEqual((ReadOnlySpan<byte>)[0xFF, 0xFF, 0, 0]));
        var isNat64 = v6[..4].SequenceEqual((ReadOnlySpan<byte>)[0, 0x64, 0xFF, 0x9B]); // RFC 6052, and RFC 8215's local prefix
        var isIsatap = v6[9..12].SequenceEqual((ReadOnlySpan<byte>)[0, 0x5E, 0xFE]); // RFC 5214
        return isEmbedded || isNat64 || isIsatap ? new IPAddress(v6[12..]) : null;
    }

    /// <summary>Connects to the first permitted address of the host.</summary>
    /// <param name="lookUp">Asked once: what was checked is what is connected to, whatever the name resolves to a moment later.</param>
    public static async ValueTask<Stream> ConnectAsync(DnsEndPoint to, NameLookup lookUp, CancellationToken cancellationToken)
    {
        var addresses = IPAddress.TryParse(to.Host, out var literal) ? [literal] : await lookUp(to.Host, cancellationToken).ConfigureAwait(false);
        var allowed = Array.FindAll(addresses, a => !IsForbidden(a));
        if (allowed.Length == 0)
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, $"'{to.Host}' resolves to no address an upstream may have.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, to.Port, cancellationToken).ConfigureAwait(false);
            _ = socket.RemoteEndPoint; // the handler asks for it outside of what it reports as a failed connection; a peer that has reset by then has none
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
