namespace MetaRouter.Evaluation.Protocols;

/// <summary>One protocol's table. <see cref="ReportJson"/> writes it.</summary>
/// <param name="Pool">Null for protocols that have none.</param>
/// <param name="Seeds">Draws or splits that the figures are means of: seeds 0 to this - 1.</param>
/// <param name="Note">What a reader must know to read the table rightly.</param>
/// <param name="Warnings">What was wrong with the data but did not stop the protocol; null: nothing.</param>
public sealed record ProtocolReport<TRow>(string Protocol, string? Pool, int Seeds, IReadOnlyList<TRow> Rows, string? Note, IReadOnlyList<string>? Warnings = null);
