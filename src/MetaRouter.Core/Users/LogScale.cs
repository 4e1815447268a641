namespace MetaRouter.Core.Users;

/// <summary>
/// Positive numbers in a few bits, by equal ratios: code 0 is exactly zero, code c is lowest * step^(c-1).
/// A value goes to the nearest code by ratio; one outside the scale goes to its end.
/// </summary>
/// <remarks>
/// The grid is made by repeated multiplication and its bounds by square roots, which IEEE 754 rounds alike everywhere.
/// Logarithms would be shorter, but their last bit differs between platforms, and then so would the bytes of two nodes that saw the same signals.
/// </remarks>
internal sealed class LogScale
{
    private readonly float[] _values;
    private readonly double[] _bounds;

    /// <param name="lowest">The value of code 1; above 0.</param>
    /// <param name="step">The ratio of neighbouring codes; above 1.</param>
    /// <param name="codes">How many codes besides 0; 1 to 255.</param>
    public LogScale(double lowest, double step, int codes)
    {
        _values = new float[codes + 1];
        _bounds = new double[codes - 1];
        var value = lowest;
        for (var code = 1; code <= codes; code++)
        {
            _values[code] = (float)value;
            if (code < codes)
            {
                _bounds[code - 1] = value * Math.Sqrt(step);
            }

            value *= step;
        }
    }

    /// <param name="value">Finite, 0 or more.</param>
    public int Encode(float value)
    {
        if (value == 0)
        {
            return 0;
        }

        var (low, high) = (0, _bounds.Length);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            (low, high) = value >= _bounds[middle] ? (middle + 1, high) : (low, middle);
        }

        return low + 1;
    }

    public float Decode(int code) => _values[code];
}
