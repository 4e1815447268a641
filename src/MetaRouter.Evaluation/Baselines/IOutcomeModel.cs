using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>Anything that learns outcomes from one table and predicts those of another: a row of the benchmark's tables.</summary>
public interface IOutcomeModel
{
    /// <summary>The row's name.</summary>
    string Name { get; }

    /// <summary>Learns from <paramref name="train"/> alone and predicts <paramref name="test"/> from its queries alone. Called from several threads, for several splits.</summary>
    /// <param name="train">May hold NaN where an outcome is unknown.</param>
    /// <param name="test">Has the same models in the same order.</param>
    /// <param name="seed">Same seed, same predictions.</param>
    OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken);
}
