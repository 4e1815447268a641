using System.Buffers;

namespace MetaRouter.Gateway.Upstream;

/// <summary>Cuts a stream of server-sent events at the blank lines between them. Each event comes with the bytes it came with, the blank line too.</summary>
/// <param name="limit">The longest event taken, bytes.</param>
internal sealed class SseReader(Stream stream, int limit) : IDisposable
{
    private const int Smallest = 2048;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Smallest);
    private int _start, _scanned, _end;

    /// <summary>A whole event is here already, so the next read does not wait.</summary>
    public bool HasEvent => FindEnd() > 0;

    /// <summary>Valid until the next call. Empty at the end of the stream; what an upstream left unfinished there is not handed on.</summary>
    /// <exception cref="InvalidDataException">An event is longer than the limit.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (FindEnd() is > 0 and var length)
            {
                var found = _buffer.AsMemory(_start, length);
                _start += length;
                _scanned = _start;
                return found;
            }

            MakeRoom();
            var read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return default;
            }

            _end += read;
        }
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        stream.Dispose();
    }

    /// <returns>The length of the first event with its blank line; 0: there is no whole one.</returns>
    private int FindEnd()
    {
        while (_scanned < _end)
        {
            var at = _buffer.AsSpan(_scanned, _end - _scanned).IndexOf((byte)'\n');
            if (at < 0)
            {
                _scanned = _end;
                return 0;
            }

            var next = _scanned + at + 1;
            if (next >= _end || (_buffer[next] == '\r' && next + 1 >= _end))
            {
                _scanned = next - 1; // what follows the line decides, and is not here yet
                return 0;
            }

            if (_buffer[next] == '\n')
            {
                return next + 1 - _start;
            }

            if (_buffer[next] == '\r' && _buffer[next + 1] == '\n')
            {
                return next + 2 - _start;
            }

            _scanned = next;
        }

        return 0;
    }

    private void MakeRoom()
    {
        if (_start == _end)
        {
            _start = _scanned = _end = 0;
        }

        if (_end < _buffer.Length)
        {
            return;
        }

        var held = _end - _start;
        if (held >= limit)
        {
            throw new InvalidDataException($"An event is longer than {limit} bytes.");
        }

        var target = held * 2 <= _buffer.Length ? _buffer : ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.AsSpan(_start, held).CopyTo(target);
        if (target != _buffer)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = target;
        }

        (_start, _scanned, _end) = (0, _scanned - _start, held);
    }
}
