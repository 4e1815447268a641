// Sends chat requests of 1,000 users at a constant rate, whatever becomes of them, and prints latencies. usage: PacedLoad URL RATE CONNECTIONS SECONDS [soak]
//
// Each connection has its own beat, RATE / CONNECTIONS a second. A latency counts from when the request was due if its connection was still busy then, so that a
// server that stalls is not measured by the requests it was spared; else from when it was sent, so that the timer of this machine is not measured.
// After each minute, or at the end of a shorter run: LINE minute requests failed p50_ms p99_ms.
// soak: every 100th request fails at the chosen upstream (the mock does so where the text says so), and every 20th answer gets a word of feedback.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

var url = new Uri(args[0]);
var (rate, connections, seconds, isSoak) = (double.Parse(args[1], CultureInfo.InvariantCulture), int.Parse(args[2], CultureInfo.InvariantCulture), int.Parse(args[3], CultureInfo.InvariantCulture), args.Length > 4);
var gate = new Lock();
var (latencies, failed, minute) = (new List<double>(), 0, 0);
var (start, beat) = (Stopwatch.GetTimestamp(), connections / rate);
var workers = Enumerable.Range(0, connections).Select(WorkAsync).ToArray();
var perLine = Math.Min(60, seconds);
for (var end = perLine; end <= seconds; end += perLine)
{
    await Task.Delay(TimeSpan.FromSeconds(end) - Stopwatch.GetElapsedTime(start));
    double[] all;
    int bad;
    lock (gate)
    {
        (all, bad) = ([.. latencies], failed);
        (latencies, failed) = (new List<double>(latencies.Count), 0);
    }

    Array.Sort(all);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"LINE {++minute} {all.Length} {bad} {At(all, 0.5):0.000} {At(all, 0.99):0.000}"));
}

await Task.WhenAll(workers).WaitAsync(TimeSpan.FromSeconds(30));

static double At(double[] sorted, double p) => sorted.Length == 0 ? double.NaN : sorted[(int)(p * (sorted.Length - 1))] * 1000;

async Task WorkAsync(int index)
{
    await Task.Yield();
    var (client, buffer, free) = (default(TcpClient?), new byte[64 * 1024], 0.0);
    for (var n = 0; ; n++)
    {
        var due = (n * beat) + (index / rate);
        if (due >= seconds)
        {
            client?.Dispose();
            return;
        }

        var wait = TimeSpan.FromSeconds(due) - Stopwatch.GetElapsedTime(start);
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait);
        }

        var sent = free > due ? due : Stopwatch.GetElapsedTime(start).TotalSeconds;
        var number = (n * connections) + index;
        var isRight = false;
        try
        {
            client ??= await ConnectAsync();
            var (status, length) = await CallAsync(client, "/v1/chat/completions", Chat(number), buffer);
            isRight = status == 200;
            free = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (isSoak && isRight && number % 20 == 0 && Header(buffer.AsSpan(0, length), "x-router-decision: "u8) is { } receipt)
            {
                await CallAsync(client, "/v1/router/feedback", $$"""{"receipt":"{{receipt}}","user":"user-{{number % 1000}}","kind":"thumb","value":"{{(number % 3 == 0 ? "down" : "up")}}"}""", buffer);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidDataException)
        {
            client?.Dispose();
            (client, free) = (null, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        lock (gate)
        {
            latencies.Add(free - sent);
            failed += isRight ? 0 : 1;
        }
    }
}

string Chat(int number) =>
    $$"""{"model":"auto","user":"user-{{number % 1000}}","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"{{(isSoak && number % 100 == 99 ? "fail now and then: " : "")}}What is the capital of Mongolia, and how many people live there?"}]}""";

async Task<TcpClient> ConnectAsync()
{
    var client = new TcpClient { NoDelay = true };
    await client.ConnectAsync(IPAddress.Parse(url.Host), url.Port);
    return client;
}

async Task<(int Status, int Length)> CallAsync(TcpClient client, string path, string body, byte[] buffer)
{
    var stream = client.GetStream();
    await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: {url.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
    for (var length = 0; ;)
    {
        var read = await stream.ReadAsync(buffer.AsMemory(length));
        length += read > 0 ? read : throw new IOException("The connection was closed.");
        var end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
        if (end >= 0)
        {
            var whole = end + 4 + int.Parse(Header(buffer.AsSpan(0, length), "Content-Length: "u8) ?? throw new InvalidDataException("The answer has no length."), CultureInfo.InvariantCulture);
            if (length >= whole)
            {
                return (int.Parse(buffer.AsSpan(9, 3), CultureInfo.InvariantCulture), length);
            }
        }
    }
}

static string? Header(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> name)
{
    var at = answer.IndexOf(name);
    return at < 0 ? null : Encoding.ASCII.GetString(answer[(at + name.Length)..(at + answer[at..].IndexOf((byte)'\r'))]);
}
