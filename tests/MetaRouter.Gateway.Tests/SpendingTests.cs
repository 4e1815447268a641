using System.Globalization;
using System.Text.Json.Nodes;
using MetaRouter.Gateway.Limits;
using MetaRouter.Hosting.Stores;
using MetaRouter.RouterContract;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

/// <summary>What is set aside of a budget before an answer, and what is taken from it whatever the upstream counted.</summary>
public sealed class SpendingTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions", Messages = "/v1/messages", Responses = "/v1/responses", Strong = "gpt-4o-2024-05-13", Weak = "mixtral-8x7b-instruct";

    /// <summary>Of <see cref="Strong"/>, US dollars a token.</summary>
    private const double Input = 5e-6, Output = 15e-6;

    private const string Long = "Explain in detail how a heat pump works, and when it is worth its price.";

    private ScriptedUpstream _upstream = null!;

    public async Task InitializeAsync() => _upstream = await ScriptedUpstream.StartAsync();

    public async Task DisposeAsync() => await _upstream.DisposeAsync();

    [Theory]
    [InlineData(Chat, "max_tokens", 5, 1, Strong)]
    [InlineData(Chat, "max_completion_tokens", 5, 1, Strong)]
    [InlineData(Chat, "max_tokens", 5, 10, Strong)]
    [InlineData(Chat, "max_tokens", 5, 10, "auto")]
    [InlineData(Chat, "max_tokens", 5, 1, "auto")]
    [InlineData(Chat, "max_completion_tokens", 5, 1, "auto")]
    [InlineData(Messages, "max_tokens", 5, 1, "auto")]
    [InlineData(Responses, "max_output_tokens", 16, 1, "auto")]
    [InlineData(Chat, "max_tokens", 5, 1, "router-metarouter-0")]
    public async Task Budget_AnswerWithALimit_HasNoMoreSetAsideThanItCanCost(string path, string limit, int tokens, int choices, string model)
    {
        var release = new TaskCompletionSource();
        _upstream.Script = async (_, _) =>
        {
            await release.Task;
            return false;
        };
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "1", "--Tenants:0:AllowedModels:0", Strong, "--Gateway:StrongModel", Strong, "--Gateway:WeakModel", Weak);

        var asked = gateway.PostAsync(path, Asked(path, model, Long, limit, tokens, choices).ToJsonString());
        await Eventually.TrueAsync(() => _upstream.Calls > 0, TimeSpan.FromSeconds(10));
        var held = await HeldUsdAsync(gateway);
        release.SetResult();

        (await asked).Headers["x-router-model"].ShouldBe(Strong);
        held.ShouldBeInRange(choices * tokens * Output, (choices * tokens * Output) + (90 * Input)); // a prompt is charged once, however many answers there are
    }

    [Fact]
    public async Task Budget_ComparisonWithALimit_HasNoMoreSetAsideThanBothAnswersCanCost()
    {
        var release = new TaskCompletionSource();
        _upstream.Script = async (_, _) =>
        {
            await release.Task;
            return false;
        };
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "1", "--Tenants:0:AllowedModels:0", Strong, "--Tenants:0:AllowedModels:1", Weak);
        var body = Asked(Chat, "auto", Long, "max_tokens", 5, 1);
        body["user"] = "ann";

        var asked = gateway.PostAsync(Chat, body.ToJsonString(), ("x-router-compare", "always"));
        await Eventually.TrueAsync(() => _upstream.Calls == 2, TimeSpan.FromSeconds(10));
        var held = await HeldUsdAsync(gateway);
        release.SetResult();

        (await asked).Body.ContainsKey("router_comparison").ShouldBeTrue();
        held.ShouldBeInRange(5 * Output, 1.1 * ((5 * Output) + (90 * Input))); // the weak model's prices are a tenth
    }

    /// <summary>What an answer can cost at its limit decides whether it fits: a budget's rest, and what the caller is ready to pay.</summary>
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 1)]
    [InlineData(true, 10)]
    public async Task RoutedRequest_ThatFitsAtItsLimit_IsAnswered(bool budget, int choices)
    {
        var most = ((90 * Input) + (choices * 5 * Output)).ToString(CultureInfo.InvariantCulture);
        await using var gateway = await StartAsync(["--Tenants:0:AllowedModels:0", Strong, .. budget ? (string[])["--Tenants:0:BudgetUsd", most] : []]);
        (string, string)[] ready = budget ? [] : [("x-router-max-cost-usd", most)];

        (await gateway.PostAsync(Chat, Asked(Chat, "auto", Long, "max_tokens", 1000, choices).ToJsonString(), ready)).Status.ShouldBe(budget ? 429 : 422);
        (await gateway.PostAsync(Chat, Asked(Chat, "auto", Long, "max_tokens", 5, choices).ToJsonString(), ready)).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData(Strong)]
    public async Task MaxCost_CountsEveryAnswerThatIsAskedFor(string model)
    {
        await using var gateway = await StartAsync("--Tenants:0:AllowedModels:0", Strong);

        (await gateway.PostAsync(Chat, Asked(Chat, model, Long, "max_tokens", 100, 1).ToJsonString(), ("x-router-max-cost-usd", "0.01"))).Status.ShouldBe(200);
        (await gateway.PostAsync(Chat, Asked(Chat, model, Long, "max_tokens", 100, 100).ToJsonString(), ("x-router-max-cost-usd", "0.01"))).ShouldFail(422, "no_model_allowed", "100 answers");
    }

    /// <summary>Upstreams bill the prompt once, however many answers are asked for.</summary>
    [Theory]
    [InlineData("auto")]
    [InlineData(Strong)]
    public async Task MaxCost_OfSeveralAnswers_CountsThePromptOnce(string model)
    {
        await using var gateway = await StartAsync("--Tenants:0:AllowedModels:0", Strong);
        var text = string.Concat(Enumerable.Repeat("A river and a stone. ", 1000)); // about 5,300 tokens: $0.026
        string Usd(double usd) => usd.ToString(CultureInfo.InvariantCulture);

        (await gateway.PostAsync(Chat, Asked(Chat, model, text, "max_tokens", 5, 10).ToJsonString(), ("x-router-max-cost-usd", Usd(6000 * Input)))).Status.ShouldBe(200);
        (await gateway.PostAsync(Chat, Asked(Chat, model, text, "max_tokens", 100, 10).ToJsonString(), ("x-router-max-cost-usd", Usd(1000 * Output)))).ShouldFail(422, "no_model_allowed", "10 answers");
    }

    /// <summary>Nor may one answer for another that would cost more than that.</summary>
    [Fact]
    public async Task MaxCost_OfSeveralAnswers_HoldsForWhoTakesOver()
    {
        await using var gateway = await StartAsync("--Tenants:0:AllowedModels:0", Strong, "--Tenants:0:AllowedModels:1", Weak);
        _upstream.Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);

        var answer = await gateway.PostAsync(Chat, Asked(Chat, "auto", Long, "max_tokens", 100, 10).ToJsonString(), ("x-router-max-cost-usd", (500 * Output).ToString(CultureInfo.InvariantCulture)));

        answer.ShouldFail(502, "upstream_failed", Weak);
        _upstream.Bodies.Select(b => (string)b["model"]!).ShouldBe([Weak]);
    }

    [Fact]
    public async Task MaxCost_OfSeveralAnswers_IsWhyADearModelIsLeftOut()
    {
        await using var gateway = await StartAsync("--Tenants:0:AllowedModels:0", Strong, "--Tenants:0:AllowedModels:1", Weak);

        (await gateway.PostAsync(Chat, Asked(Chat, "auto", Long, "max_tokens", 100, 10).ToJsonString(), ("x-router-max-cost-usd", (500 * Output).ToString(CultureInfo.InvariantCulture)))).Headers["x-router-model"].ShouldBe(Weak);

        var taken = (string)(await gateway.GetAsync("/v1/console/decisions")).Body["decisions"]!.AsArray().Single()!["id"]!;
        var why = (await gateway.GetAsync($"/v1/console/decisions/{taken}")).Body["candidates"]!.AsArray().ToDictionary(c => (string)c!["model"]!, c => (string?)c!["exclusion"]);
        (why[Strong], why[Weak]).ShouldBe(("over_cost_limit", null));
        why.Count(c => c.Value == "not_allowed").ShouldBe(why.Count - 2);
    }

    /// <summary>Each of the two stays below the limit; both together do not.</summary>
    [Fact]
    public async Task MaxCost_OfSeveralAnswersOfTwoModels_CountsThemAll()
    {
        await using var gateway = await StartAsync(
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15",
            "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "3", "--MetaRouter:Models:1:OutputPrice", "9");
        const string body = """{"model":"auto","n":2,"messages":[{"role":"user","content":"hello"}]}""";
        var route = (await gateway.PostAsync("/v1/router/route", """{"input":"hello","compare":true}""")).Body;
        var predicted = route["ranking"]!.AsArray().ToDictionary(r => (string)r!["model"]!, r => (double)r!["cost_usd"]!);
        async Task<bool> ComparesAsync(double most) =>
            (await gateway.PostAsync(Chat, body, ("x-router-compare", "always"), ("x-router-max-cost-usd", most.ToString("R", CultureInfo.InvariantCulture)))).Headers.ContainsKey("x-router-offered");

        (await ComparesAsync(2.1 * predicted.Values.Sum())).ShouldBeTrue();
        (await ComparesAsync(2 * predicted.Values.Max())).ShouldBeFalse();
    }

    /// <summary>At xAI and at Google's OpenAI-compatible address what a model thought is in the total alone, and is billed as the rest of its answer.</summary>
    [Theory]
    [InlineData(Chat, false)]
    [InlineData(Chat, true)]
    [InlineData(Messages, false)]
    [InlineData(Messages, true)]
    [InlineData(Responses, false)]
    [InlineData(Responses, true)]
    public async Task Usage_ThoughtsThatOnlyTheTotalHas_ArePaidForAsPartOfTheAnswer(string path, bool streams)
    {
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "1");
        Answer(streams, """{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":2000,"completion_tokens_details":{"reasoning_tokens":900}}""");

        var text = await SendAsync(gateway, path, Asked(path, Strong, "hello", Limit(path), 1000, 1), streams);

        (await HeldUsdAsync(gateway)).ShouldBe((1000 * Input) + (1000 * Output), 1e-8);
        if (path != Chat)
        {
            text.ShouldContain("\"output_tokens\":1000");
        }

        text.Contains("\"reasoning_tokens\":900", StringComparison.Ordinal).ShouldBe(path != Messages); // which has no place for it
    }

    /// <summary>A count that is missing, or cannot be, is estimated; the other one counts. About four bytes are a token.</summary>
    [Theory]
    [InlineData("""{"prompt_tokens":-1,"completion_tokens":100}""", 1000, 100, "counted")]
    [InlineData("""{"completion_tokens":100}""", 1000, 100, "counted")]
    [InlineData("""{"prompt_tokens":800}""", 800, 10, "counted")]
    [InlineData("""{"prompt_tokens":800,"completion_tokens":-100,"total_tokens":700}""", 800, 10, "counted")]
    [InlineData("""{"prompt_tokens":4294967295,"completion_tokens":100,"total_tokens":4294967395}""", 1000, 100, "counted")]
    [InlineData("""{"prompt_tokens":800,"completion_tokens":4294967295}""", 800, 10, "counted")]
    [InlineData("""{"prompt_tokens":800,"completion_tokens":100,"total_tokens":4294967295}""", 800, 100, "usage")]
    [InlineData("""{"prompt_tokens":800,"completion_tokens":100,"total_tokens":0}""", 800, 100, "usage")]
    [InlineData("""{"prompt_tokens":9223372036854775807,"completion_tokens":9223372036854775807}""", 1000, 10, "counted")]
    [InlineData("""{}""", 1000, 10, "counted")]
    public async Task Usage_ThatIsAbsurdOrHalf_TakesFromTheBudgetWhatWasReallySent(string usage, int prompt, int completion, string source)
    {
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "1");
        Answer(false, usage);

        var answer = await gateway.PostAsync(Chat, Asked(Chat, Strong, new string('a', 4000), "max_tokens", 100, 1).ToJsonString());

        answer.Headers["x-router-cost-source"].ShouldBe(source);
        (await HeldUsdAsync(gateway)).ShouldBe((prompt * Input) + (completion * Output), 1e-8);
    }

    /// <summary>A stream that ends before its usage, or began with one, is paid for as far as it came.</summary>
    [Theory]
    [InlineData("first", 1 + 1000)]
    [InlineData("each", 700)] // the upstream's own count as far as it goes
    [InlineData("none", 1000)]
    public async Task Stream_BreaksOffAfterSomeUsage_PaysForTheTextAfterIt(string counts, int completion)
    {
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "1");
        _upstream.Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await Event("", counts == "none" ? 0 : 1);
            for (var i = 1; i <= 10; i++)
            {
                await Event(new string('a', 400), counts == "each" ? 70 * i : 0);
            }

            await context.Response.Body.FlushAsync();
            await Task.Delay(200);
            context.Abort();
            return true;

            Task Event(string text, int count)
            {
                var usage = count == 0 ? null : new JsonObject { ["prompt_tokens"] = 1000, ["completion_tokens"] = count, ["total_tokens"] = 1000 + count };
                return context.Response.WriteAsync($"data: {new JsonObject { ["id"] = "x", ["model"] = "m", ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = new JsonObject { ["content"] = text } }), ["usage"] = usage }.ToJsonString()}\n\n");
            }
        };

        await SendAsync(gateway, Chat, Asked(Chat, Strong, new string('a', 4000), "max_tokens", 2000, 1), streams: true);

        (await HeldUsdAsync(gateway)).ShouldBe((1000 * Input) + (completion * Output), 1e-8);
    }

    /// <summary>A model that costs nothing fits every budget, also one that an answer before took more of than there was.</summary>
    [Theory]
    [InlineData("auto:quality")]
    [InlineData(Weak)]
    public async Task Budget_Overspent_LeavesTheModelsThatAreFree(string model)
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "0.005", "--Tenants:0:UserBudgetUsd", "0.005", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15",
            "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "0", "--MetaRouter:Models:1:OutputPrice", "0");
        (await gateway.PostAsync(Chat, Ann(Strong))).Headers["x-router-cost-usd"].ShouldBe("0.0065");
        (await gateway.PostAsync(Chat, Ann(Strong))).ShouldFail(429, "budget_exceeded");

        (await gateway.PostAsync(Chat, Ann(model))).Headers["x-router-model"].ShouldBe(Weak);

        _upstream.Script = (context, body) => ScriptedUpstream.FailAsync(context, (string)body["model"]! == Weak ? 500 : 418);
        (await gateway.PostAsync(Chat, Ann(model))).ShouldFail(502, "upstream_failed", Weak); // and whoever would take over is not free

        _upstream.Bodies.Count(b => (string)b["model"]! == Strong).ShouldBe(1);
        (await HeldUsdAsync(gateway)).ShouldBe(0.0065, 1e-8);

        static string Ann(string model)
        {
            var body = Asked(Chat, model, "hello", "max_tokens", 10, 1);
            body["user"] = "ann";
            return body.ToJsonString();
        }
    }

    /// <summary>Where the operator wants every stream's tokens counted, no client can have them estimated instead; none is shown what it did not ask for.</summary>
    [Theory]
    [InlineData("""{"include_usage":false}""")]
    [InlineData("""{}""")]
    [InlineData("""{ "include_obfuscation" : false }""")]
    [InlineData("null")]
    public async Task AskUsage_ClientThatWantsNone_IsCountedAllTheSame(string options)
    {
        await using var gateway = await StartAsync("--Upstreams:0:AskUsage", "true");
        var body = Asked(Chat, Strong, "hello", "max_tokens", 10, 1);
        body["stream_options"] = JsonNode.Parse(options);

        var text = await SendAsync(gateway, Chat, body, streams: true);

        var sent = _upstream.Bodies.Single()["stream_options"]!.AsObject();
        ((bool)sent["include_usage"]!).ShouldBeTrue();
        sent.ContainsKey("include_obfuscation").ShouldBe(options.Contains("obfuscation", StringComparison.Ordinal));
        text.ShouldContain(" usage\n");
        text.ShouldNotContain("prompt_tokens");
    }

    /// <summary>Which of its two names an upstream knows a limit by is not known here.</summary>
    [Fact]
    public async Task Budget_TwoLimits_SetsAsideByTheWider()
    {
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "0.0001");
        var body = Asked(Chat, Strong, Long, "max_completion_tokens", 1, 1);
        var narrow = await gateway.PostAsync(Chat, body.ToJsonString());
        body["max_tokens"] = 30;
        var wide = await gateway.PostAsync(Chat, body.ToJsonString());

        (NeededUsd(wide) - NeededUsd(narrow)).ShouldBe(29 * Output, 1e-7);

        static double NeededUsd(Answer refused)
        {
            refused.ShouldFail(429, "budget_exceeded");
            return double.Parse(refused.Message.Split("expected to cost $")[1].Split(' ')[0], CultureInfo.InvariantCulture);
        }
    }

    /// <summary>A prompt that is written to the cache has a price of its own.</summary>
    [Theory]
    [InlineData("cache_write_tokens")]
    [InlineData("cache_creation_tokens")]
    public async Task Usage_AsOpenRouterAndLiteLlmTellIt_CostsWrittenTokensAtTheirPrice(string written)
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15",
            "--MetaRouter:Models:0:CachedInputPrice", "0.5", "--MetaRouter:Models:0:CacheWritePrice", "6.25");
        Answer(false, $$"""{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100,"prompt_tokens_details":{"cached_tokens":600,"{{written}}":300} }""");

        await SendAsync(gateway, Chat, Asked(Chat, Strong, "hello", "max_tokens", 100, 1), streams: false);

        (await HeldUsdAsync(gateway)).ShouldBe((100 * Input) + (600 * 0.5e-6) + (300 * 6.25e-6) + (100 * Output), 1e-8);
    }

    /// <summary>Moonshot tells what a stream took within its choice, and what of it was cached beside the counts, as DeepSeek does.</summary>
    [Theory]
    [InlineData(false, "cached_tokens")]
    [InlineData(true, "cached_tokens")]
    [InlineData(false, "prompt_cache_hit_tokens")]
    public async Task Usage_AsMoonshotAndDeepSeekTellIt_CostsCachedTokensAtTheirPrice(bool streams, string cached)
    {
        var usage = $$"""{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100,"{{cached}}":600}""";
        await using var gateway = await RunningGateway.StartAsync(
            "--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15", "--MetaRouter:Models:0:CachedInputPrice", "0.5");
        if (streams)
        {
            _upstream.Script = async (context, _) =>
            {
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync($$"""data: {"id":"x","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{{usage}}}]}""" + "\n\ndata: [DONE]\n\n");
                return true;
            };
        }
        else
        {
            Answer(false, usage);
        }

        await SendAsync(gateway, Chat, Asked(Chat, Strong, "hello", "max_tokens", 100, 1), streams);

        (await HeldUsdAsync(gateway)).ShouldBe((400 * Input) + (600 * 0.5e-6) + (100 * Output), 1e-8);
    }

    /// <summary>Some upstreams give what a model thought under its old name and its new one.</summary>
    [Fact]
    public async Task Counted_ThoughtsUnderTwoNames_AreCountedOnce()
    {
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "1");
        var thought = new string('t', 400);
        _upstream.Script = async (context, _) =>
        {
            await context.Response.WriteAsync($$"""{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","reasoning":"{{thought}}","reasoning_content":"{{thought}}","content":"0123456789012345678901234567890123456789"},"finish_reason":"stop"}]}""");
            return true;
        };

        await gateway.PostAsync(Chat, Asked(Chat, Strong, new string('a', 4000), "max_tokens", 1000, 1).ToJsonString());

        (await HeldUsdAsync(gateway)).ShouldBe((1000 * Input) + (110 * Output), 1e-8);
    }

    /// <summary>Some tell within the choice what a stream took, and at its end nothing but zeros.</summary>
    [Fact]
    public async Task Usage_OfNothingAfterAll_TakesNothingBack()
    {
        await using var gateway = await StartAsync();
        _upstream.Script = async (context, _) =>
        {
            await context.Response.WriteAsync("""{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop","usage":{"prompt_tokens":1000,"completion_tokens":100}}],"usage":{"prompt_tokens":0,"completion_tokens":0}}""");
            return true;
        };

        var answer = await gateway.PostAsync(Chat, Asked(Chat, Strong, "hello", "max_tokens", 100, 1).ToJsonString());

        (answer.Headers["x-router-cost-usd"], answer.Headers["x-router-cost-source"]).ShouldBe(("0.0065", "usage"));
    }

    [Theory]
    [InlineData("refusal", "\"no\"", 1)]
    [InlineData("refusal", "\"0123456789\"", 3)]
    [InlineData("tool_calls", """[{"id":"c","type":"function","function":{"name":"f","arguments":"0123456789"}}]""", 3)]
    public async Task Counted_WhatIsSaidOtherwise_IsPaidForToo(string field, string value, int tokens)
    {
        await using var gateway = await StartAsync();
        _upstream.Script = async (context, _) =>
        {
            await context.Response.WriteAsync($$$"""{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"{{{field}}}":{{{value}}}},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000}}""");
            return true;
        };

        var answer = await gateway.PostAsync(Chat, Asked(Chat, Strong, "hello", "max_tokens", 100, 1).ToJsonString());

        double.Parse(answer.Headers["x-router-cost-usd"], CultureInfo.InvariantCulture).ShouldBe((1000 * Input) + (tokens * Output), 1e-9);
    }

    /// <summary>An upstream that opened a stream had the prompt and did not refuse it; one whose first word is an error did.</summary>
    [Theory]
    [InlineData("ends", 0.005)] // 1,000 tokens at $5
    [InlineData("breaks off", 0.005)]
    [InlineData("fails", 0)]
    public async Task Stream_OpenedAndNotBegun_PaysForThePrompt(string how, double usd)
    {
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "1");
        _upstream.Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync(how == "fails" ? "data: {\"error\":{\"message\":\"overloaded\"}}\n\n" : ": working\n\n");
            await context.Response.Body.FlushAsync();
            await Task.Delay(100);
            if (how == "breaks off")
            {
                context.Abort();
            }

            return true;
        };
        var body = Asked(Chat, Strong, new string('a', 4000), "max_tokens", 100, 1);
        body["stream"] = true;

        (await gateway.PostAsync(Chat, body.ToJsonString())).ShouldFail(502, "upstream_failed");

        (await HeldUsdAsync(gateway)).ShouldBe(usd, 1e-8);
    }

    /// <summary>Of several answers in one stream each has its own end; half of one is never passed off as whole because another is.</summary>
    [Theory]
    [InlineData("""{"index":0,"delta":{"content":"a"}}|{"index":1,"delta":{"content":"b"}}|{"index":0,"delta":{},"finish_reason":"stop"}""", false)]
    [InlineData("""{"index":0,"delta":{"content":"a"}}|{"index":1,"delta":{"content":"b"}}|{"delta":{},"finish_reason":"stop","index":1}""", false)]
    [InlineData("""{"index":0,"delta":{"content":"a"}}|{"index":1,"delta":{"content":"b"}}|{"delta":{},"finish_reason":"stop","index":1}|{"index":0,"delta":{},"finish_reason":"length"}""", true)]
    [InlineData("""{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}|{"index":0,"delta":{},"finish_reason":"stop"},{"index":1,"delta":{},"finish_reason":"stop"}""", true)]
    [InlineData("""{"delta":{"tool_calls":[{"index":0,"function":{"name":"f"}},{"index":1,"function":{"name":"g"}}]}}|{"delta":{},"finish_reason":"tool_calls"}""", true)]
    public async Task Stream_OfSeveralAnswers_IsWholeWhenAllOfThemAre(string chunks, bool whole)
    {
        await using var gateway = await StartAsync();
        _upstream.Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            foreach (var chunk in chunks.Split('|'))
            {
                await context.Response.WriteAsync($$"""data: {"id":"x","model":"m","choices":[{{chunk}}]}""" + "\n\n");
            }

            return true; // and closes the connection in order, without [DONE]
        };

        var text = await SendAsync(gateway, Chat, Asked(Chat, Strong, "hello", "max_tokens", 100, 2), streams: true);

        text.Contains("data: [DONE]", StringComparison.Ordinal).ShouldBe(whole);
        text.Contains("upstream_broke_off", StringComparison.Ordinal).ShouldBe(!whole);
    }

    [Fact]
    public async Task Counted_PromptOfLongCharacters_GoesByItsBytes()
    {
        await using var gateway = await StartAsync("--Tenants:0:BudgetUsd", "1");
        Answer(false, "null");

        await gateway.PostAsync(Chat, Asked(Chat, Strong, new string('中', 4000), "max_tokens", 100, 1).ToJsonString());

        (await HeldUsdAsync(gateway)).ShouldBe((3000 * Input) + (10 * Output), 1e-8);
    }

    /// <summary>Whole, streamed, left, refused, failed, broken off, compared, taken over, many at once: in the end the budgets hold what it all cost, and nothing else.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Budget_WhateverBecomesOfManyCallsAtOnce_HoldsWhatTheyCost(int seed)
    {
        var gateway = await StartAsync("--Tenants:0:BudgetUsd", "100", "--Tenants:0:UserBudgetUsd", "50", "--Upstreams:0:TimeoutSeconds", "3", "--Gateway:CircuitFailures", "1000");
        await using var stopped = gateway;
        var (scripts, next) = (new Random(seed), new Lock());
        _upstream.Script = async (context, body) =>
        {
            int what;
            lock (next)
            {
                what = scripts.Next(8);
            }

            switch (what)
            {
                case 0:
                    return await ScriptedUpstream.FailAsync(context, 400);
                case 1:
                    return await ScriptedUpstream.FailAsync(context, 500);
                case 2:
                    context.Abort();
                    return true;
                case 3:
                    await Task.Delay(TimeSpan.FromSeconds(10), context.RequestAborted);
                    return true;
                case 4 when (bool?)body["stream"] == true:
                    await _upstream.EventAsync(context, new string('h', 100));
                    await Task.Delay(50);
                    context.Abort();
                    return true;
                default:
                    await Task.Delay(20);
                    return false;
            }
        };
        using var cost = new Meters(gateway.App.Services.GetRequiredService<GatewayMetrics>().CostUsd);
        var random = new Random(seed + 100);

        await Task.WhenAll(Enumerable.Range(0, 80).Select(i => (i, Kind: random.Next(5), Wait: random.Next(400))).Select(async call =>
        {
            var body = Asked(Chat, call.Kind == 0 ? Strong : "auto", call.Kind == 4 ? "endless" : Long, "max_tokens", 50, 1 + (call.i % 2));
            (body["user"], body["stream"]) = (call.i % 3 == 0 ? null : $"u{call.i % 3}", call.Kind > 2);
            using var leaves = new CancellationTokenSource();
            if (call.Kind == 4 || call.i % 7 == 0)
            {
                leaves.CancelAfter(300 + call.Wait);
            }

            using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(body.ToJsonString()) };
            if (call.Kind == 1)
            {
                request.Headers.Add("x-router-compare", "always");
            }

            try
            {
                using var response = await gateway.Client.SendAsync(request, leaves.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or HttpRequestException)
            {
                // It left, or its answer was cut.
            }
        }));
        await gateway.App.StopAsync(); // which waits for what is still to be settled

        var held = JsonNode.Parse(gateway.App.Services.GetRequiredService<MemorySharedState>().Write(-1).Bytes)!.AsArray();
        var own = held.Where(a => ((string)a!["Name"]!).Count(c => c == ':') == 1).Sum(a => (long)a!["Held"]!) * 1e-9;
        own.ShouldBe(cost.Sum, 2e-7); // each call is rounded up to a billionth
        own.ShouldBeGreaterThan(0.01);
        held.Where(a => ((string)a!["Name"]!).Count(c => c == ':') == 2).Sum(a => (long)a!["Held"]!).ShouldBeGreaterThan(0);
    }

    /// <summary>Forty bytes of answer with this usage.</summary>
    private void Answer(bool streams, string usage)
    {
        const string text = "0123456789012345678901234567890123456789";
        _upstream.Script = async (context, _) =>
        {
            context.Response.ContentType = streams ? "text/event-stream" : "application/json";
            await context.Response.WriteAsync(streams
                ? $$"""data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"{{text}}"},"finish_reason":"stop"}]}""" + "\n\n" + $$"""data: {"id":"x","model":"m","choices":[],"usage":{{usage}}}""" + "\n\ndata: [DONE]\n\n"
                : $$"""{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"{{text}}"},"finish_reason":"stop"}],"usage":{{usage}}}""");
            return true;
        };
    }

    private static string Limit(string path) => path == Responses ? "max_output_tokens" : "max_tokens";

    private static JsonObject Asked(string path, string model, string text, string limit, int tokens, int choices)
    {
        var body = new JsonObject { ["model"] = model, [limit] = tokens };
        body[path == Responses ? "input" : "messages"] = path == Responses ? text : new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text });
        if (choices > 1)
        {
            body["n"] = choices;
        }

        return body;
    }

    /// <returns>All that came, also of a stream that was cut.</returns>
    private static Task<string> SendAsync(RunningGateway gateway, string path, JsonObject body, bool streams)
    {
        body["stream"] = streams;
        return gateway.TextAsync(path, body.ToJsonString());
    }

    /// <summary>What the tenant's budget holds: what was spent, and what is set aside for calls in hand.</summary>
    private static async Task<double> HeldUsdAsync(RunningGateway gateway) =>
        ((await gateway.App.Services.GetRequiredService<Budgets>().StandingAsync("default", null, default)).Tenant ?? throw new InvalidOperationException("The tenant has no budget.")).SpentUsd;

    private Task<RunningGateway> StartAsync(params string[] settings) => RunningGateway.StartAsync(["--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, "--Tenants:0:Name", "default", .. settings]);
}
