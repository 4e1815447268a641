using System.Diagnostics.CodeAnalysis;

namespace MetaRouter.Hosting.Stores;

/// <summary>Which store is meant, as settings write it: <c>sqlite:PATH</c>, <c>redis:HOST:PORT</c> or <c>memory</c>.</summary>
/// <param name="Place">A path, or what <see cref="RedisAddress"/> reads; empty for memory.</param>
internal sealed record StoreAddress(StoreKind Kind, string Place)
{
    public const string Memory = "memory", Sqlite = "sqlite:", Redis = "redis:";

    /// <returns>False: it is none of them, or names no place.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out StoreAddress? address)
    {
        address = text switch
        {
            Memory => new(StoreKind.Memory, ""),
            _ when IsOf(Sqlite) => new(StoreKind.Sqlite, text![Sqlite.Length..]),
            _ when IsOf(Redis) => new(StoreKind.Redis, text![Redis.Length..]),
            _ => null,
        };
        return address is not null;

        bool IsOf(string kind) => text?.StartsWith(kind, StringComparison.Ordinal) == true && text.Length > kind.Length;
    }

    /// <exception cref="FormatException">It is none of them.</exception>
    public static StoreAddress Parse(string text) => TryParse(text, out var address) ? address : throw new FormatException($"'{RedisAddress.Shown(text)}' is no store.");
}

internal enum StoreKind
{
    /// <summary>Gone with the process.</summary>
    Memory,

    /// <summary>A file, of one process.</summary>
    Sqlite,

    /// <summary>A server, or a cluster of them, for any number of processes.</summary>
    Redis,
}
