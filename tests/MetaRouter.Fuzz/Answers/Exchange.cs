using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MetaRouter.Fuzz.Answers;

/// <summary>
/// An answer as it comes to a client that leaves as soon as it is told that the rest will not come: a gateway waits a moment then, for the telling to arrive, which
/// over a network it must (<see cref="Targets.UpstreamTarget"/> sees to that).
/// </summary>
internal sealed class Exchange : IHttpResponseFeature, IHttpResponseBodyFeature, IHttpRequestLifetimeFeature, IDisposable
{
    private static readonly byte[] BrokeOff = "upstream_broke_off"u8.ToArray(), ErrorField = "\"error\":"u8.ToArray();

    private readonly CancellationTokenSource _aborted = new();
    private readonly Received _received;
    private readonly bool _leavesAtErrors;

    /// <param name="leavesAtErrors">Also when the upstream's own error is handed on, as only chats get it.</param>
    public Exchange(bool leavesAtErrors)
    {
        _leavesAtErrors = leavesAtErrors;
        _received = new Received(this);
        Writer = PipeWriter.Create(_received, new StreamPipeWriterOptions(leaveOpen: true));
        RequestAborted = _aborted.Token;
    }

    public int StatusCode { get; set; } = 200;

    public string? ReasonPhrase { get; set; }

    public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();

    public Stream Body { get => _received; set => throw new NotSupportedException(); }

    public bool HasStarted { get; private set; }

    public Stream Stream => _received;

    public PipeWriter Writer { get; }

    public CancellationToken RequestAborted { get; set; }

    /// <summary>The client left.</summary>
    public bool HasLeft { get; private set; }

    /// <summary>The gateway cut the connection.</summary>
    public bool IsCut { get; private set; }

    public ReadOnlyMemory<byte> Bytes => _received.GetBuffer().AsMemory(0, (int)_received.Length);

    public void Abort()
    {
        IsCut |= !HasLeft;
        _aborted.Cancel();
    }

    public void OnStarting(Func<object, Task> callback, object state)
    {
    }

    public void OnCompleted(Func<object, Task> callback, object state)
    {
    }

    public void DisableBuffering()
    {
    }

    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        HasStarted = true;
        return Task.CompletedTask;
    }

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public Task CompleteAsync() => _aborted.IsCancellationRequested ? Task.CompletedTask : Writer.CompleteAsync().AsTask();

    public void Dispose()
    {
        _received.Dispose();
        _aborted.Dispose();
    }

    private sealed class Received(Exchange exchange) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            base.Write(buffer.ToArray(), 0, buffer.Length); // a derived stream's other overload would come back here
            exchange.HasStarted = true;
            if (exchange.Headers.ContentType == "text/event-stream" && (buffer.IndexOf(BrokeOff) >= 0 || (exchange._leavesAtErrors && buffer.IndexOf(ErrorField) >= 0)))
            {
                exchange.HasLeft = true;
                exchange._aborted.Cancel();
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            return default;
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        {
            Write(buffer.AsSpan(offset, count));
            return Task.CompletedTask;
        }
    }
}
