using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace MetaRouter.Gateway.Tests;

/// <summary>A real server that keeps what it was sent and answers what it is told.</summary>
public sealed class EchoUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously), _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private EchoUpstream(WebApplication app) => _app = app;

    public string Url => _app.Urls.Single() + "/v1";

    public byte[] Body { get; private set; } = [];

    public string Authorization { get; private set; } = "";

    /// <summary>Path and query of the last request, and its headers.</summary>
    public (string Url, Dictionary<string, string> Headers) Asked { get; private set; }

    public int Status { get; set; } = 200;

    public string Answer { get; set; } = """{ "id" : "up-1", "object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi","extra_field":[1, 2]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100} }""";

    public TimeSpan Delay { get; set; }

    /// <summary>Ends when the first request is here.</summary>
    public Task Arrived => _arrived.Task;

    /// <summary>Ends when the first caller has gone away.</summary>
    public Task Aborted => _aborted.Task;

    public static async Task<EchoUpstream> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var upstream = new EchoUpstream(builder.Build());
        upstream._app.Run(upstream.HandleAsync);
        await upstream._app.StartAsync();
        return upstream;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        (Body, Authorization) = (body.ToArray(), context.Request.Headers.Authorization.ToString());
        Asked = (context.Request.Path + context.Request.QueryString.Value, context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase));
        _arrived.TrySetResult();
        context.RequestAborted.Register(() => _aborted.TrySetResult());
        await Task.Delay(Delay, context.RequestAborted);
        context.Response.StatusCode = Status;
        await context.Response.WriteAsync(Answer);
    }
}
