using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Faults;

internal enum Manner
{
    /// <summary>Says back the last message, word by word.</summary>
    Well,
    Hangs,
    ResetsInTheMiddle,
    SaysGarbage,
    Says429,

    /// <summary>A megabyte for every question.</summary>
    Floods,
}

/// <summary>A real server in the place of a model's.</summary>
internal sealed class BadUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;

    private BadUpstream(WebApplication app) => _app = app;

    public Manner Manner { get; set; }

    public string Url => _app.Urls.Single() + "/v1";

    /// <summary>The answer a question should get.</summary>
    public static string AnswerTo(string question) => $"You said: {question} and that is all";

    public static async Task<BadUpstream> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var upstream = new BadUpstream(builder.Build());
        upstream._app.Run(upstream.AnswerAsync);
        await upstream._app.StartAsync();
        return upstream;
    }

    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
    }

    private static string Event(JsonObject delta, string? finish) =>
        $"data: {new JsonObject { ["id"] = "up", ["object"] = "chat.completion.chunk", ["created"] = 1, ["model"] = "up", ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = finish }) }.ToJsonString()}\n\n";

    private async Task AnswerAsync(HttpContext context)
    {
        var asked = (await JsonNode.ParseAsync(context.Request.Body))!;
        var words = AnswerTo((string)asked["messages"]!.AsArray()[^1]!["content"]!).Split(' ');
        var (manner, response) = (Manner, context.Response);
        switch (manner)
        {
            case Manner.Hangs:
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                return;
            case Manner.Says429:
                response.StatusCode = 429;
                response.Headers.RetryAfter = "1";
                await response.WriteAsync("""{"error":{"message":"slow down","type":"rate_limit_error","param":null,"code":null}}""");
                return;
            case Manner.SaysGarbage:
                response.ContentType = "text/event-stream";
                var garbage = new byte[4096];
                new Random(words.Length).NextBytes(garbage);
                await response.Body.WriteAsync(garbage);
                return;
        }

        response.ContentType = "text/event-stream";
        for (var i = 0; i < words.Length; i++)
        {
            await response.WriteAsync(Event(new JsonObject { ["content"] = i == 0 ? words[i] : " " + words[i] }, null));
            if (manner == Manner.ResetsInTheMiddle && i == words.Length / 2)
            {
                await response.Body.FlushAsync();
                await Task.Delay(20);
                context.Abort();
                return;
            }
        }

        for (var i = 0; manner == Manner.Floods && i < 1000 && !context.RequestAborted.IsCancellationRequested; i++)
        {
            await response.WriteAsync(Event(new JsonObject { ["content"] = new string('x', 1000) }, null));
        }

        await response.WriteAsync(Event([], "stop"));
        await response.WriteAsync("data: [DONE]\n\n");
    }
}
