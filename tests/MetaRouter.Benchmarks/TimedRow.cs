using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace MetaRouter.Benchmarks;

/// <summary>Something that is timed by itself each time, so that there are percentiles.</summary>
/// <param name="act">Given how often it was done before; returns the timestamp from which its time counts, 0: from its beginning.</param>
internal sealed class TimedRow(string name, Func<int, long> act)
{
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(15);

    private readonly List<double> _microseconds = [];
    private double[]? _sorted;
    private long _bytes;
    private int _next;

    public TimedRow(string name, Action<int> act) : this(name, i =>
    {
        act(i);
        return 0;
    })
    {
    }

    public string Name { get; } = name;

    public double Allocated => _bytes / (double)_microseconds.Count;

    public double Mean => _microseconds.Average();

    public void Take(TimeSpan turn, bool counts)
    {
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < turn;)
        {
            var (bytes, at) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
            var counted = act(_next++);
            var took = (Stopwatch.GetTimestamp() - (counted > 0 ? counted : at)) * 1e6 / Stopwatch.Frequency; // GetElapsedTime counts in tenths of a microsecond
            if (counts)
            {
                _bytes += GC.GetAllocatedBytesForCurrentThread() - bytes;
                _microseconds.Add(took);
            }
        }
    }

    /// <summary>The rows take turns, a short while each, so that what disturbs the machine disturbs all of them alike. The first quarter more is to warm up.</summary>
    public static void TakeTurns(IReadOnlyCollection<TimedRow> rows, int turns)
    {
        for (var turn = -turns / 4; turn < turns; turn++)
        {
            foreach (var row in rows)
            {
                row.Take(Turn, counts: turn >= 0);
            }
        }
    }

    /// <summary>As Markdown.</summary>
    public static string Table(string what, IEnumerable<TimedRow> rows)
    {
        var text = new StringBuilder($"| {what} | p50 | p99 | least | allocated |\n|---|---|---|---|---|\n");
        foreach (var row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {Us(row.Quantile(0.5))} us | {Us(row.Quantile(0.99))} us | {Us(row.Quantile(0))} us | {row.Allocated:N0} B |\n");
        }

        return text.ToString();
    }

    /// <summary>Of all that counted.</summary>
    public double Quantile(double p)
    {
        _sorted ??= [.. _microseconds.Order()];
        return _sorted[(int)(p * (_sorted.Length - 1))];
    }

    private static string Us(double microseconds) => microseconds.ToString(microseconds < 10 ? "0.00" : microseconds < 10_000 ? "0.0" : "N0", CultureInfo.InvariantCulture);
}
