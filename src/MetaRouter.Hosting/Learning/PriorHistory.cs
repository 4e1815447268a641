using System.Globalization;
using System.Text.Json;

namespace MetaRouter.Hosting.Learning;

/// <summary>The priors of a store, the latest first, as one small versioned JSON document: at most <see cref="Most"/>, so about 50 kB.</summary>
/// <param name="IsHeld">Only somebody's word replaces the prior in service.</param>
internal sealed record PriorHistory(IReadOnlyList<PriorRecord> Records, bool IsHeld)
{
    public const int Most = 50;
    private const int Format = 1;

    public static PriorHistory Empty { get; } = new([], false);

    /// <summary>With one more record. Of refreshes in a row that changed nothing only the last is kept, else they would push out what did.</summary>
    public PriorHistory With(PriorRecord record, bool isHeld) =>
        new([record, .. Records.SkipWhile(r => record.Result == PriorResults.Kept && r.Result == PriorResults.Kept).Take(Most - 1)], isHeld);

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(new Document(Format, IsHeld,
    [
        .. Records.Select(r => new Line(
            r.Version.ToString("x16", CultureInfo.InvariantCulture), r.At, r.Result, r.Users,
            r.ChampionEvidence, r.ChallengerEvidence, JsonSerializer.Deserialize<JsonElement>(PriorJson.Write(r.Prior)))),
    ]));

    /// <returns>Null when the bytes make no history; <paramref name="error"/> says why.</returns>
    public static PriorHistory? Read(byte[] bytes, out string error)
    {
        error = "";
        try
        {
            var document = JsonSerializer.Deserialize<Document>(bytes) ?? throw new JsonException("the document is null");
            if (document.Version != Format)
            {
                throw new JsonException($"the document has version {document.Version}; this program knows {Format}");
            }

            return new([.. (document.Records ?? []).Select(Record)], document.IsHeld);
        }
        catch (Exception e) when (e is JsonException or FormatException or OverflowException)
        {
            error = e.Message;
            return null;
        }
    }

    private static PriorRecord Record(Line line) => new(
        ulong.Parse(line.Snapshot, NumberStyles.HexNumber, CultureInfo.InvariantCulture), line.At, line.Result, line.Users, line.ChampionEvidence, line.ChallengerEvidence,
        PriorJson.Read(JsonSerializer.SerializeToUtf8Bytes(line.Prior), out var error) ?? throw new JsonException(error));

    private sealed record Document(int Version, bool IsHeld, IReadOnlyList<Line>? Records);

    private sealed record Line(string Snapshot, DateTimeOffset? At, string Result, int? Users, double? ChampionEvidence, double? ChallengerEvidence, JsonElement Prior);
}
