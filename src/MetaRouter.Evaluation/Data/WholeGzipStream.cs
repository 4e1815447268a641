using System.IO.Compression;

namespace MetaRouter.Evaluation.Data;

/// <summary>
/// A gzip file's text, where a file that was cut short ends in an error: <see cref="GZipStream"/> ends it as if it were whole. The trailer of the last member tells
/// its length, so there is at least that much: after a cut these four bytes are noise and promise more, but for a chance of size / 4 GB.
/// </summary>
/// <param name="file">At its beginning; disposed with this stream.</param>
/// <param name="leastBytes">Of text, by the trailer.</param>
internal sealed class WholeGzipStream(Stream file, uint leastBytes, string path) : Stream
{
    private readonly GZipStream _text = new(file, CompressionMode.Decompress);
    private long _total;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="DataFileException">The text ends too early.</exception>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public override int Read(Span<byte> buffer)
    {
        var got = _text.Read(buffer);
        _total += got;
        return got > 0 || buffer.IsEmpty || _total >= leastBytes
            ? got
            : throw new DataFileException(
                $"{path}: damaged or cut short: its text ends after {_total} bytes, and a whole gzip file's last four bytes say how many there are. Write or copy the file again.");
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _text.Dispose();
        }

        base.Dispose(disposing);
    }
}
