using MetaRouter.Gateway.Demo;
using Microsoft.Extensions.Configuration;
using MetaRouter.Gateway.Configuration;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Gateway.Tests;

/// <summary>A gateway on a free port over a store of its own, gone with the test.</summary>
public sealed class RunningGateway : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;

    private readonly KeptLog _log;

    private RunningGateway(WebApplication app, TemporaryFolder folder, MovableTime time, KeptLog log)
    {
        (App, _folder, Time, _log) = (app, folder, time, log);
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }

    public WebApplication App { get; }

    public HttpClient Client { get; }

    public MovableTime Time { get; }

    /// <summary>Everything that was logged so far.</summary>
    public IReadOnlyCollection<(LogLevel Level, string Text)> Log => _log.Lines;

    public static Task<RunningGateway> StartAsync(params string[] settings) => StartAsync(_ => { }, settings);

    public static async Task<RunningGateway> StartAsync(Action<IServiceCollection> replace, params string[] settings)
    {
        var (folder, time, log) = (new TemporaryFolder(), new MovableTime(), new KeptLog());
        string[] args = ["--urls", "http://127.0.0.1:0", .. settings.Contains("--MetaRouter:Store") ? [] : (string[])["--MetaRouter:Store", "sqlite:" + folder.File("users.db")], "--MetaRouter:ExplorationShare", "0", .. settings.Contains("--MetaRouter:Models:0:Id") || settings.Contains(DemoOptions.Switch) ? [] : EightModels(), .. settings];
        WebApplication? app = null;
        try
        {
            app = await GatewayApp.BuildAsync(args, services =>
            {
                services.AddSingleton<TimeProvider>(time);
                services.AddSingleton<ILoggerProvider>(log);
                replace(services);
            });
            await app.StartAsync();
            return new RunningGateway(app, folder, time, log);
        }
        catch
        {
            if (app is not null)
            {
                await app.DisposeAsync();
            }

            folder.Dispose();
            throw;
        }
    }

    /// <summary>The demo's models, for a gateway with an upstream too: without a list it would route among all of the snapshot's.</summary>
    private static IEnumerable<string> EightModels()
    {
        var configuration = new ConfigurationManager();
        DemoCatalog.AddWhereNothingIsConfigured(configuration);
        return configuration.AsEnumerable().Where(s => s.Value is not null).SelectMany(s => (string[])["--" + s.Key, s.Value!]);
    }

    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value).ShouldBeTrue();
        }

        using var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        response.Headers.Contains("x-request-id").ShouldBeTrue();
        return new Answer((int)response.StatusCode, JsonNode.Parse(text)!.AsObject(), response.Headers.ToDictionary(h => h.Key, h => string.Join(",", h.Value), StringComparer.OrdinalIgnoreCase), text);
    }

    public Task<Answer> PostAsync(string path, string body, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Post, path, body, headers);

    /// <summary>Asks for a stream of typed events, each of which tells its type in a line of its own as well.</summary>
    /// <returns>Their data; of a stream whose connection was cut, as many as came.</returns>
    public async Task<List<JsonObject>> StreamAsync(string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body.Insert(1, "\"stream\":true,")) };
        using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var (named, data) = (new List<string>(), new List<JsonObject>());
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                if (line.StartsWith("event: ", StringComparison.Ordinal))
                {
                    named.Add(line[7..]);
                }
                else if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    data.Add(JsonNode.Parse(line[6..])!.AsObject());
                }
            }
        }
        catch (Exception e) when (e is HttpIOException or IOException)
        {
            // It is cut where an answer broke off.
        }

        data.Select(d => (string)d["type"]!).ShouldBe(named);
        return data;
    }

    /// <summary>What comes of an answer that begins well; of one whose connection was cut, as much as came.</summary>
    public async Task<string> TextAsync(string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body) };
        using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        ((int)response.StatusCode).ShouldBe(200);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var text = new System.Text.StringBuilder();
        try
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                text.Append(line).Append('\n');
            }
        }
        catch (Exception e) when (e is HttpIOException or IOException)
        {
            // It is cut where an answer broke off.
        }

        return text.ToString();
    }

    public Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, null, headers);

    public async Task<Answer> RouteAsync(string user, bool compare = false, string input = "A chemist mixes 200 ml of 0.5 M HCl with 300 ml of 0.2 M NaOH. What is the pH of the mixture?")
    {
        var answer = await PostAsync("/v1/router/route", new JsonObject { ["user"] = user, ["input"] = input, ["compare"] = compare }.ToJsonString());
        answer.Status.ShouldBe(200, answer.Text);
        return answer;
    }

    public Task<Answer> FeedbackAsync(Answer route, string user, string kind, JsonNode? value = null, bool withdrawn = false)
    {
        var body = new JsonObject { ["receipt"] = (string)route.Body["receipt"]!, ["user"] = user, ["kind"] = kind, ["withdrawn"] = withdrawn };
        if (value is not null)
        {
            body["value"] = value;
        }

        return PostAsync("/v1/router/feedback", body.ToJsonString());
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
        _folder.Dispose();
    }
}

/// <param name="Text">The body as it came.</param>
public sealed record Answer(int Status, JsonObject Body, IDictionary<string, string> Headers, string Text)
{
    public string Message => (string)Body["error"]!["message"]!;

    /// <summary>OpenAI's error shape with this status and code, and a message that names everything it should.</summary>
    public void ShouldFail(int status, string code, params string[] named)
    {
        Status.ShouldBe(status, Text);
        var error = Body["error"]!.AsObject();
        error.Select(p => p.Key).ShouldBe(["message", "type", "param", "code"]);
        ((string)error["code"]!).ShouldBe(code);
        foreach (var one in named)
        {
            Message.ShouldContain(one);
        }
    }
}

/// <summary>The system's time, moved.</summary>
public sealed class MovableTime : TimeProvider
{
    /// <summary>So much time has passed that did not.</summary>
    public TimeSpan Ahead { get; set; }

    /// <summary>By so much the clock was set, while no time passed.</summary>
    public TimeSpan ClockSet { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead + ClockSet;

    public override long GetTimestamp() => base.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);
}

/// <summary>Keeps what is logged, exceptions too.</summary>
internal sealed class KeptLog : ILoggerProvider
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<(LogLevel, string)> _lines = [];

    public IReadOnlyCollection<(LogLevel Level, string Text)> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => new Logger(_lines, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(System.Collections.Concurrent.ConcurrentQueue<(LogLevel, string)> lines, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue((logLevel, $"{category}: {formatter(state, exception)} {exception}"));
    }
}
