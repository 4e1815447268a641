namespace MetaRouter.Evaluation.Baselines.Learning;

/// <summary>Adam with decoupled weight decay. Sources: Kingma and Ba 2015 (arXiv:1412.6980); Loshchilov and Hutter 2019 (arXiv:1711.05101).</summary>
/// <param name="rate">Step length, above 0.</param>
/// <param name="decay">Share of a weight that a step of length 1 takes away, 0 or more.</param>
internal sealed class Adam(int weights, double rate, double decay)
{
    private const double First = .9, Second = .999, Floor = 1e-8;

    private readonly double[] _mean = new double[weights];
    private readonly double[] _square = new double[weights];
    private double _firstPower = 1, _secondPower = 1;

    /// <summary>One step against the gradient, which is cleared.</summary>
    public void Step(Span<double> values, Span<double> gradient)
    {
        _firstPower *= First;
        _secondPower *= Second;
        for (var i = 0; i < values.Length; i++)
        {
            var g = gradient[i];
            _mean[i] = (First * _mean[i]) + ((1 - First) * g);
            _square[i] = (Second * _square[i]) + ((1 - Second) * g * g);
            values[i] -= rate * ((_mean[i] / (1 - _firstPower) / (Math.Sqrt(_square[i] / (1 - _secondPower)) + Floor)) + (decay * values[i]));
        }

        gradient.Clear();
    }
}
