using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway;

/// <summary><c>new-key TENANT SCOPE...</c>: makes an API key and shows it, only this once, with its settings entry; only its hash is ever kept.</summary>
internal static class NewKey
{
    public const string Command = "new-key";

    /// <returns>The text to show, or null with what is wrong with the arguments.</returns>
    public static (string? Text, string? Problem) Make(ReadOnlySpan<string> arguments)
    {
        if (arguments.Length < 2 || arguments[0].Length is 0 or > 128)
        {
            return (null, $"usage: {Command} TENANT SCOPE... (scopes: {ScopeNames.All})");
        }

        var scopes = arguments[1..].ToArray();
        if (Array.Find(scopes, s => !ScopeNames.TryParse(s, out _)) is { } unknown)
        {
            return (null, $"The scope '{unknown}' does not exist; the scopes are: {ScopeNames.All}");
        }

        var key = "mr-" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        return ($$"""
            The key, which is shown only now:

              {{key}}

            Its entry for section ApiKeys:

              { "Sha256": "{{hash}}", "Tenant": {{System.Text.Json.JsonSerializer.Serialize(arguments[0])}}, "Scopes": [{{string.Join(", ", scopes.Select(s => $"\"{s}\""))}}] }
            """, null);
    }
}
