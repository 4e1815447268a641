using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// The RouteLLM table: strong gpt-4-1106-preview against weak mixtral-8x7b. A learned router scores a request by the quality it expects of the strong
/// model less that of the weak one; <see cref="Metrics.DeferralCurve"/> says what the score is worth.
/// </summary>
public static class P1
{
    /// <summary>Labelled MMLU rows, as many as RouteLLM takes from MMLU's validation split.</summary>
    public const int Labels = 1500;

    private const int Folds = 5;
    private const string Mmlu = "routellm-mmlu", Gsm8k = "routellm-gsm8k", MtBench = "routellm-mtbench", RouterBench = "routerbench-subset";

    // What other models answered; none of it in the rows of RouteLLM's questions.
    private static readonly string[] s_elsewhere = ["mmlu-pro", RouterBench, "ulab-llmrouter", "zeroeval"];

    // RouterBench's mixtral-8x7b-chat is the same model under another name.
    private static readonly ModelId s_weak = new("mixtral-8x7b-instruct"), s_strong = new("gpt-4-1106-preview"), s_weakAtRouterBench = new("mixtral-8x7b-chat");

    /// <summary>P1a: MMLU, 1,500 labelled rows drawn from it, tested on the rest; one draw a seed.</summary>
    /// <exception cref="DataFileException">The data cannot be used.</exception>
    public static ProtocolReport<DeferralRow> RunMmlu(
        string dataFolder,
        IReadOnlyList<Func<IOutcomeModel>> routers,
        int seeds,
        IProgress<ProtocolProgress>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        var warnings = new List<string>();
        var table = ReadClean(dataFolder, Mmlu, warnings);
        if (table.Rows <= Labels)
        {
            throw new DataFileException($"{Mmlu} has {table.Rows} usable rows; P1a draws {Labels} for training and tests on the rest.");
        }

        var draws = Enumerable.Range(0, seeds).Select(seed =>
        {
            var (train, test) = Split.Draw(table.Ids, Labels, seed);
            return new DeferralDraw(seed, [(table.Take(train), test)]);
        });
        var rows = DeferralTrial.Run("mmlu", table, [.. draws], routers, progress, 0, 1, cancellationToken);
        return new ProtocolReport<DeferralRow>(
            "P1a", null, seeds, [.. rows, .. PublishedRows.Mmlu],
            $"Labels: {Labels} rows drawn from the tested split's own distribution, as the published rows take theirs from MMLU's validation split.",
            warnings.Count == 0 ? null : warnings);
    }

    /// <summary>P1b: GSM8K in five folds, the scores pooled over the folds; one partition a seed.</summary>
    /// <exception cref="DataFileException">The data cannot be used.</exception>
    public static ProtocolReport<DeferralRow> RunGsm8k(
        string dataFolder,
        IReadOnlyList<Func<IOutcomeModel>> routers,
        int seeds,
        IProgress<ProtocolProgress>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        var warnings = new List<string>();
        var table = ReadClean(dataFolder, Gsm8k, warnings);
        var draws = Enumerable.Range(0, seeds).Select(seed =>
        {
            var folds = Split.Folds(table.Ids, Folds, seed);
            return new DeferralDraw(seed, [.. Enumerable.Range(0, Folds).Select(f => Split.Fold(folds, f)).Where(f => f.Test.Length > 0).Select(f => (table.Take(f.Train), f.Test))]);
        });
        var rows = DeferralTrial.Run("gsm8k", table, [.. draws], routers, progress, 0, 1, cancellationToken);
        return new ProtocolReport<DeferralRow>(
            "P1b", null, seeds, [.. rows, .. PublishedRows.Gsm8k],
            "Labels: four fifths of GSM8K itself. The published rows were trained on Arena votes and judged answers, without GSM8K labels.",
            warnings.Count == 0 ? null : warnings);
    }

    /// <summary>
    /// P1c: transfer to MMLU, GSM8K and MT-Bench, each from the other two and the RouterBench subset, without a row that touches the tested benchmark.
    /// What ships learns from what other models answered as well, in every file of the folder; a row of its own shows what the two models' answers alone teach it.
    /// </summary>
    /// <exception cref="DataFileException">The data cannot be used.</exception>
    public static ProtocolReport<DeferralRow> RunTransfer(
        string dataFolder,
        IReadOnlyList<Func<IOutcomeModel>> routers,
        int seeds,
        IProgress<ProtocolProgress>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        var warnings = new List<string>();
        (string Name, OutcomeTable Table, IReadOnlyList<DeferralRow> Published)[] benchmarks =
        [
            ("mmlu", ReadClean(dataFolder, Mmlu, warnings), []),
            ("gsm8k", ReadClean(dataFolder, Gsm8k, warnings), PublishedRows.Gsm8k),
            ("mt-bench", ReadClean(dataFolder, MtBench, warnings), PublishedRows.MtBench),
        ];
        var elsewhere = Read(dataFolder, RouterBench, s_weakAtRouterBench, r => !RouteLlmOverlap.Touches(r), warnings);
        OutcomeTable[] answered = [.. s_elsewhere.Where(file => DataFolder.Has(dataFolder, file)).Select(file => ReadAll(dataFolder, file, warnings))];
        Func<IOutcomeModel>[] taught = [.. routers.SelectMany(create => create() is MetaRouterModel ours ? Taught(ours, answered) : [create])];

        var rows = new List<DeferralRow>();
        for (var i = 0; i < benchmarks.Length; i++)
        {
            var (name, test, published) = benchmarks[i];
            var tested = test.Queries.ToHashSet(StringComparer.Ordinal);
            var others = OutcomeTables.Join($"all but {name}", [s_weak, s_strong], [.. benchmarks.Where(b => b.Name != name).Select(b => b.Table), elsewhere]);
            var train = others.Take([.. Enumerable.Range(0, others.Rows).Where(row => !tested.Contains(others.Queries[row]))]);
            int[] all = [.. Enumerable.Range(0, test.Rows)];
            var draws = Enumerable.Range(0, seeds).Select(seed => new DeferralDraw(seed, [(train, all)]));
            rows.AddRange(DeferralTrial.Run(name, test, [.. draws], taught, progress, (double)i / benchmarks.Length, 1.0 / benchmarks.Length, cancellationToken));
            rows.AddRange(published);
        }

        return new ProtocolReport<DeferralRow>(
            "P1c", null, seeds, rows,
            "Trained on nothing that touches the tested benchmark: metarouter on what every model answered, the others, and the row beneath, "
                + "on what these two did. MT-Bench has 72 clean questions and moves by +-.13 for random alone: shown, not held to.",
            warnings.Count == 0 ? null : warnings);
    }

    private static Func<IOutcomeModel>[] Taught(MetaRouterModel ours, OutcomeTable[] answered) =>
        [() => new WithOtherModels(ours.Name, ours, answered), () => new WithOtherModels($"{ours.Name}, these two models alone", ours, [])];

    /// <summary>What every model answered, the weak one under its one name.</summary>
    private static OutcomeTable ReadAll(string dataFolder, string name, List<string> warnings)
    {
        var table = OutcomeTables.Priced(Kept(OutcomeReader.Read(DataFolder.Find(dataFolder, name), new OutcomeReadOptions { RowFilter = r => !RouteLlmOverlap.Touches(r) }), warnings));
        return new OutcomeTable(
            table.Name,
            [.. table.Models.Select(m => m == s_weakAtRouterBench ? s_weak : m)],
            table.Ids, table.Queries, table.Groups, table.Score, table.CostUsd, table.InputTokens,
            table.OutputTokens, table.LatencySeconds);
    }

    private static OutcomeTable ReadClean(string dataFolder, string file, List<string> warnings) => Read(dataFolder, file, s_weak, r => !r.Contaminated, warnings);

    private static OutcomeTable Read(string dataFolder, string name, ModelId weak, Func<OutcomeRowInfo, bool> filter, List<string> warnings) =>
        Kept(OutcomeReader.Read(DataFolder.Find(dataFolder, name), new OutcomeReadOptions { Models = [weak, s_strong], CompleteRowsOnly = true, RowFilter = filter }), warnings);

    private static OutcomeTable Kept(OutcomeFile file, List<string> warnings)
    {
        if (file.Warning is { } warning)
        {
            warnings.Add(warning);
        }

        return file.Table;
    }
}
