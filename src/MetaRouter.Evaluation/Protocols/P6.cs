using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Robustness;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// Robustness: does a router spend on what any model can do, does it tell hard from trivial, and does its choice hold when a prompt is mistyped, reworded, padded, put in another
/// language or carries words made to reroute it; and what do users who lie do to the others. Prompts of <see cref="PromptSet"/>; the first row is the snapshot that ships.
/// </summary>
/// <remarks>
/// Routes are those of a new user, who has said nothing and is not explored on: lambda is the dial position that the shipped prior serves, the same for every row. A model is dear
/// whose mean cost on the pool's rows is at least half of the dearest's. Nothing is known of real outcomes on these prompts: costs are those the first row predicts.
/// Suffixes are searched for against the shipped snapshot on the half that is not reported, and put behind the reported half for every row.
/// Source of the categories and of the question: Kassem et al. 2025, How Robust Are Router-LLMs? (arXiv:2504.07113).
/// </remarks>
public static class P6
{
    private const int Replicates = 500;

    /// <param name="seeds">Draws of typos and padding, and splits of the pool for poisoned feedback.</param>
    /// <param name="searches">Searches for a suffix, 1 to 3.</param>
    /// <exception cref="DataFileException">The pool's file cannot be used or has too few rows.</exception>
    public static ProtocolReport<RobustnessRow> Run(
        string dataFolder,
        Pool pool,
        IReadOnlyList<Func<IOutcomeModel>> routers,
        int seeds,
        IProgress<ProtocolProgress>? progress,
        CancellationToken cancellationToken,
        int searches = SuffixAttack.Searches)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(routers);
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(searches, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(searches, SuffixAttack.Searches);
        var file = pool.Read(dataFolder, Split.LeastRows);
        var table = file.Table;
        var (name, shipped) = Attacked(table, pool, cancellationToken);
        var lambda = (double)PreferenceGrid.Lambda[shipped.Values.Best(PreferenceBelief.FromPrior(shipped.Snapshot.Prior).CostShare)];
        var suffix = SuffixAttack.Find(shipped, lambda, table, searches, cancellationToken);
        progress?.Report(new ProtocolProgress(.3, $"{pool.Name}: suffixes"));

        var prompts = new AttackedPrompts([.. PromptSet.All.Where(p => p.IsReported)], suffix, seeds);
        var promptTokens = prompts.PromptTokens(shipped.Snapshot.Encoder);
        var test = Unanswered(table, prompts.Texts);
        IOutcomeModel[] models = [new TrainedPool(name, shipped, promptTokens), .. routers.Select(create => create())];
        var predictions = new OutcomePredictions[models.Length];
        ProtocolJobs.Run(models.Length, .7, m =>
        {
            predictions[m] = models[m].FitPredict(table, test, seed: 0, cancellationToken);
            return $"{pool.Name}: {models[m].Name}";
        }, progress, cancellationToken);
        var poison = Poison(table, seeds, cancellationToken);
        progress?.Report(new ProtocolProgress(.95, $"{pool.Name}: poisoned feedback"));

        var sheet = new RobustnessSheet(prompts, predictions[0].CostUsd, ColumnMeans.Of(table).CostUsd, lambda, shipped.CostScaleUsd);
        RobustnessRow[] rows = [.. models.Select((model, m) => sheet.Row(model.Name, predictions[m], m == 0, m == 0 ? poison : null))];
        var note = string.Create(
            CultureInfo.InvariantCulture,
            $"{prompts.Prompts.Count} prompts; routes of a new user (lambda {lambda:0.000}). Dear: {string.Join(", ", sheet.Dear.Select(k => table.Models[k]))}. Suffix found:{suffix}");
        return new ProtocolReport<RobustnessRow>("P6", pool.Name, seeds, rows, note, file.Warnings);
    }

    /// <summary>What is attacked: the snapshot that ships on the pool's models; where it does not know them all, one trained on the pool's rows.</summary>
    private static (string Name, RoutingPool Pool) Attacked(OutcomeTable table, Pool pool, CancellationToken cancellationToken)
    {
        var known = Snapshot.Default.Models.ToDictionary(m => m.Id);
        return pool.Models.All(known.ContainsKey)
            ? ("shipped", new RoutingPool(Snapshot.Default, new ModelCatalog([.. pool.Models.Select(id => known[id])])))
            : ("trained here", RoutingPool.OfSnapshot(SnapshotTrainer.Train(table, null, null, cancellationToken)));
    }

    /// <summary>Texts that nobody has answered, for the models of a table.</summary>
    private static OutcomeTable Unanswered(OutcomeTable like, IReadOnlyList<string> texts)
    {
        const string group = "own prompts";
        var cells = texts.Count * like.ModelCount;
        float[] unknown = [.. Enumerable.Repeat(float.NaN, cells)];
        return new OutcomeTable(
            group, like.Models,
            [.. texts.Select((_, i) => i.ToString(CultureInfo.InvariantCulture))],
            texts, [.. texts.Select(_ => group)], unknown, [.. Enumerable.Repeat(double.NaN, cells)],
            unknown, unknown, unknown);
    }

    private static PoisonFigures[] Poison(OutcomeTable table, int splits, CancellationToken cancellationToken)
    {
        var moved = Enumerable.Range(0, splits).Select(seed => Poisoning.Run(PreferenceSplit.Of(table, seed, cancellationToken), seed, cancellationToken)).ToArray();
        var bootstrap = new Bootstrap(37, Replicates);
        return [.. Poisoning.Shares.Select((share, s) =>
        {
            double[] others = [.. moved.Select(m => m[s].Others)], newcomers = [.. moved.Select(m => m[s].Newcomers)];
            return new PoisonFigures(share, others.Average(), bootstrap.Mean(others), newcomers.Average(), bootstrap.Mean(newcomers));
        })];
    }
}
