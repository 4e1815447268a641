using System.Net;
using System.Net.Http.Headers;

namespace MetaRouter.Fuzz.Answers;

/// <summary>In the place of every model's server: answers each request with the same bytes, in pieces that follow from a number.</summary>
internal sealed class MemoryUpstream : HttpMessageHandler
{
    public int Status { get; set; }

    /// <summary>Null: none is told.</summary>
    public string? ContentType { get; set; }

    public ReadOnlyMemory<byte> Body { get; set; }

    /// <summary>How the pieces are cut.</summary>
    public int Cuts { get; set; }

    /// <summary>The connection breaks where the answer ends.</summary>
    public bool Breaks { get; set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
        var response = new HttpResponseMessage((HttpStatusCode)Status) { Content = new StreamContent(new Pieces(Body, Cuts, Breaks)), RequestMessage = request };
        if (ContentType is not null)
        {
            response.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(ContentType);
        }

        return response;
    }

    private sealed class Pieces(ReadOnlyMemory<byte> body, int cuts, bool breaks) : Stream
    {
        private readonly int _most = (cuts % 4) switch { 0 => int.MaxValue, 1 => 1, 2 => 16, _ => 2000 };
        private uint _state = (uint)cuts;
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            if (_at == body.Length)
            {
                return breaks ? throw new HttpIOException(HttpRequestError.ResponseEnded, "The connection broke.") : 0;
            }

            _state = (_state * 1_664_525) + 1_013_904_223;
            var length = Math.Min(Math.Min(buffer.Length, body.Length - _at), _most == int.MaxValue ? _most : 1 + (int)(_state >> 8) % _most);
            body.Span.Slice(_at, length).CopyTo(buffer);
            _at += length;
            return length;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => Task.FromResult(Read(buffer.AsSpan(offset, count)));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
