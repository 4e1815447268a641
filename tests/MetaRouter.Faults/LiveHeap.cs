using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MetaRouter.Faults;

/// <summary>
/// What a gateway's process holds: it is asked to collect everything that nothing refers to, over the pipe .NET has for its diagnostics, and then what is left, by its own metrics.
/// Source: dotnet/diagnostics, documentation/design-docs/ipc-protocol.md.
/// </summary>
internal static class LiveHeap
{
    private const byte EventPipe = 0x02, StopTracing = 0x01, CollectTracing = 0x03, Ok = 0x00;
    private const int HeadBytes = 20;
    private const ulong Collects = 0x80_0001; // GC events, and a full collection as the session begins
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>After a full collection, in megabytes.</summary>
    /// <param name="pipes">Where the process has its pipe: its temporary folder.</param>
    public static async Task<double> MegabytesAsync(int process, string pipes, HttpClient client, string url)
    {
        var pipe = new UnixDomainSocketEndPoint(Directory.GetFiles(pipes, string.Create(CultureInfo.InvariantCulture, $"dotnet-diagnostic-{process}-*-socket")).Single());
        using var limit = new CancellationTokenSource(s_patience);
        var before = await FullCollectionsAsync(client, url, limit.Token);
        using var session = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await session.ConnectAsync(pipe, limit.Token);
        var id = await AskAsync(session, CollectTracing, Request(), limit.Token);
        var events = DrainAsync(session, limit.Token);
        while (await FullCollectionsAsync(client, url, limit.Token) == before)
        {
            await Task.Delay(50, limit.Token);
        }

        using (var end = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await end.ConnectAsync(pipe, limit.Token);
            await AskAsync(end, StopTracing, id, limit.Token);
        }

        await events;
        return (await SumAsync(client, url, "dotnet_gc_last_collection_heap_size_bytes{", limit.Token) - await SumAsync(client, url, "dotnet_gc_last_collection_heap_fragmentation_size_bytes{", limit.Token)) / (1 << 20);
    }

    private static async Task<double> FullCollectionsAsync(HttpClient client, string url, CancellationToken cancellationToken) => await SumAsync(client, url, "dotnet_gc_collections_total{", cancellationToken, "gen2");

    private static async Task<double> SumAsync(HttpClient client, string url, string metric, CancellationToken cancellationToken, string label = "") =>
        (await client.GetStringAsync(new Uri(url + "/metrics"), cancellationToken)).Split('\n')
            .Where(l => l.StartsWith(metric, StringComparison.Ordinal) && l.Contains(label, StringComparison.Ordinal))
            .Sum(l => double.Parse(l.Split("} ")[1].Split(' ')[0], CultureInfo.InvariantCulture));

    /// <summary>A megabyte of buffer, in the newer format, without what was loaded before; one provider, at the level of information.</summary>
    private static byte[] Request()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes, Encoding.Unicode);
        var name = "Microsoft-Windows-DotNETRuntime\0";
        writer.Write(1);
        writer.Write(1);
        writer.Write(false);
        writer.Write(1);
        writer.Write(Collects);
        writer.Write(4);
        writer.Write(name.Length);
        writer.Write(Encoding.Unicode.GetBytes(name));
        writer.Write(0);
        return bytes.ToArray();
    }

    /// <returns>What is answered.</returns>
    private static async Task<byte[]> AskAsync(Socket socket, byte command, byte[] said, CancellationToken cancellationToken)
    {
        var message = new byte[HeadBytes + said.Length];
        "DOTNET_IPC_V1\0"u8.CopyTo(message);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(14), (ushort)message.Length);
        (message[16], message[17]) = (EventPipe, command);
        said.CopyTo(message, HeadBytes);
        await socket.SendAsync(message, cancellationToken);
        var head = await ReadAsync(socket, HeadBytes, cancellationToken);
        var answer = await ReadAsync(socket, BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(14)) - HeadBytes, cancellationToken);
        head[17].ShouldBe(Ok, Convert.ToHexString(answer));
        return answer;
    }

    private static async Task<byte[]> ReadAsync(Socket socket, int length, CancellationToken cancellationToken)
    {
        var bytes = new byte[length];
        await using var stream = new NetworkStream(socket);
        await stream.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }

    private static async Task DrainAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[1 << 16];
        while (await socket.ReceiveAsync(buffer, cancellationToken) > 0)
        {
            // The events themselves say nothing that is needed.
        }
    }
}
