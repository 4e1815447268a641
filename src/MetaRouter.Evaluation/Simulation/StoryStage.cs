using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Simulation;

/// <summary>Where a story plays: a routing pool, rows that were set aside (to train on, or to choose single models by), and the rows that requests come from.</summary>
/// <param name="Pool">Its catalog's models are the tables' columns, in their order.</param>
/// <param name="Aside">Complete rows the story never asks.</param>
/// <param name="Lived">Complete rows the story asks.</param>
public sealed record StoryStage(RoutingPool Pool, OutcomeTable Aside, OutcomeTable Lived)
{
    /// <summary>Half of the rows train a snapshot; requests come from the other half.</summary>
    /// <exception cref="DataFileException">Too few rows.</exception>
    public static StoryStage Train(OutcomeTable table, int seed, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        var (aside, lived) = Part(table, seed);
        return new StoryStage(RoutingPool.OfSnapshot(SnapshotTrainer.Train(aside, new TrainingOptions { Seed = seed }, progress, cancellationToken)), aside, lived);
    }

    /// <summary>A snapshot trained before, with the table's models at the prices its costs speak of.</summary>
    /// <exception cref="DataFileException">Too few rows, or costs without tokens where the snapshot counts tokens.</exception>
    public static StoryStage Of(Snapshot snapshot, OutcomeTable table, int seed)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var (aside, lived) = Part(table, seed);
        var priced = PriceFit.Fit(table).Models;

        // A nominal meter counts millionths of a dollar, a price counts tokens: predictions in one mean nothing in the other.
        if (priced.Join(snapshot.Models, p => p.Id, m => m.Id, (p, m) => (Here: p, There: m))
            .FirstOrDefault(both => PriceFit.IsNominal(both.Here) != PriceFit.IsNominal(both.There)) is { Here: { } odd })
        {
            throw new DataFileException(
                $"'{table.Name}' and the snapshot disagree on what {odd.Id} counts: one has costs without token counts, the other prices per token. "
                    + "Leave the snapshot out, or give a file that has \"in\" and \"out\" for it.");
        }

        return new StoryStage(new RoutingPool(snapshot, new ModelCatalog(priced)), aside, lived);
    }

    /// <summary>
    /// The rows with a score and a price for every model asked for; where none is, for <see cref="SharedModels"/>.
    /// </summary>
    /// <exception cref="DataFileException">The file cannot be used, lacks a model, or has fewer than two models that share half of its rows.</exception>
    public static OutcomeFile Read(string path, IReadOnlyList<ModelId>? models)
    {
        if (models is not null)
        {
            return OutcomeReader.Read(path, new OutcomeReadOptions { Models = models, CompleteRowsOnly = true });
        }

        var table = OutcomeReader.Read(path).Table;
        var shared = SharedModels.Of(table);
        return shared.Count >= 2
            ? OutcomeReader.Read(path, new OutcomeReadOptions { Models = shared, CompleteRowsOnly = true })
            : throw new DataFileException(
                $"{path}: no two models have a score and a price on the same half of the {table.Rows} rows. Name the models with --models. The file has: {string.Join(", ", table.Models)}.");
    }

    private static (OutcomeTable Aside, OutcomeTable Lived) Part(OutcomeTable table, int seed)
    {
        ArgumentNullException.ThrowIfNull(table);
        var (aside, lived) = Split.Halves(table.Ids, seed);
        return table.Rows >= Split.LeastRows
            ? (table.Take(aside), table.Take(lived))
            : throw new DataFileException($"'{table.Name}' has {table.Rows} rows with a score and a price for all of {string.Join(", ", table.Models)}; "
                + $"a story needs at least {Split.LeastRows}.");
    }
}
