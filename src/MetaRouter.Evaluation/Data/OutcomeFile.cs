using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Data;

/// <summary>One outcome file as read.</summary>
/// <param name="BadLines">Lines skipped.</param>
/// <param name="Duplicates">Rows whose text an earlier row has: they gave it the models that it lacked, and nothing else.</param>
public sealed record OutcomeFile(OutcomeTable Table, BadLines BadLines, int Duplicates)
{
    /// <summary>What to tell whoever asked for the file, or null if every line was good.</summary>
    public string? Warning => BadLines.Skipped is { } skipped ? $"{Table.Name}: {skipped}" : null;

    /// <summary>The same as reports have it: a list of the one, or null.</summary>
    public IReadOnlyList<string>? Warnings => Warning is { } warning ? [warning] : null;
}
