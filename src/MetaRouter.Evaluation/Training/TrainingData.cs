using System.Text.Json;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Training;

/// <summary>All outcomes that a snapshot is trained on, in one table; cells that no file knows are NaN.</summary>
/// <param name="Table">Named after the files it holds.</param>
/// <param name="Tables">The parts of it, one a file, before equal texts were merged.</param>
/// <param name="Preferences">What preference labels gave; their rows are in <paramref name="Table"/> alone.</param>
/// <param name="Graded">The table without what preference labels gave.</param>
/// <param name="Files">What each part gave, in the same order.</param>
/// <param name="Merged">Rows whose text an earlier row has: they add their models to it.</param>
public sealed record TrainingData(
    OutcomeTable Table,
    IReadOnlyList<OutcomeTable> Tables,
    IReadOnlyList<TrainingFile> Files,
    IReadOnlyList<SkippedFile> Skipped,
    int Merged,
    IReadOnlyList<TrainingPreferences> Preferences,
    OutcomeTable Graded)
{
    /// <summary>Training on less would only memorise.</summary>
    public const int LeastRows = 20;

    // A header or a damaged line at the top does not hide what a file is.
    private const int PeekedLines = 10;

    /// <param name="seed">Of what joins preference labels.</param>
    /// <param name="pools">The rows complete for these; empty: every row of every outcome file of the folder, for every model that has a priced outcome.</param>
    /// <exception cref="DataFileException">No such folder, a file that cannot be read, or too little in it to learn from.</exception>
    public static TrainingData Read(string folder, IReadOnlyList<Pool> pools, CancellationToken cancellationToken, int seed = 1)
    {
        ArgumentNullException.ThrowIfNull(pools);
        DataFolder.Check(folder);
        var (skipped, judged) = (new List<SkippedFile>(), new List<string>());
        var (tables, files, repeated) = (new List<OutcomeTable>(), new List<TrainingFile>(), 0);
        foreach (var (name, file) in pools.Count > 0 ? pools.Select(p => (p.Name, p.Read(folder))) : Folder(folder, skipped, judged))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var known = OutcomeTables.Priced(file.Table).ModelCount;
            if (known == 0)
            {
                skipped.Add(new SkippedFile(name, "no outcome with a score and a price: give each a cost_usd"));
                continue;
            }

            tables.Add(file.Table);
            repeated += file.Duplicates;
            files.Add(new TrainingFile(name, file.Table.Rows, known, file.Table.CostUsd.Count(c => !double.IsNaN(c)), file.Warning));
        }

        if (tables.Count == 0)
        {
            throw new DataFileException($"{folder}: no file of outcomes to train on." + (skipped.Count == 0 ? " The folder is empty." : $" Skipped: {string.Join(", ", skipped)}."));
        }

        var names = string.Join(" + ", files.Select(f => f.Name));
        OutcomeTable[] priced = [.. tables.Select(OutcomeTables.Priced)];
        var (graded, merged) = OutcomeTables.Union(names, priced);
        if (graded.Rows < LeastRows)
        {
            throw new DataFileException(
                $"{folder}: {graded.Rows} different requests with known outcomes; "
                    + $"training needs at least {LeastRows}.{string.Concat(files.Select(f => f.Warning).OfType<string>().Select(w => $" {w}."))}");
        }

        var (joined, preferences) = (new List<OutcomeTable>(), new List<TrainingPreferences>());
        foreach (var path in judged)
        {
            var (labels, bad) = PreferenceReader.Read(path);
            var file = Path.GetFileName(path);
            var (made, report, leftOut) = PreferenceJoin.Join(file.Split(".jsonl")[0], labels, graded, seed, cancellationToken);
            joined.AddRange(made);
            preferences.AddRange(report);
            var why = (string[])[
                .. leftOut > 0 ? [$"{leftOut} preference labels of models without {PreferenceDebiasing.LeastGold} graded answers of both, or too few labels of them"] : (string[])[],
                .. bad.Count > 0 ? [$"{bad.Count} bad lines, such as {bad.First[0]}"] : (string[])[],
            ];
            if (why.Length > 0)
            {
                skipped.Add(new SkippedFile(file, string.Join("; ", why)));
            }
        }

        var table = joined.Count == 0 ? graded : OutcomeTables.Union(string.Join(" + ", [names, .. joined.Select(t => t.Name).Distinct()]), [.. priced, .. joined]).Table;
        return new TrainingData(table, tables, files, skipped, repeated + merged, preferences, graded);
    }

    private static IEnumerable<(string Name, OutcomeFile File)> Folder(string folder, List<SkippedFile> skipped, List<string> judged)
    {
        // A name that begins with a dot is no data of anybody's: what file managers leave, and this program's own snapshot while it is not done.
        foreach (var path in Directory.EnumerateFiles(folder).Where(p => !Path.GetFileName(p).StartsWith('.')).Order(StringComparer.Ordinal))
        {
            if (WhyNot(path, out var isPreferences) is { } reason)
            {
                if (isPreferences)
                {
                    judged.Add(path);
                    continue;
                }

                skipped.Add(new SkippedFile(Path.GetFileName(path), reason));
                continue;
            }

            var file = OutcomeReader.Read(path);
            yield return (file.Table.Name, file);
        }
    }

    /// <summary>Why a file is no file of outcomes; null if it is one.</summary>
    private static string? WhyNot(string path, out bool isPreferences)
    {
        isPreferences = false;
        if (!DataFolder.IsData(path))
        {
            return $"not {DataFolder.Kinds}";
        }

        List<ReadOnlyMemory<byte>> lines;
        try
        {
            lines = [.. JsonLines.Read(path).Take(PeekedLines).Select(l => l.Json.ToArray())];
        }
        catch (DataFileException e) when (DataFolder.IsTable(path))
        {
            return e.Message.Replace($"{path}: ", "", StringComparison.Ordinal).TrimEnd('.'); // a table of something else may lie there
        }

        var objects = 0;
        foreach (var json in lines)
        {
            try
            {
                using var line = JsonDocument.Parse(json);
                if (line.RootElement.ValueKind == JsonValueKind.Object)
                {
                    objects++;
                    isPreferences |= PreferenceReader.IsOne(line.RootElement);
                    if (line.RootElement.TryGetProperty("models", out var models)
                        && models.ValueKind == JsonValueKind.Object
                        && models.EnumerateObject().Any(m => m.Value.ValueKind == JsonValueKind.Object && m.Value.TryGetProperty("score", out _)))
                    {
                        return null;
                    }
                }
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                // Not JSON, or a name that is no text; the next line may be a good one.
            }
        }

        return lines.Count == 0 ? "it is empty"
            : objects == 0 ? "no JSON lines: one object a line, in UTF-8, is wanted"
            : "its lines have no outcomes: each wants \"models\":{NAME:{\"score\":0..1,\"cost_usd\":USD}}";
    }
}
