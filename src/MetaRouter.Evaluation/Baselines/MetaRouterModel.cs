using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>What ships: <see cref="SnapshotTrainer"/> on the training rows, the snapshot written and read back, and the predictions of its pool.</summary>
/// <param name="families">What the encoder reads; all of it ships, less shows what a family buys.</param>
/// <param name="vectors">What words mean; null: what the shipped snapshot knows of them.</param>
public sealed class MetaRouterModel(NgramFamilies families = NgramFamilies.All, WordVectors? vectors = null) : IOutcomeModel
{
    public string Name => families switch
    {
        NgramFamilies.All when ReferenceEquals(vectors, WordVectors.None) => "metarouter, no word vectors",
        NgramFamilies.All => "metarouter",
        NgramFamilies.None => "metarouter, surface only",
        _ => $"metarouter, {families.ToString().ToLowerInvariant()} only",
    };

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        // The calibration sample serves beliefs; nothing here has one.
        var trained = SnapshotTrainer.Train(train, new TrainingOptions { Seed = seed + 1, CalibrationFolds = 0, Families = families, Vectors = vectors }, null, cancellationToken);
        return Predict(RoutingPool.OfSnapshot(SnapshotCodec.Read(SnapshotCodec.Write(trained))), test);
    }

    /// <summary>The pool's predictions of every request of a table; its models in the catalog's order.</summary>
    /// <param name="promptTokens">Of each request what it is priced at, NaN: estimated from the text; null: all are.</param>
    internal static OutcomePredictions Predict(RoutingPool pool, OutcomeTable test, float[]? promptTokens = null)
    {
        var models = pool.Catalog.Count;
        var (quality, counted, cost) = (new float[test.Rows * models], new float[test.Rows * models], new double[test.Rows * models]);
        Parallel.For(0, test.Rows, () => (Encoding: new RequestEncoding(), Outcomes: new Outcome[models], Tokens: new float[models], Projected: new float[pool.Projected]), (i, _, scratch) =>
        {
            pool.Snapshot.Encoder.Encode(test.Queries[i], scratch.Encoding);
            pool.Predict(scratch.Encoding, promptTokens?[i] ?? float.NaN, scratch.Outcomes, scratch.Tokens, scratch.Projected);
            for (var k = 0; k < models; k++)
            {
                (quality[(i * models) + k], cost[(i * models) + k]) = (scratch.Outcomes[k].Quality, scratch.Outcomes[k].CostUsd);
            }

            pool.Temper(scratch.Encoding, scratch.Outcomes, scratch.Outcomes);
            for (var k = 0; k < models; k++)
            {
                counted[(i * models) + k] = scratch.Outcomes[k].Quality;
            }

            return scratch;
        }, _ => { });
        return new OutcomePredictions(quality, cost) { Counted = counted };
    }
}
