using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>A router of P2's table told every user's true lambda, or one that does not care; it asks nothing and learns nothing of users.</summary>
/// <param name="router">Learned on the training half from the requests' texts.</param>
internal sealed class GivenPreference(IOutcomeModel router) : IPreferenceLearner
{
    public string Name => router.Name;

    public Func<double, Random, IUserLearner> Fit(PreferenceSplit split, int seed, CancellationToken cancellationToken)
    {
        var predictions = router.FitPredict(split.Train, split.Test, seed, cancellationToken);
        return (lambda, _) => new User(predictions, split.Models, lambda / split.Pool.CostScaleUsd);
    }

    private sealed class User(OutcomePredictions predictions, int models, double price) : IUserLearner
    {
        public Question? Ask(ReadOnlySpan<int> looked) => null;

        public void Learn(in Question question, bool prefersFirst) => throw new InvalidOperationException("It asked nothing.");

        public void Choose(ReadOnlySpan<int> rows, Span<byte> chosen)
        {
            Span<double> worth = stackalloc double[models];
            for (var i = 0; i < rows.Length; i++)
            {
                predictions.Worth(rows[i], price, worth);
                chosen[i] = (byte)System.Numerics.Tensors.TensorPrimitives.IndexOfMax<double>(worth);
            }
        }
    }
}
