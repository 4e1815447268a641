using System.Globalization;
using System.Text.Json.Nodes;
using MetaRouter.RouterContract;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Gateway.Tests;

/// <summary>A model that fails again and again is left alone, and tried again.</summary>
public sealed class CircuitTests : ThreeUpstreams
{
    private protected override string[] More => ["--Gateway:CategoryPins:medical:0", Strong];

    /// <summary>Each began well, which is no answer yet.</summary>
    [Fact]
    public async Task Circuit_StreamsThatKeepBreakingOff_OpenItToo()
    {
        const string asked = $$"""{"model":"{{Strong}}","stream":true,"messages":[{"role":"user","content":"break"}]}""";
        for (var i = 0; i < 2; i++)
        {
            await Should.ThrowAsync<HttpRequestException>(() => _gateway.Client.PostAsync(Chat, Json(asked)));
        }

        (await _gateway.PostAsync(Chat, Body(Strong))).ShouldFail(503, "upstream_resting", Strong);
    }

    [Fact]
    public async Task Circuit_OpensAfterFailuresInARow_RoutesAroundAndClosesWhenAProbeIsAnswered()
    {
        var first = (string)(await _gateway.PostAsync("/v1/router/route", """{"input":"hello"}""")).Body["model"]!;
        _of[first].Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        for (var i = 0; i < 2; i++)
        {
            (await _gateway.PostAsync(Chat, Body("auto"))).Headers["x-router-reason"].ShouldBe("fail_over");
        }

        var around = await _gateway.PostAsync(Chat, Body("auto"));
        around.Headers["x-router-reason"].ShouldNotBe("fail_over");
        around.Headers["x-router-attempts"].ShouldBe("1");
        _of[first].Calls.ShouldBe(2);
        var resting = await _gateway.PostAsync(Chat, Body(first));
        resting.ShouldFail(503, "upstream_resting", first, "left alone until");
        int.Parse(resting.Headers["Retry-After"], CultureInfo.InvariantCulture).ShouldBeInRange(1, 30);
        var health = (await _gateway.GetAsync("/health")).Body;
        ((string)health["status"]!).ShouldBe("ok");
        ((string)health["resting"]!.AsArray().Single()!["model"]!).ShouldBe(first);

        _of[first].Script = (_, _) => Task.FromResult(false);
        _gateway.Time.Ahead += TimeSpan.FromSeconds(31);
        (await _gateway.PostAsync(Chat, Body(first))).Status.ShouldBe(200);
        (await _gateway.PostAsync(Chat, Body("auto"))).Headers["x-router-model"].ShouldBe(first);
    }

    /// <summary>Other models are well, but may not answer this: it passes, and clients come again after a 503, not after a 422.</summary>
    [Theory]
    [InlineData(Strong)] // of a category
    [InlineData(Weak)] // for the price
    public async Task Circuit_OfTheOnlyModelThatMayAnswer_IsToldWithWhenToComeAgain(string only)
    {
        var ranking = (await _gateway.PostAsync("/v1/router/route", """{"input":"hello"}""")).Body["ranking"]!.AsArray();
        var most = (1.1 * (double)ranking.Single(r => (string)r!["model"]! == Weak)!["cost_usd"]!).ToString("0.#########", CultureInfo.InvariantCulture);
        (string, string) limit = only == Strong ? ("x-router-category", "medical") : ("x-router-max-cost-usd", most);
        _of[only].Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        for (var i = 0; i < 2; i++)
        {
            (await _gateway.PostAsync(Chat, Body(only))).ShouldFail(502, "upstream_failed");
        }

        var resting = await _gateway.PostAsync(Chat, Body("auto"), limit);

        resting.ShouldFail(503, "upstream_resting", only);
        int.Parse(resting.Headers["Retry-After"], CultureInfo.InvariantCulture).ShouldBeInRange(1, 30);
        ((string)(await _gateway.PostAsync("/v1/router/route", $$"""{"input":"hello"{{(only == Strong ? "" : ",\"max_cost_usd\":" + most)}}}""", limit)).Body["model"]!).ShouldBe(only);
        (await _gateway.PostAsync(Chat, Body(only), ("x-router-max-cost-usd", "1"))).ShouldFail(503, "upstream_resting", only);
        _of[only].Calls.ShouldBe(2);
    }

    /// <summary>Its caller has gone away, and no answer comes that would tell: the next call tries it.</summary>
    [Fact]
    public async Task Circuit_CallerLeavesTheTry_TheNextCallTriesIt()
    {
        _of[Strong].Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        for (var i = 0; i < 2; i++)
        {
            (await _gateway.PostAsync(Chat, Body(Strong))).ShouldFail(502, "upstream_failed");
        }

        _gateway.Time.Ahead += TimeSpan.FromSeconds(31);
        _of[Strong].Script = async (context, _) =>
        {
            await Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted);
            return true;
        };
        using var leaves = new CancellationTokenSource();
        var tries = _gateway.Client.PostAsync(Chat, Json(Body(Strong)), leaves.Token);
        await Eventually.TrueAsync(() => _of[Strong].Calls == 3, TimeSpan.FromSeconds(10));
        var another = await _gateway.PostAsync(Chat, Body(Strong));
        another.ShouldFail(503, "upstream_resting", "another call is trying it");
        another.Headers["Retry-After"].ShouldBe("1");
        await leaves.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(tries);

        _of[Strong].Script = (_, _) => Task.FromResult(false);
        await Eventually.TrueAsync(async () => (await _gateway.PostAsync(Chat, Body(Strong))).Status == 200, TimeSpan.FromSeconds(10));
    }

    /// <summary>
    /// The only model that can answer a request is left alone, and others are well: that passes, so the client is told when to ask again; a 422, which none repeats, was told to
    /// Vercel's AI SDK, whose request with a schema this is.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Circuit_OfTheOnlyModelThatCanAnswer_IsToldAsSuchAndTriedAgain(bool byRule)
    {
        const string asked = """
            {"model":"auto","user":"ada","response_format":{"type":"json_schema","json_schema":{"schema":{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"name":{"type":"string"},"steps":{"type":"array","items":{"type":"object","properties":{"what":{"type":"string"},"minutes":{"type":"number"}},"required":["what"],"additionalProperties":false}},"kind":{"type":"string","enum":["sweet","salty"]}},"required":["name","steps","kind"],"additionalProperties":false},"strict":true,"name":"response"}},"messages":[{"role":"user","content":"Give me a recipe"}]}
            """;
        await using var gateway = await RunningGateway.StartAsync([
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15",
            "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "0.5", "--MetaRouter:Models:1:OutputPrice", "0.5",
            .. byRule ? (string[])["--Tenants:0:Name", "default", "--Tenants:0:AllowedModels:0", Strong] : ["--MetaRouter:Models:1:Capabilities:0", "streaming"],
            "--Upstreams:0:Model", Strong, "--Upstreams:0:BaseUrl", _of[Strong].Url, "--Upstreams:1:Model", Weak, "--Upstreams:1:BaseUrl", _of[Weak].Url,
            "--Gateway:CircuitFailures", "2", "--Gateway:CircuitSeconds", "30"]);
        _of[Strong].Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        for (var i = 0; i < 2; i++)
        {
            (await gateway.PostAsync(Chat, asked)).ShouldFail(502, "upstream_failed");
        }

        var resting = await gateway.PostAsync(Chat, asked);
        resting.ShouldFail(503, "upstream_resting", Strong, "left alone until");
        int.Parse(resting.Headers["Retry-After"], CultureInfo.InvariantCulture).ShouldBeInRange(1, 30);
        (_of[Strong].Calls, _of[Weak].Calls).ShouldBe((2, 0));

        _of[Strong].Script = (_, _) => Task.FromResult(false);
        gateway.Time.Ahead += TimeSpan.FromSeconds(31);
        (await gateway.PostAsync(Chat, asked)).Headers["x-router-model"].ShouldBe(Strong);
    }

    /// <summary>An upstream that says nothing is tried for as long as an answer may take: nobody else is sent there meanwhile, and who watches is not told that it is well.</summary>
    [Fact]
    public async Task Circuit_WhileAProbeWaits_IsRoutedAroundAndToldAsUnhealthy()
    {
        var first = (string)(await _gateway.PostAsync("/v1/router/route", """{"input":"hello"}""")).Body["model"]!;
        _of[first].Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        for (var i = 0; i < 2; i++)
        {
            await _gateway.PostAsync(Chat, Body(first));
        }

        var answers = new TaskCompletionSource();
        _of[first].Script = async (_, _) =>
        {
            await answers.Task;
            return false;
        };
        (await RestingAsync())["until"].ShouldNotBeNull();
        _gateway.Time.Ahead += TimeSpan.FromSeconds(31);
        await ShouldBeToldAsync("0"); // nobody has called it since, so nobody knows
        (await RestingAsync()).ContainsKey("until").ShouldBeFalse();
        var probe = _gateway.PostAsync(Chat, Body(first));
        await Eventually.TrueAsync(() => _of[first].Calls == 3, TimeSpan.FromSeconds(15));

        (await _gateway.PostAsync(Chat, Body("auto"))).Headers["x-router-reason"].ShouldNotBe("fail_over");
        await ShouldBeToldAsync("0");
        (await RestingAsync()).ContainsKey("until").ShouldBeFalse();
        (await _gateway.PostAsync(Chat, Body(first))).ShouldFail(503, "upstream_resting", first, "another call is trying it");

        answers.SetResult();
        (await probe).Status.ShouldBe(200);
        await ShouldBeToldAsync("1");
        (await _gateway.PostAsync(Chat, Body("auto"))).Headers["x-router-model"].ShouldBe(first);

        // A scrape may be some moments old.
        Task ShouldBeToldAsync(string healthy) => Eventually.TrueAsync(
            async () => (await _gateway.Client.GetStringAsync("/metrics")).Split('\n').Single(l => l.StartsWith("metarouter_upstream_healthy", StringComparison.Ordinal) && l.Contains($"model=\"{first}\"", StringComparison.Ordinal)).EndsWith(" " + healthy, StringComparison.Ordinal),
            TimeSpan.FromSeconds(15));

        async Task<JsonObject> RestingAsync() => (await _gateway.GetAsync("/health")).Body["resting"]!.AsArray().Single()!.AsObject();
    }

    [Theory]
    [InlineData("gzip", true)]
    [InlineData("gzip", false)]
    [InlineData("an event without end", true)]
    public async Task Circuit_ProbeThatCannotBeRead_IsAFailureAndNotTheLastProbe(string kind, bool streams)
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _of[Weak].Url, "--Gateway:UpstreamBodyBytes", "5000", "--Gateway:CircuitFailures", "1", "--Gateway:CircuitSeconds", "5");
        _of[Weak].Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        (await gateway.PostAsync(Chat, Body(Weak, stream: streams))).ShouldFail(502, "upstream_failed");
        gateway.Time.Ahead += TimeSpan.FromMinutes(1);
        _of[Weak].Script = async (context, _) =>
        {
            context.Response.ContentType = streams ? "text/event-stream" : "application/json";
            context.Response.Headers.ContentEncoding = kind == "gzip" ? "gzip" : default;
            await context.Response.WriteAsync(kind == "gzip" ? "this was never compressed" : "data: " + new string('a', 20_000));
            return true;
        };

        (await gateway.PostAsync(Chat, Body(Weak, stream: streams))).ShouldFail(502, "upstream_failed", "cannot be read");

        gateway.Time.Ahead += TimeSpan.FromMinutes(1);
        _of[Weak].Script = (_, _) => Task.FromResult(false);
        (await gateway.PostAsync(Chat, Body(Weak))).Status.ShouldBe(200);
        gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task Circuit_ClockSetBack_IsTriedAgainAllTheSame()
    {
        _of[Strong].Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        for (var i = 0; i < 2; i++)
        {
            (await _gateway.PostAsync(Chat, Body(Strong))).ShouldFail(502, "upstream_failed");
        }

        _gateway.Time.ClockSet = TimeSpan.FromHours(-3);
        var resting = await _gateway.PostAsync(Chat, Body(Strong));
        resting.ShouldFail(503, "upstream_resting");
        int.Parse(resting.Headers["Retry-After"], CultureInfo.InvariantCulture).ShouldBeInRange(1, 30);

        _of[Strong].Script = (_, _) => Task.FromResult(false);
        _gateway.Time.Ahead += TimeSpan.FromSeconds(31);
        (await _gateway.PostAsync(Chat, Body(Strong))).Status.ShouldBe(200);
    }
}
