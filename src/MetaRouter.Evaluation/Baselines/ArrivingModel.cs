using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// What ships, trained without one of the models, which then arrives: with its price and a declared sibling alone, or with some graded answers besides. Against
/// <see cref="MetaRouterModel"/>, which is trained with it.
/// </summary>
public sealed class ArrivingModel(ArrivingModel.Knowledge knows) : IOutcomeModel
{
    public enum Knowledge
    {
        /// <summary>It is never served.</summary>
        Nothing,
        Sibling,
        GradedAnswers,
    }

    public string Name => knows switch
    {
        Knowledge.Nothing => "metarouter, a model left out",
        Knowledge.Sibling => "metarouter, a model with no label",
        _ => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"metarouter, a model with {PoolChange.Graded} labels"),
    };

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var change = PoolChange.Of(train);
        var snapshot = SnapshotTrainer.Train(OutcomeTables.Of(train, change.Before(train.ModelCount)), new TrainingOptions { Seed = seed + 1, CalibrationFolds = 2 }, null, cancellationToken);
        var profile = change.Profile(train);
        ModelProfile[] models = [.. snapshot.Models.Take(change.Newcomer), profile, .. snapshot.Models.Skip(change.Newcomer)];
        var predictions = MetaRouterModel.Predict(new RoutingPool(knows == Knowledge.GradedAnswers ? change.Grade(snapshot, train, seed) : snapshot, new ModelCatalog(models)), test);
        for (var i = change.Newcomer; knows == Knowledge.Nothing && i < predictions.Quality.Length; i += train.ModelCount)
        {
            (predictions.Quality[i], predictions.CostUsd[i]) = (-1e6f, 0);
        }

        return knows == Knowledge.Nothing ? new Unclaimed(predictions.Quality, predictions.CostUsd) : predictions;
    }

    private sealed record Unclaimed(float[] Quality, double[] CostUsd) : OutcomePredictions(Quality, CostUsd)
    {
        public override bool ClaimsQuality => false;
    }
}
