using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using MetaRouter.Hosting.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Gateway.Tests;

/// <summary>Requests that are cut, endless, or made to confuse; and a disk that does not take what must be kept.</summary>
public sealed class HardRequestTests
{
    private const string Chat = "/v1/chat/completions", Route = "/v1/router/route", Feedback = "/v1/router/feedback", Responses = "/v1/responses", Messages = "/v1/messages";

    /// <summary>JSON whose parts are each legal and which no client should send.</summary>
    public static TheoryData<string> Odd => new(
        """{"model":"auto","messages":[{"role":"\ud800","content":"a"}]}""",
        """{"model":"auto","messages":[{"role":"user","content":"\udc00"}]}""",
        """{"model":"auto","messages":[{"role":"user","content":[{"\ud800":1,"text":"a"}]}]}""",
        """{"model":"auto","\ud800":1,"messages":[{"role":"user","content":"a"}]}""",
        """{"\ud800":"auto","messages":[{}]}""",
        """{"model":"auto","response_format":{"type":"\ud800"},"messages":[{}]}""",
        """{"model":"auto","max_tokens":1e400,"messages":[{}]}""",
        """{"model":"auto","max_tokens":2147483647,"messages":[{"role":"user","content":"a"}]}""",
        """{"model":"auto","user":"\ud800","messages":[{}]}""",
        """{"model":"\ud800","messages":[{}]}""",
        """{"model":"auto","stream":true,"stream_options":{"\ud800include_usage":true},"messages":[{"role":"user","content":"a"}]}""", // found by fuzzing
        """{"input":"a","\ud800":1}""",
        """{"model":"auto","input":[{"role":"\ud800","content":"a"}]}""",
        """{"model":"auto","input":[{"type":"\ud800"}]}""",
        """{"model":"auto","input":"a","instructions":"\ud800"}""",
        """{"model":"auto","input":"a","metadata":{"a":"\ud800"}}""",
        """{"model":"auto","input":"a","tools":[{"type":"function","name":"f","parameters":{"\ud800":1}}]}""",
        """{"model":"auto","input":"a","tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"\ud800"}]}]}""",
        """{"model":"auto","input":"a","text":{"format":{"type":"json_schema","\ud800":1}}}""",
        """{"model":"auto","input":"a","include":["\ud800"],"truncation":"\ud800"}""",
        """{"model":"auto","input":"a","tool_choice":"\ud800","tools":[{"type":"function","name":"f"}]}""",
        """{"model":"auto","input":"a","reasoning":{"mode":"\ud800"}}""",
        """{"model":"auto","input":"a","stream":true,"temperature":1e400,"top_logprobs":1e400}""",
        """{"input":"a","lambda_cost":1.7e308}""",
        """{"input":"a","max_cost_usd":1.7e308}""",
        """{"input":"a","models":["\ud800"]}""",
        """{"receipt":"\ud800","user":"u","kind":"edit"}""",
        """{"receipt":"a","user":"u","kind":"thumb","value":"\ud800"}""",
        """{"receipt":"a","user":"u","kind":"rating","value":1e400}""",
        """{"receipt":"a","user":"u","kind":"edit","occurred_at":"0001-01-01T00:00:00+14:00"}""",
        """{"receipt":"a","user":"u","kind":"edit","occurred_at":99999999999}""",
        "null", "\"a\"", "{}{}", "{\"a\":}", "\u0000", "\ufeff{}");

    [Theory]
    [MemberData(nameof(Odd))]
    public async Task OddJson_IsAnsweredOrRefusedButNeverAnInternalError(string body)
    {
        await using var gateway = await RunningGateway.StartAsync();
        foreach (var path in new[] { Chat, Route, Feedback, Messages, Responses, Responses + "/input_tokens" })
        {
            var answer = await gateway.PostAsync(path, body);

            answer.Status.ShouldBeLessThan(500, $"{path}: {answer.Text}");
            if (answer.Status != 200)
            {
                answer.Message.Length.ShouldBeGreaterThan(20);
            }
        }

        (await gateway.PostAsync(Chat, Nested(2000))).ShouldFail(400, "invalid_json", "depth");
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    /// <summary>Found by fuzzing: the parser compares names to find one that is there twice, and gives up on half of a surrogate pair.</summary>
    [Theory]
    [InlineData("POST", "/v1/router/users/ann/verify")]
    [InlineData("POST", "/v1/router/users/ann/import")]
    [InlineData("PUT", "/v1/router/mode")]
    [InlineData("PUT", "/v1/router/models")]
    [InlineData("POST", Route)]
    [InlineData("POST", Feedback)]
    [InlineData("POST", Responses)]
    public async Task FieldNameThatIsNoText_Is400(string method, string path)
    {
        await using var gateway = await RunningGateway.StartAsync();

        var answer = await gateway.SendAsync(new HttpMethod(method), path, """{"receip\udc00\ud800":"AAAA"}""");

        answer.Status.ShouldBe(400, answer.Text);
        answer.Message.Length.ShouldBeGreaterThan(20);
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData("lambda_latency", 1e40, 10)]
    [InlineData("lambda_latency", 1.7e308, 10)]
    [InlineData("lambda_cost", 1.7e308, 300_000)]
    public async Task DialBeyondEveryUse_IsAnswered_AndTheDecisionLogGoesOn(string dial, double value, int length)
    {
        using var folder = new TemporaryFolder();
        await using var gateway = await RunningGateway.StartAsync("--MetaRouter:DecisionLog", folder.File("log"));
        const string models = """{"models":[{"id":"slow","input_price_usd_per_million":1,"output_price_usd_per_million":1,"latency_seconds":20},{"id":"fast","input_price_usd_per_million":10,"output_price_usd_per_million":50,"latency_seconds":3}]}""";
        (await gateway.SendAsync(HttpMethod.Put, "/v1/router/models", models)).Status.ShouldBe(200);

        var odd = await gateway.PostAsync(Route, new JsonObject { ["input"] = new string('a', length), [dial] = value }.ToJsonString());
        await gateway.PostAsync(Route, """{"input":"after it"}""");

        odd.Status.ShouldBe(200, odd.Text);
        await gateway.App.StopAsync(); // which writes what is queued
        (await File.ReadAllLinesAsync(folder.File("log"))).Length.ShouldBe(2);
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData(Chat, "Gateway:ChatBodyBytes")]
    [InlineData(Responses, "Gateway:ChatBodyBytes")]
    [InlineData(Route, "Gateway:RouterBodyBytes")]
    public async Task ChunkedBody_BeyondTheLimit_Is413BeforeItEnds(string path, string setting)
    {
        await using var gateway = await RunningGateway.StartAsync("--Gateway:ChatBodyBytes", "50000", "--Gateway:RouterBodyBytes", "50000");
        using var socket = await ConnectAsync(gateway);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"));
        var chunk = Encoding.ASCII.GetBytes($"3E8\r\n{new string('a', 1000)}\r\n");
        for (var i = 0; i < 60; i++)
        {
            await socket.SendAsync(chunk);
        }

        // The last chunk never comes.
        var answer = await ReadToEndAsync(socket);

        answer.ShouldStartWith("HTTP/1.1 413");
        answer.ShouldContain("body_too_large");
        answer.ShouldContain("50,000");
        answer.ShouldContain(setting);
        (await gateway.GetAsync("/alive")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Unexpected_IsLoggedUnderTheRequestIdAndToldWithoutItsInsides()
    {
        var clock = new BrokenClock();
        await using var gateway = await RunningGateway.StartAsync(services => services.AddSingleton<TimeProvider>(clock));
        clock.IsBroken = true;

        var answer = await gateway.PostAsync(Route, """{"input":"a"}""", ("x-request-id", "look-me-up"));
        clock.IsBroken = false;

        answer.ShouldFail(500, "internal_error", "look-me-up", "log");
        answer.Text.ShouldNotContain("the clock fell down");
        gateway.Log.ShouldContain(l => l.Level == LogLevel.Error && l.Text.Contains("look-me-up", StringComparison.Ordinal) && l.Text.Contains("the clock fell down", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ClientThatGoesAway_EndsTheCallUpstreamAndIsNoError()
    {
        await using var upstream = await EchoUpstream.StartAsync();
        await using var gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", upstream.Url);
        upstream.Delay = TimeSpan.FromMinutes(5);
        using var cancel = new CancellationTokenSource();
        var asked = gateway.Client.PostAsync(Chat, new StringContent("""{"model":"auto","messages":[{"role":"user","content":"hello"}]}"""), cancel.Token);
        await upstream.Arrived.WaitAsync(TimeSpan.FromSeconds(20));

        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(asked);
        await upstream.Aborted.WaitAsync(TimeSpan.FromSeconds(10));
        upstream.Delay = default;
        (await gateway.PostAsync(Chat, """{"model":"auto","messages":[{"role":"user","content":"hello"}]}""")).Status.ShouldBe(200);
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task ClientThatStopsWithinItsBody_LeavesTheGatewayWell()
    {
        await using var gateway = await RunningGateway.StartAsync();
        using (var socket = await ConnectAsync(gateway))
        {
            await socket.SendAsync("POST /v1/router/route HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{\"input\""u8.ToArray());
        }

        (await gateway.PostAsync(Route, """{"input":"a"}""")).Status.ShouldBe(200);
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    /// <summary>The name is looked for in the path as it was written, and a query may hold anything.</summary>
    [Theory]
    [InlineData("/v1/router/%75sers/ada?from=/v1/router/users/ann", "\"user\":\"ada\"")]
    [InlineData("/v1/%6dodels/none?from=/v1/models/gpt-4o-2024-05-13", "'none'")]
    public async Task PathEscapedWhereItNeedNotBe_WithAPathInItsQuery_NamesWhatThePathDoes(string target, string named)
    {
        await using var gateway = await RunningGateway.StartAsync();
        using var socket = await ConnectAsync(gateway);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"));

        (await ReadToEndAsync(socket)).ShouldContain(named);
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData(Route)]
    [InlineData(Chat)]
    public async Task ClientThatResetsWithinItsBody_IsNoError(string path)
    {
        await using var gateway = await RunningGateway.StartAsync();
        for (var i = 0; i < 5; i++)
        {
            using var socket = await ConnectAsync(gateway);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{{\"input\""));
            await Task.Delay(50); // it is being read
            socket.LingerState = new LingerOption(true, 0); // closing resets
        }

        await Task.Delay(200);
        (await gateway.PostAsync(Route, """{"input":"a"}""")).Status.ShouldBe(200);
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error && l.Text.StartsWith("MetaRouter", StringComparison.Ordinal)); // what the server says of it is its own
    }

    [MountFact]
    public async Task DiskBecomesFull_FeedbackIs503NamingTheRemedyAndRoutingGoesOn()
    {
        using var disk = new SmallDisk(8000);
        await using var gateway = await RunningGateway.StartAsync("--MetaRouter:Store", "sqlite:" + disk.File("users.db"));
        var route = await gateway.RouteAsync("ann");
        (await gateway.FeedbackAsync(route, "ann", "accept")).Status.ShouldBe(200);
        FillUp(disk.File("ballast"));

        var refused = new List<Answer>();
        for (var i = 0; i < 200 && refused.Count == 0; i++)
        {
            var answer = await gateway.FeedbackAsync(await gateway.RouteAsync($"user-{i}"), $"user-{i}", "accept");
            if (answer.Status != 200)
            {
                refused.Add(answer);
            }
        }

        refused.Single().ShouldFail(503, "store_unavailable", "users.db", "full", "nothing acknowledged is lost");
        refused[0].Headers["Retry-After"].ShouldBe("1");
        (await gateway.RouteAsync("ann")).Status.ShouldBe(200);
    }

    private static void FillUp(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        try
        {
            for (var block = new byte[4096]; ;)
            {
                file.Write(block);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static string Nested(int depth) => """{"model":"auto","messages":""" + new string('[', depth) + new string(']', depth) + "}";

    private static async Task<Socket> ConnectAsync(RunningGateway gateway)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", gateway.Client.BaseAddress!.Port);
        return socket;
    }

    private static async Task<string> ReadToEndAsync(Socket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var (text, buffer) = (new StringBuilder(), new byte[4096]);
        while (!text.ToString().Contains("\"code\"", StringComparison.Ordinal) && await socket.ReceiveAsync(buffer, limit.Token) is > 0 and var read)
        {
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }

        return text.ToString();
    }

    private sealed class BrokenClock : TimeProvider
    {
        public bool IsBroken { get; set; }

        public override DateTimeOffset GetUtcNow() => IsBroken ? throw new InvalidOperationException("the clock fell down") : base.GetUtcNow();
    }
}
