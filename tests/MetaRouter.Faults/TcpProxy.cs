using System.Net;
using System.Net.Sockets;

namespace MetaRouter.Faults;

/// <summary>A slow line: hands bytes on, each after <see cref="Delay"/>, in order.</summary>
internal sealed class TcpProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;

    public TcpProxy(int target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public TimeSpan Delay { get; set; }

    public string Address => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient near)
    {
        using var far = new TcpClient { NoDelay = true };
        using (near)
        {
            near.NoDelay = true;
            try
            {
                await far.ConnectAsync(IPAddress.Loopback, _target);
                await Task.WhenAny(PumpAsync(near.GetStream(), far.GetStream()), PumpAsync(far.GetStream(), near.GetStream()));
            }
            catch (SocketException)
            {
                // Nobody there; the near side sees its connection end.
            }
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to)
    {
        var queue = System.Threading.Channels.Channel.CreateUnbounded<(long Due, byte[] Bytes)>();
        var writing = Task.Run(async () =>
        {
            await foreach (var (due, bytes) in queue.Reader.ReadAllAsync())
            {
                if (due - Environment.TickCount64 is > 0 and var wait)
                {
                    await Task.Delay((int)wait);
                }

                await to.WriteAsync(bytes);
            }
        });
        try
        {
            var buffer = new byte[65_536];
            while (!writing.IsCompleted && await from.ReadAsync(buffer) is > 0 and var read)
            {
                queue.Writer.TryWrite((Environment.TickCount64 + (long)Delay.TotalMilliseconds, buffer[..read]));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // One side went away.
        }

        queue.Writer.Complete();
    }
}
