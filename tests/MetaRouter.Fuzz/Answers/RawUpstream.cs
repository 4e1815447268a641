using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MetaRouter.Fuzz.Answers;

/// <summary>In the place of every model's server: answers whatever request with the same bytes, in pieces that follow from a number, and ends the connection.</summary>
internal sealed class RawUpstream : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public RawUpstream()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Url => $"http://{_listener.LocalEndpoint}/v1";

    public ReadOnlyMemory<byte> Bytes { get; set; }

    /// <summary>How the pieces are cut.</summary>
    public int Cuts { get; set; }

    /// <summary>The connection is reset where the answer ends.</summary>
    public bool Resets { get; set; }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = AnswerAsync(await _listener.AcceptSocketAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is not listening any longer.
        }
    }

    private async Task AnswerAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                socket.NoDelay = true;
                await ReadRequestAsync(socket);
                var (bytes, state, most) = (Bytes, (uint)Cuts, (Cuts % 4) switch { 0 => int.MaxValue, 1 => 100, 2 => 400, _ => 2000 });
                while (!bytes.IsEmpty)
                {
                    state = (state * 1_664_525) + 1_013_904_223;
                    var length = Math.Min(bytes.Length, most == int.MaxValue ? most : 1 + ((int)(state >> 8) % most));
                    await socket.SendAsync(bytes[..length]);
                    bytes = bytes[length..];
                    await Task.Yield();
                }

                if (Resets)
                {
                    socket.LingerState = new LingerOption(true, 0);
                }
                else
                {
                    socket.Shutdown(SocketShutdown.Send);
                }
            }
            catch (SocketException)
            {
                // The gateway has read enough.
            }
        }
    }

    private static async Task ReadRequestAsync(Socket socket)
    {
        var (buffer, have, end) = (new byte[1 << 14], 0, -1);
        while (end < 0 || have < end)
        {
            var got = await socket.ReceiveAsync(buffer.AsMemory(have));
            if (got == 0)
            {
                return;
            }

            have += got;
            if (end < 0 && buffer.AsSpan(0, have).IndexOf("\r\n\r\n"u8) is >= 0 and var head)
            {
                var length = Encoding.ASCII.GetString(buffer, 0, head).Split("Content-Length: ", 2)[1].Split('\r')[0];
                end = head + 4 + int.Parse(length, System.Globalization.CultureInfo.InvariantCulture);
            }
        }
    }
}
