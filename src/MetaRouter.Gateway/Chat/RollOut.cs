using MetaRouter.Core.Users;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Chat;

/// <summary>
/// Whose decisions are followed while routing is brought in for a share of the users: <see cref="GatewayOptions.ApplyShare"/>. A keyed hash of the user decides, so that
/// every gateway of the store says the same and nothing is kept; a larger share has all users of a smaller one.
/// </summary>
internal sealed class RollOut(GatewaySettings settings, RouterSecrets secrets)
{
    /// <summary>Before a tenant's name, so that the hash is another than the one that names users in stores and logs, and that samples are drawn by.</summary>
    private const string Purpose = "apply share of ";

    /// <summary>0 to 1; 1: everybody's.</summary>
    public double Share => settings.Gateway.ApplyShare;

    /// <param name="user">Null: nobody was named, and each request is drawn by lot.</param>
    public bool Includes(string tenant, string? user) => Position(tenant, user) < Share;

    /// <summary>Uniform from 0 to below 1.</summary>
    private double Position(string tenant, string? user) =>
        ((user is null ? BitConverter.ToUInt64(Chance.Take(sizeof(ulong))) : IdentityHash.Compute(secrets.IdentitySecret, Purpose + tenant, user)) >> 11) * (1.0 / (1L << 53));
}
