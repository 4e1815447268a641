using System.IO.Compression;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Gateway.Tests;

/// <summary>What no server of ours would send: whatever comes over the connection, a client is told that the upstream failed, or gets its answer.</summary>
public sealed class OddUpstreamTests : IDisposable
{
    private const string Model = "gpt-4o-2024-05-13", Choice = """{"id":"x","model":"m","choices":[{"index":0,"message":{"content":"Hm"},"delta":{"content":"Hm"},"finish_reason":"stop"}]}""";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public OddUpstreamTests() => _listener.Start();

    public void Dispose() => _listener.Dispose();

    /// <summary>Found by fuzzing: .NET has an exception of another kind for each way of packing.</summary>
    [Theory]
    [InlineData("gzip", false)]
    [InlineData("deflate", false)]
    [InlineData("br", false)]
    [InlineData("gzip", true)]
    [InlineData("br", true)]
    public async Task Body_ThatIsPackedBadly_FailsAsAnUpstream(string encoding, bool streams)
    {
        using var packed = new MemoryStream();
        await using (Stream to = encoding switch { "gzip" => new GZipStream(packed, CompressionLevel.Fastest, true), "br" => new BrotliStream(packed, CompressionLevel.Fastest, true), _ => new ZLibStream(packed, CompressionLevel.Fastest, true) })
        {
            to.Write(Encoding.UTF8.GetBytes(Choice));
        }

        var bad = packed.ToArray();
        bad.AsSpan(bad.Length / 3).Fill(0xFF);
        Serve($"HTTP/1.1 200 OK\r\nContent-Type: {(streams ? "text/event-stream" : "application/json")}\r\nContent-Encoding: {encoding}\r\nConnection: close\r\n\r\n", bad);

        await ShouldFailAsync("http", streams);
    }

    /// <summary>Found by fuzzing, as the next two: half of a surrogate pair in a name cannot be compared.</summary>
    [Theory]
    [InlineData("/v1/chat/completions", 400)]
    [InlineData("/v1/messages", 400)]
    [InlineData("/v1/chat/completions", 403)]
    public async Task Refusal_WithAHalfCharacterInAName_IsHandedOn(string path, int status)
    {
        Serve($"HTTP/1.1 {status} No\r\nConnection: close\r\n\r\n", """{"error":{"\ud800":1,"message":"Not this.","code":"content_filter"}}"""u8.ToArray());
        await using var gateway = await StartAsync("http");

        using var answer = await gateway.Client.PostAsync(path, new StringContent(Asked(path, streams: false)));

        ((int)answer.StatusCode).ShouldBe(status);
        (await answer.Content.ReadAsStringAsync()).ShouldContain("Not this.");
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData("/v1/chat/completions", false)]
    [InlineData("/v1/chat/completions", true)]
    [InlineData("/v1/responses", false)]
    [InlineData("/v1/responses", true)]
    [InlineData("/v1/messages", false)]
    [InlineData("/v1/messages", true)]
    public async Task Answer_WithHalfACharacterInNames_IsReadPastThem(string path, bool streams)
    {
        var odd = Choice.Replace("\"id\":\"x\",", "\"\\ud800\":1,", StringComparison.Ordinal).Replace("\"index\":0", "\"index\":0,\"\\ud800\":1", StringComparison.Ordinal).Replace("}]}", "}],\"usage\":{\"\\ud800\":1}}", StringComparison.Ordinal);
        Serve($"HTTP/1.1 200 OK\r\nContent-Type: {(streams ? "text/event-stream" : "application/json")}\r\nConnection: close\r\n\r\n", Encoding.UTF8.GetBytes(streams ? $"data: {odd}\n\ndata: [DONE]\n\n" : odd));
        await using var gateway = await StartAsync("http");

        using var answer = await gateway.Client.PostAsync(path, new StringContent(Asked(path, streams)));
        var text = await answer.Content.ReadAsStringAsync();

        ((int)answer.StatusCode).ShouldBe(200, text);
        text.ShouldContain("\"Hm\"");
        text.ShouldContain($"\"model\":\"{Model}\"");
    }

    [Theory]
    [InlineData("/v1/responses")]
    [InlineData("/v1/messages")]
    public async Task ArgumentsThatAreAnObject_WithHalfACharacter_AreReadPastIt(string path)
    {
        Serve("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", [.. """{"id":"x","model":"m","choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"f","arguments":{"city":"Os"""u8, 0xE2, 0x82, .. "\"}}}]},\"finish_reason\":\"tool_calls\"}]}"u8]);
        await using var gateway = await StartAsync("http");

        var answer = await gateway.PostAsync(path, Asked(path, streams: false));

        answer.Status.ShouldBe(200, answer.Text);
        answer.Text.ShouldContain("Os\ufffd");
    }

    [Theory]
    [InlineData("/v1/responses")]
    [InlineData("/v1/messages")]
    public async Task PartsOfWhichOneHasHalfACharacterForAType_AreReadPastIt(string path)
    {
        Serve("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", [.. """{"id":"x","model":"m","choices":[{"message":{"content":[{"type":"\ud800","text":"no"},{"type":"text","text":"Hm"}]},"finish_reason":"stop"}]}"""u8]);
        await using var gateway = await StartAsync("http");

        var answer = await gateway.PostAsync(path, Asked(path, streams: false));

        answer.Status.ShouldBe(200, answer.Text);
        answer.Text.ShouldContain("\"Hm\"");
    }

    [Fact]
    public async Task Stream_FailsInTheMiddle_WithAHalfCharacterInAName_IsToldToBeBroken()
    {
        Serve("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n", Encoding.UTF8.GetBytes($"data: {Choice.Replace("\"stop\"", "null", StringComparison.Ordinal)}\n\ndata: {"""{"error":{"message":"Overloaded.","\ud800 and more":1}}"""}\n\n"));
        await using var gateway = await StartAsync("http");

        var events = await gateway.StreamAsync("/v1/messages", Asked("/v1/messages", streams: false));

        ((string)events[^1]["error"]!["message"]!).ShouldBe("Overloaded.");
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    /// <summary>Servers in .NET write one where their author asks for UTF-8 by its usual name; clients of OpenAI read past it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_WithAByteOrderMark_IsReadWithoutIt(bool streams)
    {
        Serve($"HTTP/1.1 200 OK\r\nContent-Type: {(streams ? "text/event-stream" : "application/json")}\r\nConnection: close\r\n\r\n", Encoding.UTF8.GetBytes('\ufeff' + (streams ? $"data: {Choice}\n\ndata: [DONE]\n\n" : Choice)));
        await using var gateway = await StartAsync("http");

        using var answer = await gateway.Client.PostAsync("/v1/chat/completions", new StringContent(Asked("/v1/chat/completions", streams)));
        var text = await answer.Content.ReadAsStringAsync();

        ((int)answer.StatusCode).ShouldBe(200, text);
        text.ShouldContain("\"Hm\"");
    }

    [Theory]
    [InlineData("")]
    [InlineData("\u0000\u0001\u0002")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n{}\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: text/html;charset=none\r\n\r\n<html>")]
    [InlineData("HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Domain=\u0001\r\n\u0001: x\r\n\r\n{")]
    public async Task Bytes_ThatAreNoAnswer_FailAsAnUpstream(string sent)
    {
        Serve(sent, []);
        await ShouldFailAsync("http", streams: false);
        await ShouldFailAsync("http", streams: true);
    }

    [Theory]
    [InlineData("not trusted")]
    [InlineData("no TLS")]
    [InlineData("closed at once")]
    [InlineData("an alert")]
    public async Task Tls_ThatComesToNothing_FailsAsAnUpstream(string how)
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        _ = AcceptAsync(async socket =>
        {
            await using var stream = new NetworkStream(socket);
            switch (how)
            {
                case "not trusted":
                    await using (var tls = new SslStream(stream))
                    {
                        await tls.AuthenticateAsServerAsync(certificate);
                    }

                    break;
                case "no TLS":
                    await stream.WriteAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
                    await socket.ReceiveAsync(new byte[4096]);
                    break;
                case "an alert":
                    await socket.ReceiveAsync(new byte[4096]);
                    await stream.WriteAsync(new byte[] { 21, 3, 3, 0, 2, 2, 40 });
                    break;
            }
        });

        await ShouldFailAsync("https", streams: false);
    }

    /// <summary>Found by fuzzing: "data" without a colon is a line of data, too, so that this event says "\n[DONE]", which ends no stream; and the other says the choice.</summary>
    [Theory]
    [InlineData("data\n {\"id\":1,\ndata: [DONE]", false)]
    [InlineData("data: [DONE]\ndata", false)]
    [InlineData("data: [DONE]", true)]
    public async Task Stream_WhoseEndIsNone_IsToldAsBrokenOff(string end, bool isWhole)
    {
        var begun = Choice.Replace("\"stop\"", "null", StringComparison.Ordinal);
        Serve("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n", Encoding.UTF8.GetBytes($"data\ndata: {begun}\n\n{end}\n\n"));
        await using var gateway = await StartAsync("http");

        var told = await gateway.TextAsync("/v1/chat/completions", Asked("/v1/chat/completions", streams: true));

        told.ShouldContain("\"Hm\"");
        told.Contains("upstream_broke_off", StringComparison.Ordinal).ShouldBe(!isWhole, told);
    }

    private static string Asked(string path, bool streams)
    {
        var asked = new JsonObject { ["model"] = Model, ["stream"] = streams };
        (asked[path == "/v1/responses" ? "input" : "messages"], asked["max_tokens"]) = (path == "/v1/responses" ? "Hm?" : new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "Hm?" }), 9);
        asked.Remove(path == "/v1/responses" ? "max_tokens" : "");
        asked.Remove(streams ? "" : "stream");
        return asked.ToJsonString();
    }

    private Task<RunningGateway> StartAsync(string scheme) => RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", $"{scheme}://{_listener.LocalEndpoint}/v1", "--Gateway:CircuitFailures", "1000");

    private async Task ShouldFailAsync(string scheme, bool streams)
    {
        await using var gateway = await StartAsync(scheme);

        var answer = await gateway.PostAsync("/v1/chat/completions", Asked("/v1/chat/completions", streams));

        answer.ShouldFail(502, "upstream_failed", Model);
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    private void Serve(string head, byte[] body) => _ = AcceptAsync(async socket =>
    {
        await socket.ReceiveAsync(new byte[16_384]);
        await socket.SendAsync((byte[])[.. Encoding.UTF8.GetBytes(head), .. body]);
        socket.Shutdown(SocketShutdown.Send);
        await socket.ReceiveAsync(new byte[1]);
    });

    private async Task AcceptAsync(Func<Socket, Task> answer)
    {
        while (true)
        {
            using var socket = await _listener.AcceptSocketAsync();
            try
            {
                await answer(socket);
            }
            catch (Exception e) when (e is IOException or SocketException or System.Security.Authentication.AuthenticationException)
            {
                // The gateway went away.
            }
        }
    }
}
