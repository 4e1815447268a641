using System.Diagnostics.Metrics;

namespace MetaRouter.Orleans.Scale;

/// <summary>What Orleans says it sends, by Orleans' own instrument: one measurement a message and connection.</summary>
internal sealed class Traffic : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _messages;
    private long _betweenSilos;
    private long _bytes;

    public Traffic()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "Microsoft.Orleans" && instrument.Name == "orleans-messaging-sent-messages-size")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((_, bytes, tags, _) =>
        {
            Interlocked.Increment(ref _messages);
            Interlocked.Add(ref _bytes, bytes);
            foreach (var (key, value) in tags)
            {
                if (key == "ConnectionDirection" && value as string == "SiloToSilo")
                {
                    Interlocked.Increment(ref _betweenSilos);
                }
            }
        });
        _listener.Start();
    }

    public (long Messages, long BetweenSilos, long Bytes) Now => (Interlocked.Read(ref _messages), Interlocked.Read(ref _betweenSilos), Interlocked.Read(ref _bytes));

    public void Dispose() => _listener.Dispose();
}
