using System.Diagnostics.CodeAnalysis;

namespace MetaRouter.Hosting.Stores;

/// <summary>Which store is meant, as settings write it: <c>sqlite:PATH</c>, <c>redis:HOST:PORT</c> or <c>memory</c>.</summary>
/// <param name="Place">A path, or what <see cref="RedisAddress"/> reads; empty for memory.</param>
internal sealed record StoreAddress(StoreKind Kind, string Place)
{
    public const string Memory = "memory", Sqlite = "sqlite:", Redis = "redis:";

    /// <returns>False: it is not a store, or names no place.</returns>
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

    /// <exception cref="FormatException">It is not a store.</exception>
    public static StoreAddress Parse(string text) =>
        TryParse(text, out var address) ? address : throw new FormatException($"'{RedisAddress.Shown(text)}' is not a store; use sqlite:PATH, redis:HOST:PORT or memory.");
}

internal enum StoreKind
{
    /// <summary>Gone with the process.</summary>
    Memory,

    /// <summary>A file, for one process.</summary>
    Sqlite,

    /// <summary>A server, or a cluster of them, for any number of processes.</summary>
    Redis,
}
