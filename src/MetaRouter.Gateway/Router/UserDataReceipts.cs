using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Router;

/// <summary>Proof of what was done to a user's data: a note of the change, the user and the time, authenticated, without an id, and checkable later.</summary>
internal sealed class UserDataReceipts(RouterSecrets secrets)
{
    public const string Erased = "erased", Reset = "reset", Imported = "imported";

    /// <returns><c>change.unix-milliseconds.mac</c></returns>
    public string Issue(string change, string tenant, string user, DateTimeOffset at)
    {
        var ms = at.ToUnixTimeMilliseconds();
        return string.Create(CultureInfo.InvariantCulture, $"{change}.{ms}.{Mac(change, tenant, user, ms)}");
    }

    /// <returns>Null: neither this gateway nor another of the same store wrote it for this user.</returns>
    public (string Change, DateTimeOffset At)? Verify(string receipt, string tenant, string user)
    {
        var parts = receipt.Split('.');
        return parts.Length == 3 && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var ms) && ms < 253_402_300_799_999
            && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Mac(parts[0], tenant, user, ms)), Encoding.UTF8.GetBytes(parts[2]))
            ? (parts[0], DateTimeOffset.FromUnixTimeMilliseconds(ms))
            : null;
    }

    /// <remarks>"deed" is in every receipt that was given: never change it.</remarks>
    private string Mac(string change, string tenant, string user, long ms) => Base64Url.EncodeToString(
        HMACSHA256.HashData(secrets.IdentitySecret, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"deed\0{change}\0{ms}\0{tenant.Length}\0{tenant}\0{user}"))).AsSpan(0, 16));
}
