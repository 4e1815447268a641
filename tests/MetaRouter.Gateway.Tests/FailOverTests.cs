using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Gateway.Tests;

/// <summary>Who answers when a model fails, and which refusals are the request's own fault.</summary>
public sealed class FailOverTests : ThreeUpstreams
{
    /// <summary>Others answer, so that no client complains: a model that its provider took away, a slip in an address or a quota that is used up would cost a call of each request, and nobody know.</summary>
    [Theory]
    [InlineData(404, "check UpstreamModel and BaseUrl")]
    [InlineData(429, "its rate or quota is used up")]
    public async Task Refusal_ThatAnotherModelMakesGood_IsToldInTheLogOnceAMinute(int status, string meaning)
    {
        var first = (string)(await _gateway.PostAsync("/v1/router/route", """{"user":"ann","input":"hello"}""")).Body["model"]!;
        _of[first].Script = (context, _) => ScriptedUpstream.FailAsync(context, status, "sk-secret");

        for (var i = 0; i < 3; i++)
        {
            (await _gateway.PostAsync(Chat, """{"model":"auto","user":"ann","messages":[{"role":"user","content":"hello"}]}""")).Status.ShouldBe(200);
        }

        var line = _gateway.Log.Where(l => l.Text.Contains("refuses requests", StringComparison.Ordinal)).ShouldHaveSingleItem();
        line.Level.ShouldBe(LogLevel.Warning);
        line.Text.ShouldContain($"The upstream of {first} at {_of[first].Url} refuses requests with status {status}: ");
        line.Text.ShouldContain(meaning);
        line.Text.ShouldNotContain("sk-secret");

        _gateway.Time.Ahead += TimeSpan.FromSeconds(61);
        (await _gateway.PostAsync(Chat, """{"model":"auto","user":"ann","messages":[{"role":"user","content":"hello"}]}""")).Status.ShouldBe(200);
        _gateway.Log.Count(l => l.Text.Contains("refuses requests", StringComparison.Ordinal)).ShouldBe(2);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(429)]
    [InlineData(0)]
    [InlineData(-1)]
    public async Task FailOver_BeforeTheFirstByte_AnotherModelAnswersAndTheReceiptSpeaksOfIt(int how)
    {
        var first = (string)(await _gateway.PostAsync("/v1/router/route", """{"user":"ann","input":"hello"}""")).Body["model"]!;
        _of[first].Script = (context, _) =>
        {
            if (how <= 0)
            {
                return how < 0 ? Task.Delay(10_000, context.RequestAborted).ContinueWith(_ => true, TaskScheduler.Default) : Task.FromResult(Abort(context));
            }

            return ScriptedUpstream.FailAsync(context, how, "sk-secret");
        };

        foreach (var streams in new[] { "false", "true" })
        {
            using var response = await _gateway.Client.PostAsync(Chat, Json($$"""{"model":"auto","user":"ann","stream":{{streams}},"messages":[{"role":"user","content":"hello"}]}"""));
            var text = await response.Content.ReadAsStringAsync();

            response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, text);
            var served = response.Headers.GetValues("x-router-model").Single();
            served.ShouldNotBe(first);
            response.Headers.GetValues("x-router-reason").Single().ShouldBe("fail_over");
            text.ShouldContain($"\"{served}\"");
            text.ShouldNotContain("sk-secret");
            var id = JsonNode.Parse(text.StartsWith('{') ? text : text[6..text.IndexOf('\n', StringComparison.Ordinal)])!["id"]!.GetValue<string>();
            id.ShouldBe(response.Headers.GetValues("x-router-decision").Single());
            var feedback = await _gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = id, ["user"] = "ann", ["kind"] = "thumb", ["value"] = "up" }.ToJsonString());
            feedback.Status.ShouldBe(200, feedback.Text);
        }
    }

    [Fact]
    public async Task FailOver_EveryModelFails_TheErrorNamesAllThatWereTried()
    {
        foreach (var upstream in _of.Values)
        {
            upstream.Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        }

        (await _gateway.PostAsync(Chat, Body("auto"))).ShouldFail(502, "upstream_failed", [.. _of.Where(u => u.Value.Calls > 0).Select(u => $"'{u.Key}'")]);
        _of.Values.Sum(u => u.Calls).ShouldBe(3);
    }

    [Theory]
    [InlineData(404)]
    [InlineData(500)]
    public async Task FailOver_NobodyAnswers_TheFirstIsTold(int status)
    {
        var first = (string)(await _gateway.PostAsync("/v1/router/route", """{"input":"hello"}""")).Body["model"]!;
        foreach (var (model, upstream) in _of)
        {
            upstream.Script = (context, _) => ScriptedUpstream.FailAsync(context, model == first || status == 404 ? status : 501, model + " says no");
        }

        var answer = await _gateway.PostAsync(Chat, Body("auto"));

        answer.Status.ShouldBe(status == 404 ? 404 : 502);
        answer.Message.ShouldStartWith(status == 404 ? first + " says no" : $"The upstream of the model '{first}' answered with status 500");
    }

    /// <summary>What the strongest would have charged goes by what was predicted of the model that answered, not of the one that failed.</summary>
    [Fact]
    public async Task FailOver_WhatTheStrongestWouldHaveCost_GoesByWhoAnswered()
    {
        using var strongest = new Meters(_gateway.App.Services.GetRequiredService<GatewayMetrics>().StrongestCostUsd);
        _of[Strong].Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);

        var answer = await _gateway.PostAsync(Chat, Body("auto:quality"));

        var id = (string)(await _gateway.GetAsync("/v1/console/decisions")).Body["decisions"]![0]!["id"]!;
        var predicted = (await _gateway.GetAsync("/v1/console/decisions/" + id)).Body["candidates"]!.AsArray().ToDictionary(c => (string)c!["model"]!, c => (double)c!["cost_usd"]!);
        var usd = double.Parse(answer.Headers["x-router-cost-usd"], CultureInfo.InvariantCulture);
        answer.Headers["x-router-reason"].ShouldBe("fail_over");
        strongest.Sum.ShouldBe(predicted[Strong] * Math.Clamp(usd / predicted[answer.Headers["x-router-model"]], 0.1, 10), 1e-8);
    }

    [Fact]
    public async Task FailOver_NamedModel_IsNotAnsweredByAnother()
    {
        _of[Strong].Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);

        (await _gateway.PostAsync(Chat, Body(Strong))).ShouldFail(502, "upstream_failed", Strong);
        (_of[Weak].Calls + _of[Middle].Calls).ShouldBe(0);
    }

    [Fact]
    public async Task FailOver_SecondEndpointOfTheSameModel_TakesOver()
    {
        await using var broken = await ScriptedUpstream.StartAsync();
        broken.Script = (context, _) => ScriptedUpstream.FailAsync(context, 502);
        await using var gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", broken.Url, "--Upstreams:1:Model", "*", "--Upstreams:1:BaseUrl", _of[Weak].Url);

        var answer = await gateway.PostAsync(Chat, Body(Strong));

        answer.Status.ShouldBe(200, answer.Text);
        answer.Headers["x-router-model"].ShouldBe(Strong);
        answer.Headers["x-router-attempts"].ShouldBe("2");
    }

    /// <summary>An answer that another model gave is one fail-over, also where two were to be compared; where nobody answers in the end there was none.</summary>
    [Theory]
    [InlineData(200, false, 1)]
    [InlineData(200, true, 1)]
    [InlineData(400, false, 0)]
    [InlineData(429, false, 0)]
    [InlineData(400, true, 0)]
    public async Task FailOver_IsCountedWhereAnotherModelAnswered(int others, bool compares, int counted)
    {
        using var failOvers = new Meters(_gateway.App.Services.GetRequiredService<GatewayMetrics>().FailOvers);
        (string, string)[] asks = compares ? [("x-router-compare", "always")] : [];
        var chosen = (await _gateway.PostAsync(Chat, Body("auto"), asks)).Headers["x-router-model"];
        foreach (var (model, upstream) in _of)
        {
            upstream.Script = (context, _) => model == chosen ? ScriptedUpstream.FailAsync(context, 500) : others == 200 ? Task.FromResult(false) : ScriptedUpstream.FailAsync(context, others);
        }

        var answer = await _gateway.PostAsync(Chat, Body("auto"), asks);

        answer.Status.ShouldBe(others, answer.Text);
        failOvers.Sum.ShouldBe(counted);
        ((int)(await _gateway.GetAsync("/v1/console/overview")).Body["totals"]!["fallbacks"]!).ShouldBe(counted);
    }

    [Fact]
    public async Task FailOver_RequestTheUpstreamRefuses_IsNotTriedElsewhere()
    {
        foreach (var upstream in _of.Values)
        {
            upstream.Script = (context, _) => ScriptedUpstream.FailAsync(context, 400, "max_tokens is too large");
        }

        var answer = await _gateway.PostAsync(Chat, Body("auto"));

        answer.Status.ShouldBe(400);
        answer.Message.ShouldBe("max_tokens is too large");
        _of.Values.Sum(u => u.Calls).ShouldBe(1);
    }

    /// <summary>As OpenAI, its reasoning models, vLLM, new and old, and Anthropic say it. Whoever asks for auto cannot know what the model that is chosen will not take.</summary>
    [Theory]
    [InlineData("""{"error":{"message":"'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}""", "parameter")]
    [InlineData("""{"error":{"message":"'temperature' does not support 0.2 with this model.","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}""", "parameter")]
    [InlineData("""{"error":{"message":"Unknown parameter: 'top_k'.","type":"invalid_request_error","param":"top_k","code":"unknown_parameter"}}""", "parameter")]
    [InlineData("""{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}""", "ContextWindow")]
    [InlineData("""{"error":{"message":"This model's maximum context length is 8192 tokens. However, your request has 9000 input tokens.","type":"BadRequestError","param":null,"code":400}}""", "ContextWindow")]
    [InlineData("""{"object":"error","message":"This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.","type":"BadRequestError","param":null,"code":400}""", "ContextWindow")]
    [InlineData("""{"error":{"message":"Billing hard limit has been reached","type":"invalid_request_error","param":null,"code":"billing_hard_limit_reached"}}""", "credit")]
    [InlineData("""{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}""", "credit")]
    [InlineData("""{"error":{"message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}""", "credit")]
    public async Task FailOver_RequestThatOnlyTheChosenModelRefuses_IsAnsweredByAnother(string refusal, string told)
    {
        var body = Body("auto").Insert(1, "\"max_tokens\":9,");
        var first = (await _gateway.PostAsync(Chat, body)).Headers["x-router-model"];
        _of[first].Script = Refusing(400, refusal);

        foreach (var path in (string[])[Chat, "/v1/messages"])
        {
            var answer = await _gateway.PostAsync(path, body);

            answer.Status.ShouldBe(200, answer.Text);
            (answer.Headers["x-router-reason"], answer.Headers["x-router-attempts"]).ShouldBe(("fail_over", "2"));
        }

        var line = _gateway.Log.Where(l => l.Text.Contains("refuses requests", StringComparison.Ordinal)).ShouldHaveSingleItem().Text;
        line.ShouldContain(first);
        line.ShouldContain(told);
        (await _gateway.PostAsync(Chat, Body(first))).Text.ShouldBe(refusal);
        foreach (var upstream in _of.Values)
        {
            upstream.Script = Refusing(400, refusal);
        }

        var none = await _gateway.PostAsync(Chat, body);
        (none.Status, none.Text).ShouldBe((400, refusal));
    }

    /// <summary>A proxy before the model says it in HTML; long requests must not close the model to everybody.</summary>
    [Fact]
    public async Task Refusal_TooLargeForTheUpstreamsProxy_IsTheRequestsFaultAndNotTheEndpoints()
    {
        _of[Strong].Script = async (context, _) =>
        {
            (context.Response.StatusCode, context.Response.ContentType) = (413, "text/html");
            await context.Response.WriteAsync("<html><head><title>413 Request Entity Too Large</title></head></html>");
            return true;
        };

        for (var i = 0; i < 3; i++)
        {
            (await _gateway.PostAsync(Chat, Body(Strong))).ShouldFail(413, "upstream_refused", Strong, "too large");
        }

        _of[Strong].Script = (_, _) => Task.FromResult(false);
        (await _gateway.PostAsync(Chat, Body(Strong))).Status.ShouldBe(200);
    }

    /// <summary>As OpenRouter, LiteLLM's proxy and Azure's filter say it. Some users' prompts must not close the model to everybody.</summary>
    [Theory]
    [InlineData("""{"error":{"code":403,"message":"Your input was flagged","metadata":{"reasons":["violence"],"flagged_input":"how to","provider_name":"OpenAI","model_slug":"openai/gpt-4o"}}}""")]
    [InlineData("""{"error":{"message":"filtered","type":null,"param":"prompt","code":"content_filter"}}""")]
    [InlineData("""{"error":{"message":"no","type":"invalid_request_error","param":null,"code":"content_policy_violation"}}""")]
    public async Task Refusal_403ForThePrompt_IsTheRequestsFaultAndNotTheEndpoints(string body)
    {
        _of[Strong].Script = Refusing(403, body);

        for (var i = 0; i < 3; i++)
        {
            var answer = await _gateway.PostAsync(Chat, Body(Strong));
            (answer.Status, answer.Text).ShouldBe((403, body));
        }

        _of[Strong].Calls.ShouldBe(3);
        (await _gateway.PostAsync(Chat, Body(Strong))).Status.ShouldBe(403); // and not 503: it is not left alone
    }

    [Theory]
    [InlineData("""{"error":{"code":403,"message":"This key was flagged and disabled"}}""")]
    [InlineData("""{"error":{"code":403,"message":"no","metadata":{"reasons":[]}}}""")]
    [InlineData("""{"error":{"code":"content_filter_disabled","message":"no","metadata":"content_filter"}}""")]
    [InlineData("""{"error":"content_filter"}""")]
    [InlineData("<html>Forbidden</html>")]
    public async Task Refusal_403ForTheKey_CountsAgainstTheEndpoint(string body)
    {
        _of[Strong].Script = Refusing(403, body);

        for (var i = 0; i < 2; i++)
        {
            (await _gateway.PostAsync(Chat, Body(Strong))).ShouldFail(502, "upstream_failed", "status 403", "key or rights");
        }

        (await _gateway.PostAsync(Chat, Body(Strong))).ShouldFail(503, "upstream_resting");
        _gateway.Log.ShouldNotContain(l => l.Text.Contains("at the store", StringComparison.Ordinal));
    }

    /// <summary>As some do that find out late.</summary>
    [Fact]
    public async Task FailOver_ErrorUnderStatus200_IsAFailure()
    {
        var first = (string)(await _gateway.PostAsync("/v1/router/route", """{"input":"hello"}""")).Body["model"]!;
        _of[first].Script = async (context, _) =>
        {
            await context.Response.WriteAsync("""{"error":{"message":"the provider is overloaded","code":502}}""");
            return true;
        };

        var answer = await _gateway.PostAsync(Chat, Body("auto"));

        answer.Status.ShouldBe(200, answer.Text);
        answer.Headers["x-router-reason"].ShouldBe("fail_over");
        answer.Body.ContainsKey("choices").ShouldBeTrue();
        (await _gateway.PostAsync(Chat, Body(first))).ShouldFail(502, "upstream_failed", first, "an error");
    }

    private static Func<HttpContext, JsonObject, Task<bool>> Refusing(int status, string body) => async (context, _) =>
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsync(body);
        return true;
    };
}
