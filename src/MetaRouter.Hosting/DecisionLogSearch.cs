using System.Text;

namespace MetaRouter.Hosting;

/// <summary>
/// Finds one decision's line in a log of any length. Lines are in the order in which calls ended, so nearly in that of their decisions' times: a line is written after its
/// decision, by as long as the call took. A search by halves comes to a place before it, and from there it is read on.
/// </summary>
/// <param name="textOf">A time as lines spell it; its first characters sort as the times do.</param>
/// <param name="timeMs">Of the decision, Unix milliseconds.</param>
/// <param name="rest">What follows the time in the line.</param>
internal sealed class DecisionLogSearch(Func<long, string> textOf, long timeMs, string rest)
{
    private const int PieceBytes = 1 << 16;

    /// <summary>More than this is not read for one decision.</summary>
    private const long MostBytes = 1 << 26;

    /// <summary>Up to the time zone, which is the same in all.</summary>
    private const int SortedCharacters = 27;

    private const string Begin = "{\"time\":\"", OfDecisions = ",\"snapshot\":";

    /// <summary>In any piece of the log some call took less than this.</summary>
    private readonly string _wellBefore = textOf(timeMs - 60_000)[..SortedCharacters];

    /// <summary>No call takes longer.</summary>
    private readonly string _wellAfter = textOf(timeMs + 3_600_000)[..SortedCharacters];

    private readonly string _time = textOf(timeMs)[..SortedCharacters];

    public async Task<string?> FindAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete, Options = FileOptions.Asynchronous });
        var (before, end) = (0L, file.Length);
        while (end - before > PieceBytes)
        {
            var middle = before + ((end - before) / 2);
            if (await LatestAtAsync(file, middle, cancellationToken).ConfigureAwait(false) is { } latest && string.CompareOrdinal(latest, _wellBefore) < 0)
            {
                before = middle;
            }
            else
            {
                end = middle;
            }
        }

        file.Position = before;
        using var reader = new StreamReader(file, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, PieceBytes, leaveOpen: true);
        for (var read = 0L; read < MostBytes && await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line; read += line.Length)
        {
            var time = TimeOf(line);
            if (time == _time && line.Contains(rest, StringComparison.Ordinal) && line[^1] == '}')
            {
                return line;
            }

            if (string.CompareOrdinal(time, _wellAfter) > 0)
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>The latest time of the decisions in the piece that begins there; null: it has none.</summary>
    private static async Task<string?> LatestAtAsync(FileStream file, long at, CancellationToken cancellationToken)
    {
        file.Position = at;
        var piece = new byte[PieceBytes];
        var length = await file.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        string? latest = null;
        foreach (var line in Encoding.UTF8.GetString(piece, 0, length).Split('\n').AsSpan(1))
        {
            latest = TimeOf(line) is { } time && string.CompareOrdinal(time, latest) > 0 ? time : latest;
        }

        return latest;
    }

    /// <summary>Of a line with a decision; those with feedback have their decision's time, and come days later.</summary>
    private static string? TimeOf(string line) => line.StartsWith(Begin, StringComparison.Ordinal) && line.Contains(OfDecisions, StringComparison.Ordinal) ? line.Substring(Begin.Length, SortedCharacters) : null;
}
