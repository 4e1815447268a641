using System.Text;
using System.Text.Json.Nodes;
using MetaRouter.Hosting.Telemetry;
using Microsoft.Extensions.Logging;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>What leaves the gateway by OTLP, as a collector in another process understands it.</summary>
[Collection(TelemetryAlone.Name)]
public sealed class OtlpTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions", Messages = "/v1/messages", Responses = "/v1/responses", OfTheModel = "Microsoft.AspNetCore.Hosting.HttpRequestIn";
    private static readonly string[] Steps = [SpanNames.Belief, SpanNames.Encode, SpanNames.Predict, SpanNames.Decide, SpanNames.Upstream];

    private ScriptedUpstream _upstream = null!;
    private OtlpReceiver _collector = null!;

    public async Task InitializeAsync() => (_upstream, _collector) = (await ScriptedUpstream.StartAsync(), await OtlpReceiver.StartAsync());

    public async Task DisposeAsync()
    {
        await _collector.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [NodeFact]
    public async Task Request_OverGrpc_IsOneTraceWithItsSteps()
    {
        const string caller = "0af7651916cd43dd8448eb211c80319c";
        Answer answer, route;
        await using (var gateway = await StartAsync(_collector.Grpc, "grpc"))
        {
            answer = await gateway.PostAsync(Chat, Body("auto"), ("traceparent", $"00-{caller}-b7ad6b7169203331-01"));
            route = await gateway.RouteAsync("somebody");
            await gateway.GetAsync("/alive");
        }

        var got = await _collector.EndAsync();
        foreach (var signal in new[] { "traces", "metrics" })
        {
            got.Transports(signal).ShouldBe(["grpc"]);
        }

        // The caller's trace goes on; the answer names it.
        answer.Headers["x-request-id"].ShouldBe(caller);
        var trace = got.Spans.Where(s => (string)s["traceId"]! == caller && (string)s["name"]! != OfTheModel).ToArray();
        trace.Select(s => (string)s["name"]!).ShouldBe([SpanNames.Edge, .. Steps], ignoreOrder: true);
        var edge = trace.Single(s => (string)s["name"]! == SpanNames.Edge);
        ((string)edge["parentSpanId"]!).ShouldBe("b7ad6b7169203331");
        trace.Where(s => s != edge).ShouldAllBe(s => (string)s["parentSpanId"]! == (string)edge["spanId"]!);
        trace.Where(s => s != edge).OrderBy(s => ulong.Parse((string)s["startTimeUnixNano"]!)).Select(s => (string)s["name"]!).ShouldBe(Steps);

        // As the conventions for generative AI name things.
        var model = answer.Headers["x-router-model"];
        var upstream = Received.AttributesOf(trace.Single(s => (string)s["name"]! == SpanNames.Upstream));
        upstream.ShouldContainKeyAndValue("gen_ai.operation.name", "chat");
        upstream.ShouldContainKeyAndValue("gen_ai.request.model", model);
        upstream.ShouldContainKeyAndValue("gen_ai.usage.input_tokens", (string)answer.Body["usage"]!["prompt_tokens"]!.ToString());
        upstream.ShouldContainKeyAndValue("server.port", _upstream.Port.ToString());
        var whole = Received.AttributesOf(edge);
        whole.ShouldContainKeyAndValue("gen_ai.request.model", "auto");
        whole.ShouldContainKeyAndValue("gen_ai.response.model", model);
        whole.ShouldContainKeyAndValue("http.route", Chat);
        whole.ShouldContainKeyAndValue("http.response.status_code", "200");

        // The model's own server, in this process too, was handed the trace.
        got.Spans.Where(s => (string)s["name"]! == OfTheModel).Select(s => (string)s["traceId"]!).ShouldBe([caller]);

        // A decision alone has no upstream, and a probe has no trace.
        got.Spans.Where(s => (string)s["traceId"]! == route.Headers["x-request-id"]).Select(s => (string)s["name"]!).ShouldBe([SpanNames.Edge, SpanNames.Belief, SpanNames.Encode, SpanNames.Predict, SpanNames.Decide], ignoreOrder: true);
        got.Spans.Select(s => (string)s["name"]!).Distinct().ShouldBe([SpanNames.Edge, OfTheModel, .. Steps], ignoreOrder: true);
        got.Spans.ShouldAllBe(s => !s.ToJsonString().Contains("/alive", StringComparison.Ordinal));

        // Histograms with the conventions' buckets, and an example that leads to the trace.
        var duration = got.Metrics.Last(m => (string)m["name"]! == "gen_ai.server.request.duration");
        var point = Received.PointsOf(duration).Single();
        point["explicitBounds"]!.AsArray().Select(b => (double)b!).ShouldBe(GenAiNames.DurationSeconds);
        point["exemplars"]!.AsArray().Select(e => (string)e!["traceId"]!).ShouldContain(caller);
    }

    [NodeFact]
    public async Task Canary_OverHttp_IsNowhere()
    {
        const string prompt = "canary-prompt-5512", text = "canary-answer-5512", user = "canary-user-5512", key = "canary-key-5512", upstreamKey = "canary-upstream-5512", session = "canary-session-5512";
        var handedOn = new System.Collections.Concurrent.ConcurrentQueue<string>();
        _upstream.Script = async (context, body) =>
        {
            handedOn.Enqueue(string.Join('\n', context.Request.Headers.Select(h => $"{h.Key.ToLowerInvariant()}: {h.Value}")));
            return ((string)body["messages"]![0]!["content"]!).Contains("fail", StringComparison.Ordinal) && await ScriptedUpstream.FailAsync(context, 500, $"{prompt} {upstreamKey}");
        };
        Answer failed;
        await using (var gateway = await StartAsync(
            _collector.Http, "http/protobuf", "--Upstreams:0:ApiKey", upstreamKey, "--Gateway:ImplicitSignals", "true", "--Logging:LogLevel:Default", "Trace",
            "--ApiKeys:0:Sha256", Hash(key), "--ApiKeys:0:Tenant", "canary-tenant-5512",
            "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:0:Scopes:1", "feedback", "--ApiKeys:0:Scopes:2", "read", "--ApiKeys:0:Scopes:3", "admin"))
        {
            (string, string)[] headers = [("Authorization", "Bearer " + key), ("x-router-session", session), ("baggage", "user=" + user), ("correlation-context", "user=" + user), ("tracestate", "vendor=" + user)];
            (string, string)[] messages = [("x-api-key", key), .. headers[1..]];
            var chat = await gateway.PostAsync(Chat, Body("auto", $"{prompt} {text}", user), [.. headers, ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
            await gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = (string)chat.Body["id"]!, ["user"] = user, ["kind"] = "accept" }.ToJsonString(), headers);
            (await gateway.GetAsync($"/v1/router/users/{user}", headers)).Status.ShouldBe(200);
            failed = await gateway.PostAsync(Chat, Body("auto", prompt + " fail", user), [.. headers, ("traceparent", "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]);
            failed.Status.ShouldBe(502, failed.Text);
            await gateway.PostAsync(Chat, "{\"" + prompt, headers);
            (await gateway.PostAsync(Messages, Message(prompt, user), messages)).Status.ShouldBe(200);
            (await gateway.PostAsync(Responses, Response(prompt, user), headers)).Status.ShouldBe(200);
            foreach (var (path, body, end) in new[] { (Messages, Message(prompt, user, streams: true), "message_stop"), (Responses, Response(prompt, user, streams: true), "response.completed") })
            {
                using var stream = await gateway.Client.SendAsync(Streamed(path, body, messages));
                (await stream.Content.ReadAsStringAsync()).ShouldContain(end);
            }

            (await gateway.PostAsync(Messages, Message(prompt + " fail", user), messages)).Status.ShouldBe(502);
            (await gateway.PostAsync(Messages, Message(prompt, user).Replace("max_tokens", prompt, StringComparison.Ordinal), messages)).Status.ShouldBe(400);
            (await gateway.PostAsync(Responses, Response(prompt + " fail", user), headers)).Status.ShouldBe(502);
            (await gateway.PostAsync(Responses, Response(prompt, user).Replace("store", prompt, StringComparison.Ordinal), headers)).Status.ShouldBe(400);
            await gateway.GetAsync($"{Responses}/{user}", headers);
            await gateway.GetAsync($"/v1/{user}", headers);
            await gateway.SendAsync(new HttpMethod("CANARY-METHOD-5512"), Chat, null, headers);
            await gateway.PostAsync(Chat, Body("auto", prompt), ("Authorization", "Bearer wrong-" + key));
            (await gateway.SendAsync(HttpMethod.Delete, $"/v1/router/users/{user}", null, headers)).Status.ShouldBe(200);
        }

        var got = await _collector.EndAsync();
        foreach (var signal in new[] { "traces", "metrics", "logs" })
        {
            got.Transports(signal).ShouldBe(["http/protobuf"]);
        }

        got.Spans.Count.ShouldBeGreaterThan(15);
        got.Metrics.Count.ShouldBeGreaterThan(20);
        got.Logs.Count.ShouldBeGreaterThan(5);
        foreach (var path in new[] { Messages, Responses })
        {
            got.Spans.Select(Received.AttributesOf).Select(a => a.GetValueOrDefault("http.route")).ShouldContain(path);
        }

        foreach (var canary in (string[])[prompt, text, user, key, upstreamKey, session, "canary"])
        {
            got.Text.ShouldNotContain(canary);
        }

        // A model's server gets the trace's numbers, and nothing that somebody before the gateway wrote beside them.
        handedOn.Count.ShouldBeGreaterThan(4);
        handedOn.First().ShouldContain("traceparent: 00-0af7651916cd43dd8448eb211c80319c-");
        handedOn.ShouldAllBe(h => h.Contains("traceparent: 00-", StringComparison.Ordinal));
        handedOn.ShouldAllBe(h => !h.Contains("baggage", StringComparison.Ordinal) && !h.Contains("correlation-context", StringComparison.Ordinal) && !h.Contains("tracestate", StringComparison.Ordinal));
        handedOn.ShouldAllBe(h => !h.Replace(upstreamKey, "", StringComparison.Ordinal).Contains("canary", StringComparison.Ordinal));

        // What went wrong is told: in the log under the request's trace, and on its spans.
        var log = got.Logs.First(l => (string)l["body"]!["stringValue"]! is var body && body.Contains("failed", StringComparison.Ordinal) && body.Contains("status 500", StringComparison.Ordinal));
        ((string)log["traceId"]!).ShouldBe(failed.Headers["x-request-id"]);
        var upstream = got.Spans.First(s => (string)s["name"]! == SpanNames.Upstream && (string)s["traceId"]! == failed.Headers["x-request-id"]);
        Received.AttributesOf(upstream).ShouldContainKeyAndValue("error.type", "upstream_failed");
        got.Spans.Select(Received.AttributesOf).Select(a => a.GetValueOrDefault("http.route")).ShouldContain("/v1/router/users/{id}");
    }

    [NodeFact]
    public async Task SampleShare_Zero_LeavesMetricsAlone()
    {
        await using (var gateway = await StartAsync(_collector.Http, "http/protobuf", "--Telemetry:SampleShare", "0"))
        {
            (await gateway.PostAsync(Chat, Body("auto"))).Status.ShouldBe(200);
        }

        var got = await _collector.EndAsync();
        got.Spans.ShouldBeEmpty();
        got.Metrics.Select(m => (string)m["name"]!).ShouldContain(MetricNames.Decisions);
    }

    [Theory]
    [InlineData("Telemetry:Endpoint", "collector:4317", "Telemetry:Endpoint is 'collector:4317'", "http://collector:4317")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere", "OTEL_EXPORTER_OTLP_ENDPOINT is 'nowhere'", "http://collector:4317")]
    [InlineData("Telemetry:Protocol", "http/json", "Telemetry:Protocol is 'http/json'", "http/protobuf")]
    [InlineData("Telemetry:SampleShare", "1.5", "Telemetry:SampleShare is 1.5", "from 0 to 1")]
    [InlineData("Telemetry:Sampler", "x", "'Sampler'", "docs/settings.md")]
    public async Task Setting_ThatCannotBe_IsRefusedWithItsValue(string setting, string value, params string[] named)
    {
        var refused = await Should.ThrowAsync<Configuration.GatewayConfigurationException>(async () => await RunningGateway.StartAsync("--" + setting, value));

        named.ShouldAllBe(n => refused.Message.Contains(n, StringComparison.Ordinal), refused.Message);
    }

    /// <summary>The exporter keeps to itself that nobody listens, or somebody who speaks something else.</summary>
    [Theory]
    [InlineData("grpc", true)]
    [InlineData("http/protobuf", true)]
    [InlineData("grpc", false)]
    public async Task Collector_ThatTakesNothing_IsToldInTheLogOnceAMinute(string protocol, bool isNobody)
    {
        var endpoint = isNobody ? $"http://127.0.0.1:{Loopback.FreePort()}" : new Uri(_upstream.Url).GetLeftPart(UriPartial.Authority);
        await using var gateway = await StartAsync(endpoint, protocol, "--OTEL_BSP_SCHEDULE_DELAY", "100");

        await TellAsync(1);
        await TellAsync(1);
        gateway.Time.Ahead += TimeSpan.FromSeconds(61);
        await TellAsync(2);

        var line = gateway.Log.First(IsOfCollector);
        line.Level.ShouldBe(LogLevel.Warning);
        line.Text.ShouldContain($"The collector at {endpoint} did not accept what was sent by {protocol}: ");
        gateway.Log.ShouldAllBe(l => !l.Text.Contains("sugar-plum", StringComparison.Ordinal));

        async Task TellAsync(int lines)
        {
            (await gateway.PostAsync(Chat, Body("auto", "sugar-plum"))).Status.ShouldBe(200);
            await RouterContract.Eventually.TrueAsync(() => Task.FromResult(gateway.Log.Count(IsOfCollector) == lines), TimeSpan.FromSeconds(20));
        }

        static bool IsOfCollector((LogLevel, string Text) line) => line.Text.Contains("The collector at", StringComparison.Ordinal);
    }

    [NodeFact]
    public async Task Collector_ThatTakesAll_IsNotSpokenOf()
    {
        await using var gateway = await StartAsync(_collector.Grpc, "grpc", "--OTEL_BSP_SCHEDULE_DELAY", "100");
        (await gateway.PostAsync(Chat, Body("auto"))).Status.ShouldBe(200);
        await gateway.App.StopAsync();

        gateway.Log.ShouldNotContain(l => l.Text.Contains("The collector at", StringComparison.Ordinal));
    }

    private Task<RunningGateway> StartAsync(string endpoint, string protocol, params string[] settings) => RunningGateway.StartAsync(
        ["--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, "--Telemetry:Endpoint", endpoint, "--Telemetry:Protocol", protocol, .. settings]);

    private static string Message(string content, string user, bool streams = false) =>
        new JsonObject { ["model"] = "auto", ["max_tokens"] = 9, ["stream"] = streams, ["metadata"] = new JsonObject { ["user_id"] = user }, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content }) }.ToJsonString();

    private static string Response(string content, string user, bool streams = false) =>
        new JsonObject { ["model"] = "auto", ["store"] = false, ["stream"] = streams, ["safety_identifier"] = user, ["instructions"] = content, ["input"] = content }.ToJsonString();

    private static HttpRequestMessage Streamed(string path, string body, (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value).ShouldBeTrue();
        }

        return request;
    }

    private static string Body(string model, string content = "hello", string? user = null) =>
        new JsonObject { ["model"] = model, ["user"] = user, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content }) }.ToJsonString();
}

/// <summary>Alone in the process: meters and activity sources are known by name, so one gateway's listeners hear every other's.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TelemetryAlone
{
    public const string Name = "telemetry";
}
