using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MetaRouter.Cli;

/// <summary>Results that go to another program. The console's own writer silently drops what nobody reads, so a command that follows a gateway would run for ever behind 'head'.</summary>
internal sealed class PipeOutput(FileStream pipe, Action gone) : Stream
{
    private const int StandardOutput = 1;

    /// <summary>The most bytes that a pipe takes together or not at all.</summary>
    private const int Atomic = 4096;

    /// <summary>EAGAIN.</summary>
    private const int LinuxWouldWait = 11, MacWouldWait = 35;

    private readonly Lazy<Stream> _patient = new(Console.OpenStandardOutput);

    private bool _isGone;

    /// <summary>Null: the results go elsewhere.</summary>
    /// <param name="gone">Called when the program that read them has ended.</param>
    public static TextWriter? OfProcess(Action gone)
    {
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected)
        {
            return null;
        }

        try
        {
            var pipe = new FileStream(new SafeFileHandle(StandardOutput, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            return pipe.CanSeek ? null /* a file */ : TextWriter.Synchronized(new StreamWriter(
                new PipeOutput(pipe, gone),
                Console.OutputEncoding is UTF8Encoding ? new UTF8Encoding(false) : Console.OutputEncoding) { AutoFlush = true });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null; // the standard output was closed
        }
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        for (var at = 0; at < buffer.Length && !_isGone; at += Atomic)
        {
            var part = buffer.Slice(at, Math.Min(Atomic, buffer.Length - at));
            try
            {
                pipe.Write(part);
            }
            catch (IOException e) when (e.HResult is LinuxWouldWait or MacWouldWait)
            {
                _patient.Value.Write(part); // full, and somebody set it not to wait: the console's own writer waits until there is room
            }
            catch (IOException)
            {
                _isGone = true;
                gone();
            }
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
