using System.Net;
using System.Security.Cryptography;
using System.Text;
using MetaRouter.Gateway.Configuration;

namespace MetaRouter.Gateway.Http;

/// <summary>Recognises callers by the SHA-256 of their key. All keys are compared, each in constant time, so the time tells nothing. The keys may be replaced while requests come in.</summary>
internal sealed class ApiKeyRing(IReadOnlyList<ApiKeyOptions> keys)
{
    private const string Bearer = "Bearer ", KeyHeader = "x-api-key";

    private volatile KeySet _set = KeySet.Of(keys);

    /// <summary>Whoever may <c>admin</c> may do what an operator may.</summary>
    public bool AdminsOperate => _set.AdminsOperate;

    /// <summary>Whom the keys speak for; empty: there are no keys.</summary>
    public IReadOnlyList<string> Tenants => _set.Tenants;

    /// <summary>From the next request on; one that is under way goes on.</summary>
    public void Replace(IReadOnlyList<ApiKeyOptions> keys) => _set = KeySet.Of(keys);

    /// <summary>Somebody is named to govern what all tenants share. Until then every <c>admin</c> may, as keys that are older than the scope <c>operator</c> could.</summary>
    public static bool HasOperator(IEnumerable<ApiKeyOptions> keys) => keys.Any(k => (ScopesOf(k, hasOperator: true) & Scope.Operator) != 0);

    private static Scope ScopesOf(ApiKeyOptions key, bool hasOperator)
    {
        var scopes = key.Scopes.Aggregate(Scope.None, (sum, name) => ScopeNames.TryParse(name, out var scope) ? sum | scope : sum);
        return !hasOperator && scopes.HasFlag(Scope.Admin) ? scopes | Scope.Operator : scopes;
    }

    /// <exception cref="ApiException">401: no key or an unknown one; 403: a web page from another site calls a gateway without keys.</exception>
    public Caller Authenticate(HttpRequest request)
    {
        var known = _set.Keys;
        if (known.Length == 0)
        {
            // A web page can make a browser call this machine, and a POST of plain text needs no preflight; the browser names the page's origin.
            var origin = request.Headers.Origin.ToString();
            if (origin.Length > 0 && !(Uri.TryCreate(origin, UriKind.Absolute, out var page) && IsThisMachine(page.Host)))
            {
                throw new ApiException(
                    403, ErrorCodes.InvalidRequest, "origin_not_allowed",
                    "Without API keys this gateway answers only to pages of this machine, "
                        + $"and the request comes from '{origin[..Math.Min(origin.Length, 100)]}'. Configure ApiKeys to let others in.");
            }

            // Even after DNS rebinding the Host header names the page's site.
            return IsThisMachine(request.Host.Host)
                ? Caller.Open
                : throw new ApiException(
                    403, ErrorCodes.InvalidRequest, "host_not_allowed",
                    $"Without API keys this gateway answers only to localhost, and the request names the host '{request.Host.Host}'. Call http://127.0.0.1, or configure ApiKeys.");
        }

        var (header, own) = (request.Headers.Authorization.ToString(), request.Headers[KeyHeader].ToString());
        var key = header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? header[Bearer.Length..].Trim() : own.Trim();
        if (key.Length == 0)
        {
            throw new ApiException(
                401, ErrorCodes.InvalidRequest, "invalid_api_key",
                $"No API key was sent. Send it as 'Authorization: Bearer KEY', or as Anthropic's clients do as '{KeyHeader}: KEY'.");
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(key), hash);
        Caller? found = null;
        foreach (var (one, caller) in known)
        {
            found = CryptographicOperations.FixedTimeEquals(one, hash) ? caller : found;
        }

        return found ?? throw new ApiException(401, ErrorCodes.InvalidRequest, "invalid_api_key", "The API key is not known here. Check it, or ask the operator for one.");
    }

    /// <summary>Whether a request that was let in, and has gone on since, would be let in again.</summary>
    /// <param name="any">One of these scopes is needed.</param>
    public bool StillAdmits(HttpContext context, Scope any)
    {
        try
        {
            var now = Authenticate(context.Request);
            return now.Tenant == Edge.TenantOf(context) && (now.Scopes & any) != 0;
        }
        catch (ApiException)
        {
            return false;
        }
    }

    /// <param name="host">Of a URL.</param>
    public static bool IsThisMachine(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));

    /// <summary>Replaced whole.</summary>
    private sealed record KeySet((byte[] Hash, Caller Caller)[] Keys, bool AdminsOperate, string[] Tenants)
    {
        public static KeySet Of(IReadOnlyList<ApiKeyOptions> keys)
        {
            var hasOperator = HasOperator(keys);
            return new(
                [.. keys.Select(k => (Convert.FromHexString(k.Sha256), new Caller(k.Tenant, ScopesOf(k, hasOperator)) { User = k.User.Length > 0 ? k.User : null }))],
                !hasOperator, [.. keys.Select(k => k.Tenant).Distinct()]);
        }
    }
}
