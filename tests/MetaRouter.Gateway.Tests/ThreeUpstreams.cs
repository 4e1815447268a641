using System.ClientModel;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using OpenAI;
using OpenAI.Chat;

namespace MetaRouter.Gateway.Tests;

/// <summary>Tests of a gateway over three models on three servers, and one of embeddings.</summary>
public abstract class ThreeUpstreams : IAsyncLifetime
{
    private protected const string Chat = "/v1/chat/completions", Strong = "gpt-4o-2024-05-13", Weak = "mixtral-8x7b-instruct", Middle = "gemini-1.5-pro-002";
    private protected readonly Dictionary<string, ScriptedUpstream> _of = [];
    private protected RunningGateway _gateway = null!;

    /// <summary>Settings of the gateway beside those that all have.</summary>
    private protected virtual string[] More => [];

    public async Task InitializeAsync()
    {
        foreach (var model in (string[])[Strong, Weak, Middle, "embedder"])
        {
            _of[model] = await ScriptedUpstream.StartAsync(model);
        }

        _gateway = await RunningGateway.StartAsync(
        [
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15", "--MetaRouter:Models:0:CachedInputPrice", "2.5",
            "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "0.5", "--MetaRouter:Models:1:OutputPrice", "0.5",
            "--MetaRouter:Models:2:Id", Middle, "--MetaRouter:Models:2:InputPrice", "1.25", "--MetaRouter:Models:2:OutputPrice", "5",
            .. _of.SelectMany((u, i) => (string[])[$"--Upstreams:{i}:Model", u.Key, $"--Upstreams:{i}:BaseUrl", u.Value.Url, $"--Upstreams:{i}:TimeoutSeconds", "2", $"--Upstreams:{i}:IdleSeconds", "1"]),
            "--Upstreams:3:Embeddings", "true", "--Upstreams:3:UpstreamModel", "inner-embedder", "--Upstreams:3:EmbeddingPrice", "0.1",
            "--Gateway:CircuitFailures", "2", "--Gateway:CircuitSeconds", "30", .. More,
        ]);
    }

    public async Task DisposeAsync()
    {
        await _gateway.DisposeAsync();
        foreach (var upstream in _of.Values)
        {
            await upstream.DisposeAsync();
        }
    }

    private protected static bool Abort(HttpContext context)
    {
        context.Abort();
        return true;
    }

    private protected static string Body(string model, string content = "hello", bool stream = false) => $$"""{"model":"{{model}}","messages":[{"role":"user","content":"{{content}}"}]{{(stream ? ",\"stream\":true" : "")}}}""";

    private protected static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private protected ChatClient Client() => new("auto", new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(_gateway.Client.BaseAddress!, "/v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });

    private protected async Task<(List<JsonObject> Chunks, string Cost)> StreamAsync(string body, RunningGateway? gateway = null)
    {
        using var response = await (gateway ?? _gateway).Client.PostAsync(Chat, Json(body));
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, text);
        var chunks = SseParser.Create(new MemoryStream(Encoding.UTF8.GetBytes(text))).Enumerate().Select(e => e.Data).ToList();
        chunks[^1].ShouldBe("[DONE]");
        const string comment = ": x-router-cost-usd ";
        return ([.. chunks.SkipLast(1).Select(c => JsonNode.Parse(c)!.AsObject())], text.Split('\n').Single(l => l.StartsWith(comment, StringComparison.Ordinal))[comment.Length..]);
    }
}
