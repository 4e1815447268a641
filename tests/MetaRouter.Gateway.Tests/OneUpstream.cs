using System.Globalization;
using System.Text.Json.Nodes;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

/// <summary>Tests of gateways over one upstream that each test scripts.</summary>
public abstract class OneUpstream : IAsyncLifetime
{
    private protected const string Chat = "/v1/chat/completions", Strong = "gpt-4o-2024-05-13", Weak = "mixtral-8x7b-instruct";

    /// <summary>Seconds for an upstream that stays silent: those in which a busy machine gets the prompt to it, and the others answer.</summary>
    private protected const string Patience = "3";

    /// <summary>What is in a stream's last event, in the form of either API, and in that of one that broke off.</summary>
    private protected static readonly string[] s_ends = ["[DONE]", "response.completed", "message_stop", "\"error\":{"];

    private protected ScriptedUpstream _upstream = null!;

    public async Task InitializeAsync() => _upstream = await ScriptedUpstream.StartAsync();

    public async Task DisposeAsync() => await _upstream.DisposeAsync();

    /// <summary>What all accounts hold in the end. A gateway that was asked to stop has settled all.</summary>
    private protected static async Task<double> SettledUsdAsync(RunningGateway gateway)
    {
        await gateway.App.StopAsync();
        return JsonNode.Parse(gateway.App.Services.GetRequiredService<MemorySharedState>().Write(-1).Bytes)!.AsArray().Sum(a => (long)a!["Held"]!) * 1e-9;
    }

    private protected static async Task<bool> FailAsync(HttpContext context, string how)
    {
        switch (how)
        {
            case "silent":
                await Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted);
                break;
            case "half" or "stalls half-way":
                context.Response.ContentLength = 1000;
                await context.Response.WriteAsync("""{"id":"x","choices":[""");
                await context.Response.Body.FlushAsync();
                await Task.Delay(how == "half" ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromMinutes(1), context.RequestAborted);
                context.Abort();
                break;
            case "reset":
                context.Abort();
                break;
            case "error under 200":
                await context.Response.WriteAsync("""{"error":{"message":"overloaded"}}""");
                break;
            default:
                return await ScriptedUpstream.FailAsync(context, how == "refused" ? 400 : 500);
        }

        return true;
    }

    private protected Task<RunningGateway> StartAsync(params string[] settings) => RunningGateway.StartAsync(["--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, .. settings]);

    /// <summary>A gateway with a budget, whose shared state settles and remembers when it is let.</summary>
    private protected Task<RunningGateway> StartLateAsync(Func<Task> settles, Func<Task> remembers, params string[] settings) => RunningGateway.StartAsync(
        services => services.AddSingleton<ISharedState>(s => new LateState(s.GetRequiredService<MemorySharedState>(), settles, remembers)), [
        .. settings,
        "--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
        "--Upstreams:1:Model", "embedder", "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:Embeddings", "true", "--Upstreams:1:EmbeddingPrice", "5"]);

    private protected static Task Nothing() => Task.CompletedTask;

    /// <summary>Asks in the form of this path, and is content with the answer's last byte or event: what the connection does afterwards is not waited for.</summary>
    private protected static async Task<string> AskAsync(RunningGateway gateway, string path, bool streams, string model, string content = "hello", bool compares = false)
    {
        var body = path == "/v1/embeddings" ? """{"model":"embedder","input":"hello and more than that"}""" : path == "/v1/responses"
            ? new JsonObject { ["model"] = model, ["stream"] = streams, ["input"] = content }.ToJsonString()
            : new JsonObject { ["model"] = model, ["stream"] = streams, ["max_tokens"] = 1000, ["tools"] = path == Chat ? JsonNode.Parse("""[{"type":"function","function":{"name":"weather"}}]""") : new JsonArray(), ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content }) }.ToJsonString();
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body) };
        if (compares)
        {
            request.Headers.Add("x-router-compare", "always");
        }

        using var client = new HttpClient { BaseAddress = gateway.Client.BaseAddress }; // a connection serves nobody until its last request is settled
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!streams)
        {
            return await response.Content.ReadAsStringAsync();
        }

        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && s_ends.Any(end => line.Contains(end, StringComparison.Ordinal)))
            {
                return line;
            }
        }

        throw new InvalidDataException("The stream had no end.");
    }

    /// <summary>Sends a chat and leaves some time after the upstreams were asked so often.</summary>
    /// <returns>The only row that the console then has.</returns>
    private protected async Task<JsonNode> LeaveAsync(RunningGateway gateway, HttpRequestMessage request, int calls, TimeSpan later = default)
    {
        using var leaves = new CancellationTokenSource();
        var asked = gateway.Client.SendAsync(request, leaves.Token);
        await Eventually.TrueAsync(() => _upstream.Calls >= calls, TimeSpan.FromSeconds(10));
        await Task.Delay(later);
        await leaves.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asked);
        JsonArray rows = [];
        await Eventually.TrueAsync(async () => (rows = (await gateway.GetAsync("/v1/console/decisions")).Body["decisions"]!.AsArray()).Count > 0, TimeSpan.FromSeconds(10));
        return rows.ShouldHaveSingleItem()!;
    }

    private protected static double Usd(Answer answer) => double.Parse(answer.Headers["x-router-cost-usd"], CultureInfo.InvariantCulture);

    private protected static string Body(string model, string content = "hello", string? user = null, bool streams = false) =>
        new JsonObject { ["model"] = model, ["user"] = user, ["stream"] = streams, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content }) }.ToJsonString();

    private protected sealed class LateState(ISharedState inner, Func<Task> settles, Func<Task> remembers) : ISharedState
    {
        public ValueTask<Reservation> ReserveAsync(ulong partition, IReadOnlyList<Account> accounts, CancellationToken cancellationToken = default) => inner.ReserveAsync(partition, accounts, cancellationToken);

        public async ValueTask SettleAsync(ulong partition, IReadOnlyList<Account> accounts, bool isOwn = false, CancellationToken cancellationToken = default)
        {
            await settles();
            await inner.SettleAsync(partition, accounts, isOwn, cancellationToken);
        }

        public ValueTask<byte[]?> RecallAsync(string name, CancellationToken cancellationToken = default) => inner.RecallAsync(name, cancellationToken);

        public async ValueTask RememberAsync(string name, ReadOnlyMemory<byte> value, TimeSpan lifetime, CancellationToken cancellationToken = default)
        {
            await remembers();
            await inner.RememberAsync(name, value, lifetime, cancellationToken);
        }
    }
}
