namespace MetaRouter.Core.Traffic;

/// <summary>Latencies counted in bins 15 % wide from 1 ms to 10 minutes: a quantile is off by 7 % at most. Adding is O(1); two add up bin by bin.</summary>
public sealed class LatencyHistogram
{
    private const int Bins = 96;
    private static readonly double Step = Math.Log(1.15);

    private readonly int[] _counts = new int[Bins];

    public long Count { get; private set; }

    /// <param name="milliseconds">Not a number, or below 0: not counted.</param>
    public void Add(double milliseconds)
    {
        if (milliseconds >= 0)
        {
            _counts[(int)Math.Clamp(Math.Log(milliseconds) / Step, 0, Bins - 1)]++;
            Count++;
        }
    }

    public void Add(LatencyHistogram other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (var i = 0; i < Bins; i++)
        {
            _counts[i] += other._counts[i];
        }

        Count += other.Count;
    }

    /// <summary>The latency that a share <paramref name="p"/> of those counted stays below, in milliseconds: the middle of its bin in log. Null: nothing was counted.</summary>
    public double? Quantile(double p)
    {
        var (below, wanted) = (0L, p * Count);
        for (var i = 0; i < Bins; i++)
        {
            below += _counts[i];
            if (below > 0 && below >= wanted)
            {
                return Math.Exp((i + 0.5) * Step);
            }
        }

        return null;
    }
}
