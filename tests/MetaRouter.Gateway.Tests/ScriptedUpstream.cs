using System.Collections.Concurrent;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Gateway.Tests;

/// <summary>A real server in the place of a model's. It answers as OpenAI's does, or at its path as Anthropic's, and misbehaves when told to.</summary>
public sealed class ScriptedUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _name;
    private int _calls, _aborted;

    private ScriptedUpstream(WebApplication app, string name) => (_app, _name) = (app, name);

    public string Url => _app.Urls.Single() + "/v1";

    public int Port => new Uri(Url).Port;

    /// <summary>Requests that arrived.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Callers that went away before their answer was done.</summary>
    public int Aborted => Volatile.Read(ref _aborted);

    public ConcurrentQueue<JsonObject> Bodies { get; } = [];

    /// <summary>The last request: its path, its headers and its body as it came.</summary>
    public (string Path, Dictionary<string, string> Headers, string Text) Asked { get; private set; }

    /// <summary>Runs in place of the usual answer; true when it has answered.</summary>
    public Func<HttpContext, JsonObject, Task<bool>> Script { get; set; } = (_, _) => Task.FromResult(false);

    /// <summary>Calls a tool, with an object in the place of its text.</summary>
    public static async Task<bool> CallWithAnObject(HttpContext context, JsonObject body)
    {
        var streams = (bool?)body["stream"] == true;
        context.Response.ContentType = streams ? "text/event-stream" : "application/json";
        var answer = $$$"""{"id":"x","model":"m","choices":[{"index":0,"{{{(streams ? "delta" : "message")}}}":{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":{"a":1} } }] },"finish_reason":"tool_calls"}]}""";
        await context.Response.WriteAsync(streams ? $"data: {answer}\n\ndata: [DONE]\n\n" : answer);
        return true;
    }

    public static async Task<ScriptedUpstream> StartAsync(string name = "up", int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, port));
        var upstream = new ScriptedUpstream(builder.Build(), name);
        upstream._app.Run(upstream.HandleAsync);
        await upstream._app.StartAsync();
        return upstream;
    }

    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
    }

    /// <summary>Answers with an error of the upstream's own.</summary>
    public static async Task<bool> FailAsync(HttpContext context, int status, string message = "no")
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsync(new JsonObject { ["error"] = new JsonObject { ["message"] = message, ["type"] = "server_error", ["param"] = null, ["code"] = null } }.ToJsonString());
        return true;
    }

    /// <summary>Answers with half of a character, as upstreams do that cut its bytes apart between two tokens.</summary>
    public static async Task<bool> HalfACharacterAsync(HttpContext context, bool streams)
    {
        context.Response.ContentType = streams ? "text/event-stream" : "application/json";
        byte[] choice = [.. Encoding.ASCII.GetBytes($$"""{"id":"x","model":"m","choices":[{"index":0,"{{(streams ? "delta" : "message")}}":{"content":"half \n"""), 0xE2, 0x82, .. "\"},\"finish_reason\":\"stop\"}]}"u8];
        await context.Response.Body.WriteAsync(streams ? [.. "data: "u8, .. choice, .. "\n\ndata: [DONE]\n\n"u8] : choice);
        return true;
    }

    /// <summary>Streams two tool calls: f with {"a":1} in two pieces, g with {}.</summary>
    /// <param name="first">How the first is numbered: a field with its comma, or nothing.</param>
    /// <param name="second">How the second is.</param>
    public static async Task<bool> TwoCallsAsync(HttpContext context, string first, string second)
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var call in (string[])[$$$$"""{{{{{first}}}}"id":"c1","function":{"name":"f","arguments":"{\"a\":"}}""", $$$$"""{{{{{first}}}}"id":"","function":{"arguments":"1}"}}""", $$$$"""{{{{{second}}}}"id":"c2","function":{"name":"g","arguments":"{}"}}"""])
        {
            await context.Response.WriteAsync($$$"""data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{{{call}}}]}}]}""" + "\n\n");
        }

        await context.Response.WriteAsync("data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n");
        return true;
    }

    /// <summary>Streams three tool calls, f with {"a":1}, g with {"b":2} and h with {}, the pieces of the first two mixed.</summary>
    public static async Task<bool> MixedCallsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var calls in (string[])["""{"index":0,"id":"c1","function":{"name":"f","arguments":""}}""", """{"index":1,"id":"c2","function":{"name":"g","arguments":""}}""", """{"index":0,"function":{"arguments":"{\"a\""}},{"index":1,"function":{"arguments":"{\"b\":"}}""", """{"index":0,"function":{"arguments":":1}"}}""", """{"index":2,"id":"c3","function":{"name":"h","arguments":"{}"}},{"index":1,"function":{"arguments":"2}"}}"""])
        {
            await context.Response.WriteAsync("data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[" + calls + "]}}]}\n\n");
        }

        await context.Response.WriteAsync("data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n");
        return true;
    }

    /// <summary>Writes one event of a stream and sees that it leaves.</summary>
    public async Task EventAsync(HttpContext context, string? text, string? finish = null)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.ContentType = "text/event-stream";
        }

        await context.Response.WriteAsync($"data: {Chunk(context, new JsonObject { ["index"] = 0, ["delta"] = text is null ? [] : new JsonObject { ["content"] = text }, ["finish_reason"] = finish }).ToJsonString()}\n\n");
        await context.Response.Body.FlushAsync();
    }

    private JsonObject Chunk(HttpContext context, JsonObject? choice) => new()
    {
        ["id"] = "up-" + _name,
        ["object"] = "chat.completion.chunk",
        ["created"] = 1,
        ["model"] = (string)((JsonObject)context.Items["body"]!)["model"]! + "-2026",
        ["choices"] = choice is null ? [] : new JsonArray(choice),
    };

    private async Task HandleAsync(HttpContext context)
    {
        Interlocked.Increment(ref _calls);
        context.RequestAborted.Register(() => Interlocked.Increment(ref _aborted));
        using var reader = new StreamReader(context.Request.Body);
        Asked = (context.Request.Path.Value!, context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), await reader.ReadToEndAsync());
        var body = JsonNode.Parse(Asked.Text)!.AsObject();
        context.Items["body"] = body;
        Bodies.Enqueue(body);
        if (await Script(context, body))
        {
            return;
        }

        if (context.Request.Path.Value!.EndsWith("/messages", StringComparison.Ordinal))
        {
            await ScriptedMessages.AnswerAsync(context, body, _name);
            return;
        }

        if (context.Request.Path.Value!.EndsWith("/embeddings", StringComparison.Ordinal))
        {
            var data = new JsonArray();
            foreach (var vector in (float[][])[[0.25f, -1], [0.5f, 1]])
            {
                JsonNode shown = (string?)body["encoding_format"] == "base64" ? Convert.ToBase64String(MemoryMarshal.AsBytes<float>(vector)) : new JsonArray(vector[0], vector[1]);
                data.Add(new JsonObject { ["object"] = "embedding", ["index"] = data.Count, ["embedding"] = shown });
            }

            await context.Response.WriteAsync(new JsonObject { ["object"] = "list", ["data"] = data, ["model"] = "inner-embedder", ["usage"] = new JsonObject { ["prompt_tokens"] = 8, ["total_tokens"] = 8 } }.ToJsonString());
            return;
        }

        var asked = body["messages"]!.AsArray()[^1]!["content"] is JsonValue text ? (string)text! : "";
        if ((bool?)body["stream"] != true)
        {
            await context.Response.WriteAsync($$"""{"id":"up-{{_name}}","object":"chat.completion","created":1,"model":"{{(string)body["model"]!}}","choices":[{"index":0,"message":{"role":"assistant","content":"I am {{_name}}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100,"prompt_tokens_details":{"cached_tokens":600} } }""");
            return;
        }

        switch (asked)
        {
            case "break":
                await EventAsync(context, "half");
                await Task.Delay(200);
                context.Abort();
                return;
            case "endless":
                for (var i = 0; ; i++)
                {
                    await EventAsync(context, $"{i} ");
                    await Task.Delay(20, context.RequestAborted);
                }

            case "tools":
                context.Response.ContentType = "text/event-stream";
                foreach (var (name, arguments) in new[] { ("weather", ""), (null, "{\"city\":"), (null, "\"Oslo\"}") })
                {
                    var call = new JsonObject { ["index"] = 0, ["function"] = new JsonObject { ["arguments"] = arguments } };
                    if (name is not null)
                    {
                        (call["id"], call["type"], call["function"]!["name"]) = ("call_1", "function", name);
                    }

                    await context.Response.WriteAsync($"data: {Chunk(context, new JsonObject { ["index"] = 0, ["delta"] = new JsonObject { ["role"] = "assistant", ["tool_calls"] = new JsonArray(call) }, ["finish_reason"] = null }).ToJsonString()}\n\n");
                }

                await EventAsync(context, null, "tool_calls");
                break;
            default:
                await EventAsync(context, $"I am ");
                await EventAsync(context, _name);
                await EventAsync(context, null, "stop");
                if ((bool?)body["stream_options"]?["include_usage"] == true)
                {
                    var usage = Chunk(context, null);
                    usage["usage"] = JsonNode.Parse("""{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100,"prompt_tokens_details":{"cached_tokens":600}}""");
                    await context.Response.WriteAsync($"data: {usage.ToJsonString()}\n\n");
                }

                break;
        }

        await context.Response.WriteAsync("data: [DONE]\n\n");
    }
}
