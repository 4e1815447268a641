using System.Buffers.Binary;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Orleans.Learning;

/// <summary>
/// How a partition's evidence is stored: version, hypotheses per user, the catalog that evidence is measured against, how many users are missing, then for each user
/// hash and packed evidence. The sample of windows is not stored: it fills again as its users become active.
/// </summary>
internal static class CohortRecord
{
    private const byte Version = 2;
    private const byte BeforeCatalogs = 1; // its header is the version and the hypotheses alone
    private const int CatalogAt = 2, MissingAt = CatalogAt + sizeof(ulong), Header = MissingAt + sizeof(uint);
    private const int HeaderBeforeCatalogs = CatalogAt;
    private const int Row = sizeof(ulong) + ChoiceModel.Hypotheses;

    /// <param name="users">The evidence.</param>
    /// <param name="catalog">The version of the catalog that it is measured against.</param>
    /// <param name="missing">How many users' evidence is not in it, since it could not be used when it was read.</param>
    public static byte[] Write(Cohort users, ulong catalog, uint missing)
    {
        var bytes = new byte[Header + (users.Count * Row)];
        (bytes[0], bytes[1]) = (Version, ChoiceModel.Hypotheses);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(CatalogAt), catalog);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(MissingAt), missing);
        var at = Header;
        foreach (var (user, packed) in users.Entries())
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), user);
            packed.Span.CopyTo(bytes.AsSpan(at + sizeof(ulong)));
            at += Row;
        }

        return bytes;
    }

    /// <summary>Why a record cannot be read; null: it can, or there is none. The methods below take only records without a problem.</summary>
    public static string? ProblemOf(ReadOnlySpan<byte> bytes)
    {
        var header = HeaderOf(bytes);
        return bytes.IsEmpty || (bytes.Length >= header && bytes[0] is Version or BeforeCatalogs && bytes[1] == ChoiceModel.Hypotheses && (bytes.Length - header) % Row == 0) ? null
            : $"It begins with {bytes[0]} and has {bytes.Length} bytes; version {Version} has rows of {Row} after {Header} bytes.";
    }

    /// <summary>The version of the catalog that the evidence is measured against; null: there is none, or it is from before catalogs were named.</summary>
    public static ulong? CatalogOf(ReadOnlySpan<byte> bytes) => bytes is [Version, ..] ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[CatalogAt..]) : null;

    /// <summary>How many users were missing when it was written.</summary>
    public static uint MissingOf(ReadOnlySpan<byte> bytes) => bytes is [Version, ..] ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[MissingAt..]) : 0;

    /// <summary>How many users it holds.</summary>
    public static uint CountOf(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? 0 : (uint)((bytes.Length - HeaderOf(bytes)) / Row);

    /// <param name="bytes">The record.</param>
    /// <param name="capacity">How many users the cohort keeps.</param>
    public static Cohort UsersOf(ReadOnlySpan<byte> bytes, int capacity)
    {
        var users = new Cohort(capacity);
        for (var at = HeaderOf(bytes); at < bytes.Length; at += Row)
        {
            users.Put(BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]), bytes.Slice(at + sizeof(ulong), ChoiceModel.Hypotheses));
        }

        return users;
    }

    private static int HeaderOf(ReadOnlySpan<byte> bytes) => bytes is [BeforeCatalogs, ..] ? HeaderBeforeCatalogs : Header;
}
