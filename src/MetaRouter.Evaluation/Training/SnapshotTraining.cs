using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Text;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Training;

/// <summary>A folder of outcomes in, a snapshot and its report out. The snapshot learns from every row; the report's figures come from trainings of their own on halves.</summary>
public static class SnapshotTraining
{
    // Shares of the time, measured on the whole benchmark data.
    private const double ReadShare = .15, PoolsShare = .12, TogetherShare = .3;

    /// <param name="pools">See <see cref="TrainingData.Read"/>. The held-out figures are of these, or else of the benchmark's pools as far as the folder has them.</param>
    /// <returns>The snapshot as a file holds it: same data, pools and seed, same bytes.</returns>
    /// <exception cref="DataFileException">The data cannot be used.</exception>
    public static (byte[] Snapshot, TrainingReport Report) Run(string dataFolder, IReadOnlyList<Pool> pools, int seed, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pools);
        var data = TrainingData.Read(dataFolder, pools, cancellationToken, seed);
        Report(ReadShare / 2, "read the outcomes");
        var (vectors, words) = Words(dataFolder, seed);
        Report(ReadShare, "learned words");
        var (heldOut, usable, unmeasured) = MeasureEach(dataFolder, pools, vectors, Report, cancellationToken);

        // Of graded rows alone: what corrected preference labels has seen the grades of the measured halves.
        var together = usable.Count == 0 || pools.Count == 1 ? null : HeldOut.MeasureTogether(dataFolder, data.Graded, usable, seed, vectors, cancellationToken);
        const double start = ReadShare + PoolsShare + TogetherShare;
        Report(start, "measured all together");
        var inner = progress is null ? null : new Steps(step => Report(start + ((1 - start) * step.Done), step.Step));
        var snapshot = SnapshotTrainer.Train(data.Table, new TrainingOptions { Seed = seed, Vectors = vectors }, inner, cancellationToken);
        var bytes = SnapshotCodec.Pack(SnapshotCodec.Write(snapshot));
        var (models, sources) = (Models(data, snapshot), TrainingSource.Of(data, snapshot));
        return (bytes, new TrainingReport(
            snapshot.Version.ToString("x16", CultureInfo.InvariantCulture),
            bytes.Length,
            seed,
            data.Table.Rows,
            data.Merged,
            models.Sum(m => m.Outcomes),
            data.Files,
            data.Preferences,
            [.. data.Skipped.Where(s => words is null || s.Name != words.File)],
            words,
            models,
            sources,
            heldOut,
            together,
            [.. data.Files.Select(f => f.Warning).OfType<string>(), .. AloneNote(data.Table), .. unmeasured, .. ApartNote(data.Table, sources)]));

        void Report(double done, string label) => progress?.Report(new ProtocolProgress(done, label));
    }

    /// <summary>Held-out figures of each pool: of those asked for, or else of the benchmark's as far as the folder has them.</summary>
    private static (List<HeldOutFigures> Figures, List<Pool> Usable, List<string> Notes) MeasureEach(
        string dataFolder,
        IReadOnlyList<Pool> pools,
        WordVectors? vectors,
        Action<double, string> report,
        CancellationToken cancellationToken)
    {
        var (figures, usable, notes) = (new List<HeldOutFigures>(), new List<Pool>(), new List<string>());
        IReadOnlyList<Pool> measured = pools.Count > 0 ? pools : [.. Pools.All.Where(p => DataFolder.Has(dataFolder, p.File))];
        foreach (var (i, pool) in measured.Index())
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                figures.Add(HeldOut.Measure(dataFolder, pool, vectors, cancellationToken));
                usable.Add(pool);
            }
            catch (DataFileException e)
            {
                // A figure less; the pools that the caller asked for were read before and can only be too small.
                notes.Add($"no held-out figures of {pool.Name}: {e.Message}");
            }

            report(ReadShare + (PoolsShare * (i + 1) / measured.Count), $"measured {pool.Name}");
        }

        return (figures, usable, notes);
    }

    private static string[] AloneNote(OutcomeTable table) => table.ModelCount != 1 ? []
        : [$"only {table.Models[0]} has outcomes, so there is nothing to choose; give outcomes of another model, or 'metarouter models add' one"];

    private static string[] ApartNote(OutcomeTable table, IReadOnlyList<TrainingSource> sources)
    {
        const int told = 5;
        return sources.Count != 1 || TrainingSource.Apart(table) is not { Count: > 1 } apart ? []
            : ["models that never answered the same request are in different groups here: "
                + $"{string.Join("; ", apart.Take(told).Select(g => string.Join(", ", g)))}{(apart.Count > told ? $"; and {apart.Count - told} more groups" : "")}. "
                + "How those of different groups compare was never observed; it is inferred from what each one's own requests say. Let models of both answer some of the same requests"];
    }

    /// <summary>What words mean, from the folder's text; without one, what the shipped snapshot knows.</summary>
    private static (WordVectors? Vectors, TrainingWords? Report) Words(string dataFolder, int seed)
    {
        if (Directory.EnumerateFiles(dataFolder, "text.jsonl*")
            .Order(StringComparer.Ordinal)
            .FirstOrDefault(f => f.EndsWith(".jsonl", StringComparison.Ordinal) || f.EndsWith(".jsonl.gz", StringComparison.Ordinal)) is not { } path)
        {
            return (null, null);
        }

        var documents = TextDocumentReader.Read(path).Documents;
        var vectors = WordVectors.Learn(documents.Select(d => d.Text), seed);
        return (vectors, new TrainingWords(Path.GetFileName(path), documents.Count, vectors.Count));
    }

    private static List<TrainedModel> Models(TrainingData data, Snapshot snapshot)
    {
        var table = data.Table;
        var byFile = data.Tables.Select((t, i) => (Name: data.Files[i].Name, Prices: PriceFit.Fit(t).Models.ToDictionary(m => m.Id), Table: t)).ToList();
        return [.. snapshot.Models.Select((model, k) =>
        {
            var cells = Enumerable.Range(0, table.Rows).Select(row => (row * table.ModelCount) + k).ToList();
            var notes = new List<string>();
            if (!cells.Any(c => Counted(table, c)))
            {
                notes.Add("costs without tokens: a nominal meter, one unit a millionth of a dollar");
            }
            else
            {
                foreach (var (name, prices, part) in byFile.Where(f => f.Prices.ContainsKey(model.Id)))
                {
                    var column = part.Models.Index().First(m => m.Item == model.Id).Index;
                    var own = Enumerable.Range(0, part.Rows).Select(row => (row * part.ModelCount) + column).Where(c => !double.IsNaN(part.CostUsd[c])).ToList();
                    if (own.Count > 0 && !own.Any(c => Counted(part, c)))
                    {
                        notes.Add($"costs without tokens in {name}, taken as tokens at these prices");
                    }
                    else if (own.Count > 0 && (Differs(prices[model.Id].InputPrice.Usd, model.InputPrice.Usd) || Differs(prices[model.Id].OutputPrice.Usd, model.OutputPrice.Usd)))
                    {
                        notes.Add(string.Create(CultureInfo.InvariantCulture, $"{prices[model.Id].InputPrice.Usd:0.####} / {prices[model.Id].OutputPrice.Usd:0.####} in {name}"));
                    }
                }
            }

            return new TrainedModel(
                model.Id.Value, model.InputPrice.Usd, model.OutputPrice.Usd,
                cells.Count(c => !double.IsNaN(table.CostUsd[c])),
                cells.Count(c => !float.IsNaN(table.LatencySeconds[c])),
                notes.Count == 0 ? null : string.Join("; ", notes));
        })];

        static bool Counted(OutcomeTable t, int cell) => !double.IsNaN(t.CostUsd[cell]) && !float.IsNaN(t.InputTokens[cell]) && !float.IsNaN(t.OutputTokens[cell]);

        static bool Differs(double a, double b) => Math.Abs(a - b) > .02 * Math.Max(a, b);
    }

    private sealed class Steps(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
