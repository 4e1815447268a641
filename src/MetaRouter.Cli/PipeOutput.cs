using System.IO.Pipes;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MetaRouter.Cli;

/// <summary>Results that go to another program. The console's own writer drops what nobody reads, in silence, and what follows a gateway would go on for ever behind 'head'.</summary>
internal sealed class PipeOutput(PipeStream pipe, Action gone) : Stream
{
    private const int StandardOutput = 1;

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
            var pipe = new AnonymousPipeClientStream(PipeDirection.Out, new SafePipeHandle(StandardOutput, ownsHandle: false));
            return TextWriter.Synchronized(new StreamWriter(new PipeOutput(pipe, gone), Console.OutputEncoding is UTF8Encoding ? new UTF8Encoding(false) : Console.OutputEncoding) { AutoFlush = true });
        }
        catch (IOException)
        {
            return null; // a file
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
        try
        {
            pipe.Write(buffer);
        }
        catch (IOException)
        {
            gone();
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
