// Sends chat requests of 1,000 users at a constant rate, whatever becomes of them, and prints latencies. usage: PacedLoad URL RATE CONNECTIONS SECONDS [soak | feedback]
// HEADERS in the environment: more headers, "name: value" separated by "|".
//
// Each connection has its own beat, RATE / CONNECTIONS a second. A latency counts from when the request was due if its connection was still busy then, so that a
// server that stalls is not measured by the requests it was spared; else from when it was sent, so that the timer of this machine is not measured.
// After each minute, or at the end of a shorter run: LINE minute requests failed p50_ms p99_ms.
// soak: every 100th request fails at the chosen upstream (the mock does so where the text says so), and every 20th answer gets a word of feedback.
// feedback: words of feedback in the place of chats, of 10,000 users, each on a decision of its own that was taken before the clock starts. RATE 0: each connection sends the next
// word as soon as the last is acknowledged.
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

const int MostFeedback = 25_000; // a second: more than two cores acknowledge over HTTP

var url = new Uri(args[0]);
var (rate, connections, seconds, isSoak) = (double.Parse(args[1], CultureInfo.InvariantCulture), int.Parse(args[2], CultureInfo.InvariantCulture), int.Parse(args[3], CultureInfo.InvariantCulture), args is [_, _, _, _, "soak"]);
var isFeedback = args is [_, _, _, _, "feedback"];
var headers = string.Concat((Environment.GetEnvironmentVariable("HEADERS") ?? "").Split('|', StringSplitOptions.RemoveEmptyEntries).Select(h => h + "\r\n"));
var gate = new Lock();
var receipts = isFeedback ? await DecideAsync((int)((rate > 0 ? rate : MostFeedback) * seconds) + connections) : [];
GC.Collect(); // of what the decisions left: in the run it would be the load's pauses that are measured
var (latencies, failed, minute) = (new List<double>(1 << 16), 0, 0);
var (start, beat) = (Stopwatch.GetTimestamp(), rate > 0 ? connections / rate : 0);
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
        var due = rate > 0 ? (n * beat) + (index / rate) : Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (Math.Max(due, Stopwatch.GetElapsedTime(start).TotalSeconds) >= seconds || (isFeedback && (n * connections) + index >= receipts.Length))
        {
            client?.Dispose();
            return;
        }

        var wait = TimeSpan.FromSeconds(due) - Stopwatch.GetElapsedTime(start);
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait);
        }

        var sent = rate > 0 && free > due ? due : Stopwatch.GetElapsedTime(start).TotalSeconds;
        var number = (n * connections) + index;
        var isRight = false;
        try
        {
            client ??= await ConnectAsync();
            var (status, length) = isFeedback ? await CallAsync(client, "/v1/router/feedback", Word(number), buffer) : await CallAsync(client, "/v1/chat/completions", Chat(number), buffer);
            isRight = status == 200 && (!isFeedback || buffer.AsSpan(0, length).IndexOf("\"counted\":true"u8) >= 0);
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

// Decisions as fast as they come, for words on them.
async Task<string[]> DecideAsync(int count)
{
    var (found, next) = (new string[count], -1);
    await Task.WhenAll(Enumerable.Range(0, connections).Select(async _ =>
    {
        using var client = await ConnectAsync();
        for (var buffer = new byte[64 * 1024]; Interlocked.Increment(ref next) is var i && i < count;)
        {
            var (status, length) = await CallAsync(client, "/v1/router/route", $$"""{"user":"bench-{{i % 10_000}}","input":"What is the capital of Mongolia?"}""", buffer);
            found[i] = status == 200 ? Between(buffer.AsSpan(0, length), "\"receipt\":\""u8, (byte)'"')! : throw new InvalidDataException($"A decision was refused with status {status}.");
        }
    }));
    return found;
}

string Word(int number) => $$"""{"receipt":"{{receipts[number]}}","user":"bench-{{number % 10_000}}","kind":"thumb","value":"{{(number % 3 == 0 ? "down" : "up")}}"}""";

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
    await stream.WriteAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: {url.Authority}\r\nContent-Type: application/json\r\n{headers}Content-Length: {body.Length}\r\n\r\n{body}"));
    for (var length = 0; ;)
    {
        var read = await stream.ReadAsync(buffer.AsMemory(length));
        length += read > 0 ? read : throw new IOException("The connection was closed.");
        var end = buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8);
        if (end >= 0)
        {
            var answer = buffer.AsSpan(0, end + 2);
            var isWhole = (Header(answer, "Content-Length: "u8) ?? Header(answer, "content-length: "u8)) is { } told ? length >= end + 4 + int.Parse(told, CultureInfo.InvariantCulture) : buffer.AsSpan(0, length).EndsWith("\r\n0\r\n\r\n"u8); // chunked
            if (isWhole)
            {
                return (int.Parse(buffer.AsSpan(9, 3), CultureInfo.InvariantCulture), length);
            }
        }
    }
}

static string? Header(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> name) => Between(answer, name, (byte)'\r');

static string? Between(ReadOnlySpan<byte> answer, ReadOnlySpan<byte> before, byte after)
{
    var at = answer.IndexOf(before);
    return at < 0 ? null : Encoding.ASCII.GetString(answer[(at + before.Length)..(at + before.Length + answer[(at + before.Length)..].IndexOf(after))]);
}
