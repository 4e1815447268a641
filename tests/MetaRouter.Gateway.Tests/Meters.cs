using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace MetaRouter.Gateway.Tests;

/// <summary>Everything measured while it lives, by every gateway of the process.</summary>
internal sealed class Meters : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, double> _sums = [];

    /// <summary>Of every gateway in this process: other tests' too.</summary>
    public Meters()
        : this(instrument => instrument.Meter.Name.StartsWith("MetaRouter", StringComparison.Ordinal))
    {
    }

    /// <summary>Of one gateway alone.</summary>
    public Meters(Instrument only)
        : this(instrument => ReferenceEquals(instrument, only))
    {
    }

    private Meters(Predicate<Instrument> isHeard)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (isHeard(instrument))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        _listener.Start();
    }

    public ConcurrentQueue<string> Seen { get; } = [];

    public double Sum { get; private set; }

    /// <summary>The same of one label's value.</summary>
    public double SumOf(string value)
    {
        lock (_gate)
        {
            return _sums.Where(s => s.Key.Split('=', ' ').Contains(value)).Sum(s => s.Value);
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = string.Join(' ', tags.ToArray().Select(t => $"{t.Key}={t.Value}"));
        Seen.Enqueue($"{instrument.Name} {labels}");
        lock (_gate)
        {
            Sum += value;
            _sums[labels] = _sums.GetValueOrDefault(labels) + value;
        }
    }
}
