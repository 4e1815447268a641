using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>What has learned already, whatever the rows to train on.</summary>
/// <param name="name">The row's name.</param>
/// <param name="pool">Its catalog's models are the tables' columns, in their order.</param>
/// <param name="promptTokens">Of each test row what it is priced at, NaN: estimated from the text; null: all are.</param>
internal sealed class TrainedPool(string name, RoutingPool pool, float[]? promptTokens = null) : IOutcomeModel
{
    public string Name => name;

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken) => MetaRouterModel.Predict(pool, test, promptTokens);
}
