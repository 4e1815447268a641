namespace MetaRouter.Evaluation.Baselines.Learning;

/// <summary>A loss that is a mean over rows, with its gradient written by hand; the tests compare it with differences.</summary>
internal interface ILoss
{
    /// <summary>Weights to begin with.</summary>
    double[] Start(Random random);

    /// <summary>The loss of one row; its gradient is added where one is wanted.</summary>
    /// <param name="gradient">Empty: not wanted.</param>
    double Of(ReadOnlySpan<double> weights, int row, Span<double> gradient);
}

/// <summary>
/// Stochastic descent with early stopping: the weight decay and the number of epochs with the least loss on a validation fifth, then as many epochs on all rows.
/// </summary>
internal static class Descent
{
    /// <summary>How long and how fast.</summary>
    /// <param name="Epochs">At most; of few rows more, up to <see cref="EnoughSteps"/> steps.</param>
    /// <param name="Decays">Weight decays tried.</param>
    /// <param name="Patience">Epochs without a better validation loss after which it stops.</param>
    internal sealed record Options(int Epochs, double Rate, IReadOnlyList<double> Decays, int Batch = 32, int Patience = 3)
    {
        private const int EnoughSteps = 1000;

        public int MostEpochs(int rows) => Math.Max(Epochs, EnoughSteps * Batch / Math.Max(rows, Batch));
    }

    /// <summary>What validation chose, and the weights of that epoch, learned from the fitting rows alone.</summary>
    /// <param name="Held">The loss on the validation rows, summed.</param>
    internal sealed record Fitted(double[] Weights, int Epochs, double Decay, double Held);

    /// <summary>Chooses on <paramref name="validate"/>; the weights have not seen it.</summary>
    public static Fitted Choose(ILoss loss, int[] fit, int[] validate, Options options, int seed, CancellationToken cancellationToken)
    {
        var (lowest, best) = (double.PositiveInfinity, new Fitted([], 1, options.Decays[0], double.PositiveInfinity));
        foreach (var decay in options.Decays)
        {
            var (own, waited) = (double.PositiveInfinity, 0);
            Run(loss, fit, options, options.MostEpochs(fit.Length), decay, seed, (epoch, weights) =>
            {
                var held = 0.0;
                foreach (var row in validate)
                {
                    held += loss.Of(weights, row, []);
                }

                if (held < lowest || best.Weights.Length == 0)
                {
                    (lowest, best) = (held, new Fitted((double[])weights.Clone(), epoch, decay, held));
                }

                (own, waited) = held < own ? (held, 0) : (own, waited + 1);
                return waited < options.Patience;
            }, cancellationToken);
        }

        return best;
    }

    /// <summary>The same on rows 0 to <paramref name="rows"/> - 1.</summary>
    public static double[] Again(ILoss loss, int rows, Fitted chosen, Options options, int seed, CancellationToken cancellationToken) =>
        Run(loss, [.. Enumerable.Range(0, rows)], options, chosen.Epochs, chosen.Decay, seed, null, cancellationToken);

    /// <summary>A fixed number of epochs over these rows, in an order drawn anew for each.</summary>
    /// <param name="after">After each epoch, from 1: whether to go on.</param>
    public static double[] Run(ILoss loss, int[] rows, Options options, int epochs, double decay, int seed, Func<int, double[], bool>? after, CancellationToken cancellationToken)
    {
        var random = new Random(seed);
        var weights = loss.Start(random);
        var (gradient, order, adam) = (new double[weights.Length], (int[])rows.Clone(), new Adam(weights.Length, options.Rate, decay));
        for (var epoch = 1; epoch <= epochs; epoch++)
        {
            random.Shuffle(order);
            for (var from = 0; from < order.Length; from += options.Batch)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var batch = order.AsSpan(from, Math.Min(options.Batch, order.Length - from));
                foreach (var row in batch)
                {
                    loss.Of(weights, row, gradient);
                }

                System.Numerics.Tensors.TensorPrimitives.Divide(gradient, (double)batch.Length, gradient);
                adam.Step(weights, gradient);
            }

            if (after?.Invoke(epoch, weights) == false)
            {
                break;
            }
        }

        return weights;
    }
}
