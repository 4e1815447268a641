using System.Numerics.Tensors;

namespace MetaRouter.Evaluation.Baselines.Learning;

/// <summary>An affine map y = W x + b whose numbers lie in an array shared by a whole network: W row-major, then b.</summary>
/// <param name="At">Where its numbers begin.</param>
internal readonly record struct Layer(int At, int Inputs, int Outputs)
{
    /// <summary>Where the next layer's numbers begin.</summary>
    public int End => At + (Outputs * (Inputs + 1));

    private int Bias => At + (Outputs * Inputs);

    /// <summary>Weights uniform with variance 1 / inputs, biases 0.</summary>
    public void Start(Span<double> weights, Random random)
    {
        var spread = Math.Sqrt(3.0 / Inputs);
        for (var i = At; i < Bias; i++)
        {
            weights[i] = spread * ((2 * random.NextDouble()) - 1);
        }
    }

    public void Forward(ReadOnlySpan<double> weights, ReadOnlySpan<double> x, Span<double> y)
    {
        for (var o = 0; o < Outputs; o++)
        {
            y[o] = weights[Bias + o] + TensorPrimitives.Dot(weights.Slice(At + (o * Inputs), Inputs), x);
        }
    }

    /// <summary>Adds the gradients of weights and, where wanted, of the input.</summary>
    /// <param name="dy">Of the loss by y.</param>
    /// <param name="dx">Added to; empty: not wanted.</param>
    public void Backward(ReadOnlySpan<double> weights, Span<double> gradient, ReadOnlySpan<double> x, ReadOnlySpan<double> dy, Span<double> dx)
    {
        for (var o = 0; o < Outputs; o++)
        {
            if (dy[o] == 0)
            {
                continue;
            }

            var row = gradient.Slice(At + (o * Inputs), Inputs);
            TensorPrimitives.MultiplyAdd(x, dy[o], row, row);
            gradient[Bias + o] += dy[o];
            if (!dx.IsEmpty)
            {
                TensorPrimitives.MultiplyAdd(weights.Slice(At + (o * Inputs), Inputs), dy[o], dx, dx);
            }
        }
    }

    /// <summary>dy becomes the gradient before a tanh whose output was y.</summary>
    public static void ThroughTanh(ReadOnlySpan<double> y, Span<double> dy)
    {
        for (var i = 0; i < dy.Length; i++)
        {
            dy[i] *= 1 - (y[i] * y[i]);
        }
    }
}
