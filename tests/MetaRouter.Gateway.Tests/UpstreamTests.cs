using System.ClientModel;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using OpenAI;
using OpenAI.Embeddings;

namespace MetaRouter.Gateway.Tests;

/// <summary>Headers, bodies, paths and embeddings on their way to an upstream and back.</summary>
public sealed class UpstreamTests : ThreeUpstreams
{
    /// <summary>Where the connection is reset as it is made, .NET has another exception for it.</summary>
    [Fact]
    public async Task Upstream_ThatResetsEachConnectionAtOnce_FailsAsAnUpstream()
    {
        using var upstream = new ResettingServer();
        await using var gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", upstream.Url, "--Gateway:CircuitFailures", "1000");
        for (var i = 0; i < 500; i++)
        {
            (await gateway.PostAsync(Chat, Body(Weak))).ShouldFail(502, "upstream_failed", Weak);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RateLimitHeader_ThatIsNoPlainText_IsLeftOut_AndTheAnswerIsNot(bool streams)
    {
        using var upstream = new TcpListener(System.Net.IPAddress.Loopback, 0); // no server of ours would send it
        upstream.Start();
        await using var gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", $"http://{upstream.LocalEndpoint}/v1");
        var asked = gateway.Client.PostAsync(Chat, new StringContent(Body(Weak, stream: streams)));
        using var socket = await upstream.AcceptSocketAsync();
        await socket.ReceiveAsync(new byte[10_000]);
        const string chunk = "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}";
        var body = streams ? $"data: {chunk}\n\ndata: [DONE]\n\n" : chunk;
        await socket.SendAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: {(streams ? "text/event-stream" : "application/json")}\r\nx-ratelimit-note: \u00e9\u0001\r\nx-ratelimit-left: 7\r\nContent-Length: {body.Length}\r\n\r\n{body}"));

        using var answer = await asked;

        ((int)answer.StatusCode).ShouldBe(200);
        answer.Headers.GetValues("x-ratelimit-left").ShouldBe(["7"]);
        answer.Headers.Contains("x-ratelimit-note").ShouldBeFalse();
    }

    [Fact]
    public async Task RateLimitHeaders_OfTheUpstream_AreHandedOn()
    {
        _of[Strong].Script = (context, _) =>
        {
            context.Response.Headers["x-ratelimit-remaining-requests"] = "7";
            context.Response.Headers["openai-organization"] = "internal";
            return Task.FromResult(false);
        };

        var answer = await _gateway.PostAsync(Chat, Body(Strong));

        answer.Headers["x-ratelimit-remaining-requests"].ShouldBe("7");
        answer.Headers.ShouldNotContainKey("openai-organization");
    }

    [Fact]
    public async Task Embeddings_OpenAiClient_GetsTheUpstreamsVectors()
    {
        var client = new EmbeddingClient("embedder", new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(_gateway.Client.BaseAddress!, "/v1") });
        using var content = BinaryContent.Create(BinaryData.FromString("""{"model":"embedder","input":["a","b"]}"""));
        var raw = await client.GenerateEmbeddingsAsync(content, null);

        var vectors = await client.GenerateEmbeddingsAsync(["a", "b"], new EmbeddingGenerationOptions());

        ((string)JsonNode.Parse(raw.GetRawResponse().Content)!["model"]!).ShouldBe("embedder");
        vectors.Value.Select(v => v.ToFloats().ToArray()).ShouldBe([[0.25f, -1], [0.5f, 1]]);
        ((string)_of["embedder"].Bodies.First()["model"]!).ShouldBe("inner-embedder");
        (await _gateway.PostAsync("/v1/embeddings", """{"model":"gpt-9","input":"a"}""")).ShouldFail(404, "model_not_found", "'gpt-9'", "embedder");
        (await _gateway.PostAsync("/v1/embeddings", """{"model":"embedder"}""")).ShouldFail(400, "missing_field", "'input'");
    }

    /// <summary>Clients fill their choice of embedding models from the list, and look a model up before they use it.</summary>
    [Fact]
    public async Task Embeddings_Model_IsListedAndIsNotForChats()
    {
        var found = await _gateway.GetAsync("/v1/models/embedder");

        found.Status.ShouldBe(200, found.Text);
        ((double)found.Body["input_price_usd_per_million"]!, (string)found.Body["description"]!).ShouldBe((0.1, "makes embeddings (POST /v1/embeddings), and is never routed to"));
        var listed = (await _gateway.GetAsync("/v1/models")).Body["data"]!.AsArray();
        listed.Select(m => (string)m!["id"]!).TakeLast(4).ShouldBe([Strong, Weak, Middle, "embedder"]);
        JsonNode.DeepEquals(listed[^1], found.Body).ShouldBeTrue(found.Text);
        foreach (var (path, body) in ((string, string)[])[(Chat, """{"model":"embedder","messages":[{"role":"user","content":"hi"}]}"""), ("/v1/responses", """{"model":"embedder","input":"hi"}"""), ("/v1/responses/input_tokens", """{"model":"embedder","input":"hi"}""")])
        {
            (await _gateway.PostAsync(path, body)).ShouldFail(404, "model_not_found", "'embedder' makes embeddings", "/v1/embeddings");
        }
    }

    /// <summary>Files that were written on Windows begin with one.</summary>
    [Theory]
    [InlineData(Chat, """{"model":"auto","messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("/v1/messages", """{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}""")]
    public async Task Body_WithAByteOrderMark_IsReadWithoutIt(string path, string body)
    {
        using var answer = await _gateway.Client.PostAsync(path, new ByteArrayContent([.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(body)]));

        ((int)answer.StatusCode).ShouldBe(200, await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Body_ThatIsCompressed_IsRefusedAsThat()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new ByteArrayContent([0x1F, 0x8B, 8, 0]) };
        request.Content.Headers.ContentEncoding.Add("gzip");
        using var answer = await _gateway.Client.SendAsync(request);

        ((int)answer.StatusCode, (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["error"]!["code"]!).ShouldBe((415, "unsupported_encoding"));
    }

    /// <summary>Some clients append the version to their base URL, others want it there.</summary>
    [Theory]
    [InlineData("/chat/completions", "there is /v1/chat/completions", "end in /v1")]
    [InlineData("/v1/v1/messages", "there is /v1/messages", "leave /v1 out")]
    [InlineData("/v1/v1/chat/completions", "there is /v1/chat/completions", "leave /v1 out")]
    public async Task Path_WithTheVersionLeftOutOrTwice_IsToldWithTheRemedy(string path, params string[] told) => (await _gateway.PostAsync(path, "{}")).ShouldFail(404, "unknown_url", told);
}
