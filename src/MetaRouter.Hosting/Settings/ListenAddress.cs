using System.Net;
using Microsoft.AspNetCore.Http;

namespace MetaRouter.Hosting.Settings;

/// <summary>An address to listen on, judged more strictly than the web server does.</summary>
internal static class ListenAddress
{
    /// <returns>Null: it is not an address.</returns>
    public static BindingAddress? Parse(string url)
    {
        try
        {
            // The server would take a port that is no number for a part of the host's name, and a host that is no address for all addresses: it would listen on port 80 of all.
            return BindingAddress.Parse(url) is { Port: >= 0 and <= IPEndPoint.MaxPort, PathBase: "" } address && IsHttp(address.Scheme)
                && (IsLocal(address) || address.Host.StartsWith('[') || !address.Host.Contains(':', StringComparison.Ordinal)) ? address : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>Whether it is a Unix socket or named pipe, which has no port.</summary>
    public static bool IsLocal(BindingAddress address) => address.IsUnixPipe || address.IsNamedPipe;

    private static bool IsHttp(string scheme) => scheme.Equals(Uri.UriSchemeHttp, StringComparison.OrdinalIgnoreCase) || scheme.Equals(Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase);
}
