using MetaRouter.Core.Catalog;

namespace MetaRouter.Evaluation.Data;

/// <summary>Models that are routed among, and the outcome file that knows them all.</summary>
/// <param name="Name">What tables call it.</param>
/// <param name="File">Relative to the data folder, or absolute; with or without .jsonl or .jsonl.gz.</param>
public sealed record Pool(string Name, string File, IReadOnlyList<ModelId> Models)
{
    /// <summary>Reads the rows that are complete and priced for every model of the pool.</summary>
    /// <exception cref="DataFileException">See <see cref="OutcomeReader.Read"/>.</exception>
    public OutcomeFile Read(string dataFolder) =>
        OutcomeReader.Read(DataFolder.Find(dataFolder, File), new OutcomeReadOptions { Models = Models, CompleteRowsOnly = true });

    /// <inheritdoc cref="Read(string)"/>
    /// <param name="leastRows">With fewer it is refused.</param>
    public OutcomeFile Read(string dataFolder, int leastRows)
    {
        var file = Read(dataFolder);
        return file.Table.Rows >= leastRows
            ? file
            : throw new DataFileException(
                $"Pool '{Name}' has {file.Table.Rows} rows that are complete and priced; this protocol needs at least {leastRows}.{(file.Warning is null ? "" : $" {file.Warning}.")}");
    }
}
