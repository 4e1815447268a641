using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Cli.Tests;

/// <summary>A real server of models on this machine: "large" adds as "What is A plus B?" asks, "small" always says 3, and "judge" gives a 10 to what agrees with the request and a 1 to what does not.</summary>
public sealed class ModelServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ModelServer(WebApplication app) => _app = app;

    public string Url => _app.Urls.Single() + "/v1";

    /// <summary>Every request for a completion, as it came.</summary>
    public ConcurrentQueue<JsonObject> Asked { get; } = [];

    /// <summary>Answers in place of the models; true when it did.</summary>
    public Func<HttpContext, JsonObject, Task<bool>> Script { get; set; } = (_, _) => Task.FromResult(false);

    public static async Task<ModelServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var server = new ModelServer(builder.Build());
        server._app.MapPost("/v1/chat/completions", server.AnswerAsync);
        await server._app.StartAsync();
        return server;
    }

    public int CallsOf(string model) => Asked.Count(b => (string?)b["model"] == model);

    public static async Task<bool> SayAsync(HttpContext context, string text, string finish = "stop")
    {
        await context.Response.WriteAsJsonAsync(new JsonObject
        {
            ["choices"] = new JsonArray(new JsonObject { ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text }, ["finish_reason"] = finish }),
            ["usage"] = new JsonObject { ["prompt_tokens"] = 10, ["completion_tokens"] = 20 },
        });
        return true;
    }

    public static async Task<bool> FailAsync(HttpContext context, int status, string message, string? retryAfter = null)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.RetryAfter = retryAfter;
        await context.Response.WriteAsJsonAsync(new JsonObject { ["error"] = new JsonObject { ["message"] = message } });
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var body = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        Asked.Enqueue(body);
        if (await Script(context, body))
        {
            return;
        }

        var text = (string)body["messages"]!.AsArray()[^1]!["content"]!;
        await SayAsync(context, (string?)body["model"] switch
        {
            "small" => "It is 3.",
            "judge" => text.Split("<answer>")[1].Contains($" {Sum(text)}.", StringComparison.Ordinal) ? "It is right.\nGrade: 10" : "It is wrong.\nGrade: 1",
            _ => $"It is {Sum(text)}.",
        });

        static int Sum(string text) => text.Split(' ', '?', '\n').Where(w => int.TryParse(w, out _)).Take(2).Sum(int.Parse);
    }
}
