using System.Buffers;
using System.Text;

namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// Cuts a stream of server-sent events at the blank lines between them. Each event comes with the bytes it came with, the blank line too; but a carriage return that ends a line
/// alone, which the standard allows and some clients do not know, comes as a newline; and a byte order mark before all is left out, else the first event would begin with it.
/// </summary>
/// <param name="limit">The longest event taken, bytes.</param>
internal sealed class SseReader(Stream stream, int limit) : IDisposable
{
    private const int Smallest = 2048;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Smallest);
    private int _start, _scanned, _end;

    /// <summary>A line of this stream ended in a carriage return alone; so one that came last is not waited with, until its newline may come.</summary>
    private bool _hasBareReturns;

    /// <summary>It was not waited with: its newline, if one comes, was told already.</summary>
    private bool _skipsNewline;

    /// <summary>Nothing was handed on yet.</summary>
    private bool _isAtStart = true;

    /// <summary>A whole event is here already, so the next read does not wait.</summary>
    public bool HasEvent => FindEnd() > 0;

    /// <summary>Valid until the next call. Empty at the end of the stream; what an upstream left unfinished there is not handed on.</summary>
    /// <exception cref="InvalidDataException">An event is longer than the limit.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            SkipMark();
            if (FindEnd() is > 0 and var length)
            {
                _isAtStart = false;
                var found = _buffer.AsMemory(_start, length);
                _start += length;
                _scanned = _start;
                return found;
            }

            MakeRoom();
            var read = await stream.ReadUnpackedAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                if (_hasBareReturns)
                {
                    return default;
                }

                _hasBareReturns = true; // no newline follows any more
                continue;
            }

            _end += read;
            SkipNewline(_end - read);
        }
    }

    /// <summary>The event that was read last is to be read again.</summary>
    /// <param name="length">All of it, bytes.</param>
    public void Unread(int length) => _start = _scanned = _start - length;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        stream.Dispose();
    }

    private void SkipMark()
    {
        if (_isAtStart && _buffer.AsSpan(_start, _end - _start).StartsWith(Encoding.UTF8.Preamble))
        {
            _start += Encoding.UTF8.Preamble.Length;
            _scanned = _start;
            _isAtStart = false;
        }
    }

    private void SkipNewline(int at)
    {
        if (_skipsNewline && _buffer[at] == '\n')
        {
            _buffer.AsSpan(at + 1, _end - at - 1).CopyTo(_buffer.AsSpan(at));
            _end--;
        }

        _skipsNewline = false;
    }

    /// <returns>The length of the first event with its blank line; 0: there is no whole one.</returns>
    private int FindEnd()
    {
        while (_scanned < _end)
        {
            var at = _buffer.AsSpan(_scanned, _end - _scanned).IndexOfAny((byte)'\n', (byte)'\r');
            if (at < 0)
            {
                _scanned = _end;
                return 0;
            }

            _scanned += at;
            if (AfterLine(_scanned) is not { } next || next >= _end)
            {
                return 0; // what follows the line decides, and is not here yet
            }

            if (_buffer[next] is not ((byte)'\n' or (byte)'\r'))
            {
                _scanned = next;
                continue;
            }

            if (AfterLine(next) is { } after)
            {
                return after - _start;
            }

            if (!_hasBareReturns)
            {
                return 0;
            }

            (_buffer[next], _skipsNewline) = ((byte)'\n', true);
            return next + 1 - _start;
        }

        return 0;
    }

    /// <returns>Where the next line begins; null: the line ends in a carriage return, whose newline may be on its way.</returns>
    private int? AfterLine(int at)
    {
        if (_buffer[at] == '\n')
        {
            return at + 1;
        }

        if (at + 1 >= _end)
        {
            return null;
        }

        if (_buffer[at + 1] == '\n')
        {
            return at + 2;
        }

        (_buffer[at], _hasBareReturns) = ((byte)'\n', true);
        return at + 1;
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
