using System.Net;
using System.Net.Sockets;

namespace MetaRouter.Testing;

/// <summary>Takes each connection and resets it at once, as a proxy does whose server is gone: before or after anything was sent.</summary>
public sealed class ResettingServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _resetting;

    public ResettingServer()
    {
        _listener.Start();
        Url = $"http://{_listener.LocalEndpoint}/";
        _resetting = Task.Factory.StartNew(Reset, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public string Url { get; }

    public void Dispose()
    {
        _listener.Dispose();
        _resetting.Wait();
    }

    private void Reset()
    {
        try
        {
            while (true)
            {
                using var socket = _listener.AcceptSocket();
                socket.LingerState = new LingerOption(true, 0); // closing resets
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // It is not listening any longer.
        }
    }
}
