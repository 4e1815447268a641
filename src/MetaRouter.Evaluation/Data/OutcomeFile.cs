using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Data;

/// <summary>One outcome file as read.</summary>
/// <param name="Rows">What each row of <paramref name="Table"/> says of itself; same order.</param>
/// <param name="BadLines">Lines skipped.</param>
/// <param name="Duplicates">Rows whose text an earlier row has: they gave it the models that it lacked, and nothing else.</param>
public sealed record OutcomeFile(OutcomeTable Table, IReadOnlyList<OutcomeRowInfo> Rows, BadLines BadLines, int Duplicates)
{
    /// <summary>What to tell whoever asked for the file, or null if every line was good.</summary>
    public string? Warning => BadLines.Skipped is { } skipped ? $"{Table.Name}: {skipped}" : null;

    /// <summary>The same file with only these rows, in this order.</summary>
    public OutcomeFile Take(ReadOnlySpan<int> rows)
    {
        var infos = new OutcomeRowInfo[rows.Length];
        for (var i = 0; i < rows.Length; i++)
        {
            infos[i] = Rows[rows[i]];
        }

        return this with { Table = Table.Take(rows), Rows = infos };
    }
}
