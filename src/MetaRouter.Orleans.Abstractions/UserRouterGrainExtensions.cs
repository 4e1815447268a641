using System.Security.Cryptography;
using System.Text;

namespace MetaRouter.Orleans;

/// <summary>Names users' grains.</summary>
public static class UserRouterGrainExtensions
{
    private const int PseudonymBytes = 15;

    /// <summary>The grain of one user of a tenant.</summary>
    public static IUserRouterGrain GetUserRouter(this IGrainFactory grains, string tenant, string user)
    {
        ArgumentNullException.ThrowIfNull(grains);
        return grains.GetGrain<IUserRouterGrain>(KeyOf(tenant, user));
    }

    /// <summary><c>tenant/pseudonym</c>: the tenant percent-encoded, the user as 20 characters of SHA-256 over both, so that no raw user id enters a log.</summary>
    public static string KeyOf(string tenant, string user)
    {
        ArgumentNullException.ThrowIfNull(tenant);
        ArgumentNullException.ThrowIfNull(user);
        var name = Uri.EscapeDataString(tenant);

        // A '/' ends the tenant's name: percent-encoding leaves none in it.
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{name}/{user}"), hash);
        return $"{name}/{Convert.ToBase64String(hash[..PseudonymBytes]).Replace('+', '-').Replace('/', '_')}";
    }

    /// <summary>The two parts of a user's key.</summary>
    /// <exception cref="FormatException">The key has another form.</exception>
    public static (string Tenant, string User) Parse(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        return slash >= 0 && slash < key.Length - 1
            ? (Uri.UnescapeDataString(key[..slash]), key[(slash + 1)..])
            : throw new FormatException($"A user's grain has the key 'tenant/user'; this key is '{key}'. Get the grain with GetUserRouter(tenant, user).");
    }
}
