using System.Security.Cryptography;
using System.Text;

namespace MetaRouter.Gateway.Tests;

/// <summary>API keys, which may be any text, as settings and requests have them.</summary>
internal static class Keys
{
    public static string Hash(string key) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    public static (string, string) Bearer(string key) => ("Authorization", "Bearer " + key);
}
