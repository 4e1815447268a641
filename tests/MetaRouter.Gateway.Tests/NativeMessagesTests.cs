using System.Text;
using System.Text.Json.Nodes;
using MetaRouter.RouterContract;
using Microsoft.AspNetCore.Http;

namespace MetaRouter.Gateway.Tests;

/// <summary>Anthropic's Messages over upstreams that speak it themselves: <c>Upstreams:N:Messages</c>. The strong model has such a one, the others have not.</summary>
public sealed class NativeMessagesTests : ThreeUpstreams
{
    private const string Messages = "/v1/messages", ToStrong = "router-metarouter-0", ToWeak = "router-metarouter-1";

    /// <summary>Of <see cref="ScriptedMessages"/>: 100 new tokens at $5, 300 written at $6.25, 600 read at $0.50, and 100 of the answer at $15 a million.</summary>
    private const string Price = "0.004175";

    private protected override string[] More =>
    [
        "--Upstreams:0:Messages", "true", "--Upstreams:0:UpstreamModel", "claude-inner", "--Upstreams:0:ApiKey", "sk-1", "--MetaRouter:Models:0:CachedInputPrice", "0.5", "--MetaRouter:Models:0:CacheWritePrice", "6.25",
        "--Gateway:StrongModel", Strong, "--Gateway:WeakModel", Weak,
    ];

    [NodeFact]
    public async Task NpmClient_SeesThinkingAndItsSignature()
    {
        _of[Strong].Script = ClientsScript;

        ShouldSeeAll(await NodeFactAttribute.RunAsync("native.mjs", _gateway.Client.BaseAddress!.ToString().TrimEnd('/')));
    }

    [PythonFact]
    public void PythonClient_SeesThinkingAndItsSignature()
    {
        _of[Strong].Script = ClientsScript;

        ShouldSeeAll(JsonNode.Parse(PythonFactAttribute.Print(
            $"BASE_URL = \"{_gateway.Client.BaseAddress!.ToString().TrimEnd('/')}\"\n" + Repository.Read("tests", "MetaRouter.Gateway.Tests", "python", "anthropic_native.py")))!.AsObject());
    }

    private static Task<bool> ClientsScript(HttpContext context, JsonObject body) => (string)body["messages"]![0]!["content"]! switch
    {
        "refuse" => ScriptedMessages.RefuseAsync(context, 400, "invalid_request_error", "too spicy"),
        "fail" => ScriptedMessages.StreamAsync(context, [.. ScriptedMessages.Events("half").Take(9), ScriptedMessages.Error]),
        _ => Task.FromResult(false),
    };

    /// <summary>As the programs in the folders npm and python tell it.</summary>
    private void ShouldSeeAll(JsonObject seen)
    {
        foreach (var message in (JsonNode[])[seen["whole"]!, seen["stream"]!, seen["beta"]!])
        {
            ((string)message["id"]!).Length.ShouldBeGreaterThan(100);
            ((string)message["model"]!, (string)message["stop"]!, (string)message["text"]!).ShouldBe((Strong, "end_turn", "I am " + Strong));
            ((string)message["signature"]!).ShouldBe("EqQBCgIYAhIM1gbcDa9GJwZA2b3h");
            message["usage"]!.ToJsonString().ShouldBe("[100,300,600,100]");
        }

        seen["events"]!.AsArray().Select(e => (string)e!).Intersect(["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"]).Count().ShouldBe(6);
        ((string)seen["refused"]![0]!, (string)seen["refused"]![1]!).ShouldBe(("BadRequestError", "too spicy"));
        ((string)seen["failed"]![1]!).ShouldContain("Overloaded");
        _of.Values.Sum(u => u.Calls).ShouldBe(_of[Strong].Calls); // nobody else takes what asks for thinking
    }

    /// <summary>What a translation would lose is what agents save by.</summary>
    [Fact]
    public async Task Request_ReachesANativeUpstream_AsItCame()
    {
        const string asked = """
            { "max_tokens" : 64, "model":"gpt-4o-2024-05-13", "system":[{"type":"text","text":"Be brief. \u00e9","cache_control":{"type":"ephemeral","ttl":"1h"}}],
              "thinking":{"type":"adaptive"},"output_config":{"effort":"low"},"metadata":{"user_id":"ann"},"tools":[{"name":"f","input_schema":{},"cache_control":{"type":"ephemeral"}}],
              "messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"text","text":"Yes?"}]},{"role":"user","content":"So?"}] }
            """;

        var answer = await _gateway.PostAsync(Messages, asked, ("anthropic-beta", "context-1m-2025-08-07,other"), ("x-router-session", "s"));

        answer.Status.ShouldBe(200, answer.Text);
        var sent = _of[Strong].Asked;
        sent.Path.ShouldBe("/v1/messages");
        sent.Text.ShouldBe(asked.Replace(Strong, "claude-inner", StringComparison.Ordinal));
        (sent.Headers["anthropic-version"], sent.Headers["anthropic-beta"], sent.Headers["x-api-key"], sent.Headers["Authorization"]).ShouldBe(("2023-06-01", "context-1m-2025-08-07,other", "sk-1", "Bearer sk-1"));
        sent.Headers.Keys.ShouldNotContain(h => h.StartsWith("x-router", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Headers_OfTheClient_AreHandedOn_AndWhatCannotBeIsRefused()
    {
        (await _gateway.PostAsync(Messages, Asks(Strong), ("anthropic-version", "2099-01-01"))).Status.ShouldBe(200);

        _of[Strong].Asked.Headers["anthropic-version"].ShouldBe("2099-01-01");
        _of[Strong].Asked.Headers.ShouldNotContainKey("anthropic-beta");
        using var inUtf8 = new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 }) { BaseAddress = _gateway.Client.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Post, Messages) { Content = Json(Asks(Strong)) };
        request.Headers.TryAddWithoutValidation("anthropic-beta", "caf\u00e9");
        using var refused = await inUtf8.SendAsync(request);
        (await refused.Content.ReadAsStringAsync()).ShouldContain("The header anthropic-beta has a character other than visible ASCII");
        _of[Strong].Calls.ShouldBe(1);
    }

    [Fact]
    public async Task Answer_ComesAsTheUpstreamGaveIt_WithTheReceiptAndTheCatalogsModel()
    {
        var answer = await _gateway.PostAsync(Messages, Asks(ToStrong), ("x-router-user", "ann"));

        answer.Text.ShouldBe(ScriptedMessages.Whole(Strong).Replace("msg_up", answer.Headers["x-router-decision"], StringComparison.Ordinal).Replace("claude-up", Strong, StringComparison.Ordinal));
        (answer.Headers["x-router-model"], answer.Headers["x-router-cost-usd"], answer.Headers["x-router-cost-source"]).ShouldBe((Strong, Price, "usage"));
        answer.Headers["anthropic-ratelimit-requests-remaining"].ShouldBe("7");
        var told = await _gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = (string)answer.Body["id"]!, ["user"] = "ann", ["kind"] = "thumb", ["value"] = "up" }.ToJsonString());
        ((bool)told.Body["counted"]!).ShouldBeTrue(told.Text);
    }

    [Fact]
    public async Task Stream_ComesEventByEventAsTheUpstreamGaveIt()
    {
        var (text, headers) = await StreamTextAsync(Asks(ToStrong));

        text.ShouldBe(string.Concat(ScriptedMessages.Events(Strong))
            .Replace("msg_up", headers["x-router-decision"], StringComparison.Ordinal)
            .Replace("claude-up", Strong, StringComparison.Ordinal)
            .Replace(ScriptedMessages.Stop, $": x-router-cost-usd {Price} usage\n\n{ScriptedMessages.Stop}", StringComparison.Ordinal));
        text.ShouldContain("\"signature_delta\"");
        headers["anthropic-ratelimit-requests-remaining"].ShouldBe("7");
    }

    /// <summary>Who asks for a model by its name takes no decision: the answer keeps its own id.</summary>
    [Fact]
    public async Task Named_KeepsTheUpstreamsId()
    {
        ((string)(await _gateway.PostAsync(Messages, Asks(Strong))).Body["id"]!).ShouldBe("msg_up");
        (await StreamTextAsync(Asks(Strong))).Text.ShouldContain("\"id\":\"msg_up\"");
    }

    [Theory]
    [InlineData(Chat, """{"model":"gpt-4o-2024-05-13","messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData("/v1/responses", """{"model":"gpt-4o-2024-05-13","input":"hello"}""")]
    public async Task OtherApis_GoOnAsChatCompletions(string path, string body)
    {
        var answer = await _gateway.PostAsync(path, body);

        answer.Status.ShouldBe(200, answer.Text);
        _of[Strong].Asked.Path.ShouldBe(Chat);
        _of[Strong].Asked.Headers.ShouldNotContainKey("x-api-key");
        answer.Headers["x-router-cost-usd"].ShouldBe("0.0038"); // 400 x $5 + 600 x $0.50 + 100 x $15 a million
    }

    /// <summary>The whole is one receipt's, and nobody is charged for what Anthropic does not bill.</summary>
    [Theory]
    [InlineData("status", false)]
    [InlineData("status", true)]
    [InlineData("too long", false)]
    [InlineData("own words", true)]
    [InlineData("error under 200", false)]
    [InlineData("error first", true)]
    [InlineData("error after the opening", true)]
    [InlineData("ends after the opening", true)]
    [InlineData("silent after the opening", true)]
    [InlineData("reset", true)]
    public async Task FailOver_FromANativeUpstream_GoesToATranslatedOne(string how, bool streams)
    {
        _of[Strong].Script = async (context, _) => how switch
        {
            "status" => await ScriptedMessages.RefuseAsync(context, 529, "overloaded_error", "Overloaded"),
            "too long" => await ScriptedMessages.RefuseAsync(context, 400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"),
            "own words" => await ScriptedMessages.RefuseAsync(context, 400, "invalid_request_error", "This model does not support the effort parameter."),
            "error under 200" => await ScriptedMessages.RefuseAsync(context, 200, "overloaded_error", "Overloaded"),
            "error first" => await ScriptedMessages.StreamAsync(context, ScriptedMessages.Error),
            "error after the opening" => await ScriptedMessages.StreamAsync(context, ScriptedMessages.Start, ScriptedMessages.Event("ping", ""), ScriptedMessages.Error),
            "ends after the opening" => await ScriptedMessages.StreamAsync(context, ScriptedMessages.Start),
            "silent after the opening" => await ScriptedMessages.StreamAsync(context, ScriptedMessages.Start) && await Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted).ContinueWith(_ => true, TaskScheduler.Default),
            _ => Abort(context),
        };

        var model = streams ? await StreamedModelAsync(Asks(ToStrong)) : (string)(await _gateway.PostAsync(Messages, Asks(ToStrong))).Body["model"]!;

        model.ShouldBe(Weak);
        _of[Weak].Asked.Path.ShouldBe(Chat);
        _of[Weak].Bodies.Single()["messages"]!.ToJsonString().ShouldBe("""[{"role":"user","content":"hello"}]""");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FailOver_FromATranslatedUpstream_GoesToANativeOne(bool streams)
    {
        _of[Weak].Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);

        var model = streams ? await StreamedModelAsync(Asks(ToWeak)) : (string)(await _gateway.PostAsync(Messages, Asks(ToWeak))).Body["model"]!;

        model.ShouldBe(Strong);
        _of[Strong].Asked.Path.ShouldBe(Messages);
        _of[Strong].Bodies.Single()["max_tokens"]!.GetValue<int>().ShouldBe(100);
    }

    [Fact]
    public async Task Stream_ErrorInTheMiddle_IsHandedOnAndCut()
    {
        _of[Strong].Script = (context, _) => ScriptedMessages.StreamAsync(context, [.. ScriptedMessages.Events("half").Take(4), ScriptedMessages.Error]);

        var events = await _gateway.StreamAsync(Messages, Asks(ToStrong));

        events[^1].ToJsonString().ShouldBe("""{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}""");
        ((string)(await _gateway.StreamAsync(Messages, Asks(ToStrong)))[^1]["type"]!).ShouldBe("error");
        (await _gateway.PostAsync(Messages, Asks(Strong))).Status.ShouldBe(503); // two in a row: it is left alone
    }

    [Theory]
    [InlineData("breaks off")]
    [InlineData("falls silent")]
    [InlineData("ends before message_delta")]
    public async Task Stream_ThatBreaksOff_EndsInAnthropicsErrorEvent(string how)
    {
        _of[Strong].Script = async (context, _) =>
        {
            await ScriptedMessages.StreamAsync(context, [.. ScriptedMessages.Events("half").Take(9)]);
            await (how == "falls silent" ? Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted) : Task.Delay(200)); // what is sent just before a reset may be lost

            return how == "breaks off" ? Abort(context) : true;
        };

        var events = await _gateway.StreamAsync(Messages, Asks(ToStrong));

        events.Select(e => (string)e["type"]!).ShouldBe([.. ScriptedMessages.Events("half").Take(9).Select(e => e.Split('\n')[0][7..]), "error"]);
        ((string)events[^1]["error"]!["code"]!).ShouldBe("upstream_broke_off");
    }

    /// <summary>Some end the stream without a word once the message has its reason to stop; nothing is missing then.</summary>
    [Fact]
    public async Task Stream_WithoutItsLastEvent_IsGivenOne()
    {
        _of[Strong].Script = (context, _) => ScriptedMessages.StreamAsync(context, [.. ScriptedMessages.Events("x").SkipLast(1)]);

        var (text, _) = await StreamTextAsync(Asks(ToStrong));

        text.ShouldEndWith($": x-router-cost-usd {Price} usage\n\nevent: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n");
    }

    /// <summary>The opening counts the prompt; of the answer there are 14 bytes of text and thoughts since, 4 tokens, and the one it counted.</summary>
    [Fact]
    public async Task Stream_ThatStopsWithoutCounting_CostsWhatCame()
    {
        _of[Strong].Script = (context, _) => ScriptedMessages.StreamAsync(context, [.. ScriptedMessages.Events("2 tokens").Where(e => e != ScriptedMessages.Delta)]);

        var (text, _) = await StreamTextAsync(Asks(ToStrong));

        text.ShouldContain(": x-router-cost-usd 0.00275 counted\n\n"); // $0.002675 of prompt, and 5 x $15 a million
    }

    /// <summary>Later counts are the whole, whatever the opening estimated.</summary>
    [Theory]
    [InlineData(""" "usage":{"input_tokens":100,"cache_creation_input_tokens":300,"cache_read_input_tokens":600,"output_tokens":100} """, Price)]
    [InlineData(""" "usage":{"input_tokens":1100,"cache_creation_input_tokens":300,"cache_read_input_tokens":600,"output_tokens":100} """, "0.009175")]
    public async Task Stream_LastCounts_AreTheWhole(string usage, string price)
    {
        _of[Strong].Script = (context, _) => ScriptedMessages.StreamAsync(context, [.. ScriptedMessages.Events("x").SkipLast(2), ScriptedMessages.Event("message_delta", """ "delta":{"stop_reason":"end_turn"}, """ + usage), ScriptedMessages.Stop]);

        (await StreamTextAsync(Asks(ToStrong))).Text.ShouldContain($": x-router-cost-usd {price} usage\n");
    }

    [Theory]
    [InlineData(400, "invalid_request_error", "messages.0.content: too spicy")]
    [InlineData(413, "request_too_large", "Request exceeds the maximum size")]
    [InlineData(403, "content_policy_violation", "flagged")]
    public async Task Refusal_IsToldInTheUpstreamsOwnWords(int status, string type, string message)
    {
        _of[Strong].Script = (context, _) => ScriptedMessages.RefuseAsync(context, status, type, message);

        var answer = await _gateway.PostAsync(Messages, Asks(ToStrong));

        (answer.Status, answer.Text).ShouldBe((status, $$$"""{"type":"error","error":{"type":"{{{type}}}","message":"{{{message}}}"},"request_id":"req_up"}"""));
        _of[Weak].Calls.ShouldBe(0);
    }

    /// <summary>Proxies that serve Anthropic's API may refuse in OpenAI's shape all the same.</summary>
    [Fact]
    public async Task Refusal_InOpenAisShape_IsToldInAnthropics()
    {
        _of[Strong].Script = (context, _) => ScriptedUpstream.FailAsync(context, 422, "too spicy");

        var answer = await _gateway.PostAsync(Messages, Asks(Strong));

        answer.Status.ShouldBe(422);
        ((string)answer.Body["type"]!, (string)answer.Body["error"]!["type"]!, (string)answer.Body["error"]!["message"]!).ShouldBe(("error", "invalid_request_error", "too spicy"));
    }

    [Fact]
    public async Task Refusal_ByItsRate_SaysWhenToTryAgain()
    {
        foreach (var upstream in _of.Values)
        {
            upstream.Script = (context, _) =>
            {
                context.Response.Headers.RetryAfter = "7";
                return ScriptedMessages.RefuseAsync(context, 429, "rate_limit_error", "slow down");
            };
        }

        var answer = await _gateway.PostAsync(Messages, Asks(ToStrong));

        (answer.Status, answer.Headers["Retry-After"], (string)answer.Body["error"]!["type"]!).ShouldBe((429, "7", "rate_limit_error"));
    }

    /// <summary>A turn that tools interrupt stays with the model whose thoughts are in it.</summary>
    [Fact]
    public async Task ToolTurn_StaysWithTheModelThatBeganIt()
    {
        _of[Strong].Script = (context, body) => body["messages"]!.AsArray().Count > 1 ? Task.FromResult(false) : ScriptedMessages.StreamAsync(
            context, ScriptedMessages.Start,
            ScriptedMessages.Event("content_block_start", """ "index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}} """),
            ScriptedMessages.Event("content_block_delta", """ "index":0,"delta":{"type":"input_json_delta","partial_json":"{}"} """),
            ScriptedMessages.Event("message_delta", """ "delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9} """), ScriptedMessages.Stop);
        const string tools = "\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],";
        (await StreamedModelAsync(Asks(ToStrong).Insert(1, tools))).ShouldBe(Strong);

        var goesOn = await _gateway.PostAsync(Messages, $$$"""
            {"model":"{{{ToWeak}}}","max_tokens":100,{{{tools}}}"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"1"}]}]}
            """);

        ((string)goesOn.Body["model"]!, goesOn.Headers["x-router-reason"]).ShouldBe((Strong, "only_allowed"));
    }

    /// <summary>The prompt is paid, and of the answer what came.</summary>
    [Fact]
    public async Task Client_ThatLeavesAStream_PaysForWhatCame()
    {
        _of[Strong].Script = async (context, _) =>
        {
            await ScriptedMessages.StreamAsync(context, [.. ScriptedMessages.Events("2 tokens").Take(9)]);
            await Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted).ContinueWith(_ => true, TaskScheduler.Default);
            return true;
        };
        using (var request = new HttpRequestMessage(HttpMethod.Post, Messages) { Content = Json(Asks(ToStrong).Insert(1, "\"stream\":true,")) })
        using (var client = new HttpClient { BaseAddress = _gateway.Client.BaseAddress })
        using (var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        using (var reader = new StreamReader(await response.Content.ReadAsStreamAsync()))
        {
            while (await reader.ReadLineAsync() is { } line && !line.Contains("2 tokens", StringComparison.Ordinal))
            {
            }
        }

        (await OnlyCostAsync()).ShouldBe(0.00275, 1e-9);
    }

    [Fact]
    public async Task Client_ThatLeavesBeforeTheAnswer_PaysForThePrompt()
    {
        _of[Strong].Script = (context, _) => Task.Delay(TimeSpan.FromMinutes(1), context.RequestAborted).ContinueWith(_ => true, TaskScheduler.Default);
        using var leaves = new CancellationTokenSource();
        var asked = _gateway.Client.PostAsync(Messages, Json(Asks(Strong)), leaves.Token);
        await Eventually.TrueAsync(() => _of[Strong].Calls > 0, TimeSpan.FromSeconds(10));

        await leaves.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(asked);
        (await OnlyCostAsync()).ShouldBeGreaterThan(0);
    }

    /// <summary>Who answers is noted, and what is said of the answer is learned.</summary>
    [Fact]
    public async Task Observed_AnswerOfANativeUpstream_TakesFeedback()
    {
        var answer = await _gateway.PostAsync(Messages, Asks("auto:cheap"), ("x-router-mode", "observe"), ("x-router-user", "ann"));

        (answer.Headers["x-router-model"], answer.Headers.ContainsKey("x-router-observed")).ShouldBe((Strong, true));
        ((string)answer.Body["id"]!).ShouldBe(answer.Headers["x-router-decision"]);
        var told = await _gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = (string)answer.Body["id"]!, ["user"] = "ann", ["kind"] = "thumb", ["value"] = "up" }.ToJsonString());
        ((bool)told.Body["counted"]!).ShouldBeTrue(told.Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Budget_OfANativeAnswer_HoldsWhatItCost(bool streams)
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15", "--MetaRouter:Models:0:CachedInputPrice", "0.5", "--MetaRouter:Models:0:CacheWritePrice", "6.25",
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _of[Strong].Url, "--Upstreams:0:Messages", "true", "--Tenants:0:Name", "default", "--Tenants:0:BudgetUsd", "1");

        await (streams ? gateway.StreamAsync(Messages, Asks("auto")) : (Task)gateway.PostAsync(Messages, Asks("auto")));

        ((double)(await gateway.GetAsync("/v1/router/budget")).Body["spent_usd"]!).ShouldBe(0.004175, 1e-8);
    }

    [Fact]
    public async Task Metrics_OfANativeCall_SayWhoseFormatIsSpoken()
    {
        await _gateway.PostAsync(Messages, Asks(Strong));

        using var metrics = await _gateway.Client.GetAsync("/metrics");
        var lines = (await metrics.Content.ReadAsStringAsync()).Split('\n');
        lines.ShouldContain(l => l.StartsWith("gen_ai_client_token_usage_sum{", StringComparison.Ordinal) && l.Contains("gen_ai_provider_name=\"anthropic\"", StringComparison.Ordinal)
            && l.Contains("gen_ai_token_type=\"input\"", StringComparison.Ordinal) && l.Contains("} 1000", StringComparison.Ordinal));
    }

    /// <summary>Asked for again it is a regenerate, as in any form.</summary>
    [Fact]
    public async Task ImplicitSignals_OfNativeAnswers_AreNoticed()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Gateway:ImplicitSignals", "true", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _of[Strong].Url, "--Upstreams:0:Messages", "true");

        await gateway.PostAsync(Messages, Asks("auto"), ("x-router-user", "ann"));
        await gateway.PostAsync(Messages, Asks("auto"), ("x-router-user", "ann"));

        using var metrics = await gateway.Client.GetAsync("/metrics");
        (await metrics.Content.ReadAsStringAsync()).ShouldContain("kind=\"Regenerate\"");
    }

    /// <summary>What no chat completion can say, and only some upstreams are told as it came.</summary>
    public static TheoryData<string> OnlyNative =>
    [
        """  "thinking":{"type":"enabled","budget_tokens":1024} """,
        """  "top_k":5,"container":"c" """,
        """  "context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]} """,
        """  "output_config":{"task_budget":{}} """,
        """  "tools":[{"type":"web_search_20250305","name":"web_search"},{"type":"mcp_toolset"}] """,
        """  "messages":[{"role":"user","content":[{"type":"search_result"},{"type":"image","source":{"type":"file","file_id":"f"}},{"type":"document","source":{"type":"url","url":"https://example.com"}}]},{"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"s","content":[]}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":[{"type":"search_result"}]}]}] """,
    ];

    [Theory]
    [MemberData(nameof(OnlyNative))]
    public async Task Request_ThatCannotBeTranslated_IsAnsweredByNativeModelsAlone(string more)
    {
        foreach (var model in (string[])[Strong, "auto", "auto:cheap", ToWeak])
        {
            var asked = Asks(model, more);

            var answer = await _gateway.PostAsync(Messages, asked);

            (answer.Status, answer.Headers["x-router-model"]).ShouldBe((200, Strong), answer.Text);
            _of[Strong].Asked.Text.ShouldBe(asked.Replace($"\"{model}\"", "\"claude-inner\"", StringComparison.Ordinal));
        }

        (await StreamedModelAsync(Asks("auto", more))).ShouldBe(Strong);
        (await _gateway.PostAsync(Messages, Asks("auto", more), ("x-router-mode", "off"))).Headers["x-router-model"].ShouldBe(Strong);
        (await _gateway.PostAsync(Messages + "/count_tokens", Asks("auto", more))).Status.ShouldBe(200);
        (await _gateway.PostAsync(Messages, Asks(Weak, more))).Body["error"]!["code"]!.GetValue<string>().ShouldBe("unsupported_field");
        (await _gateway.PostAsync(Messages + "/count_tokens", Asks(Weak, more))).Status.ShouldBe(400);
        (_of[Weak].Calls, _of[Middle].Calls).ShouldBe((0, 0));
    }

    /// <summary>The others are not asked what they would refuse, or answer otherwise than was wished.</summary>
    [Fact]
    public async Task Request_ThatCannotBeTranslated_HasNobodyElseToGoTo()
    {
        _of[Strong].Script = (context, _) => ScriptedMessages.RefuseAsync(context, 529, "overloaded_error", "Overloaded");

        var answer = await _gateway.PostAsync(Messages, Asks("auto", "\"top_k\":5"));

        answer.Status.ShouldBe(502);
        (_of[Weak].Calls, _of[Middle].Calls).ShouldBe((0, 0));
    }

    /// <summary>One model may be served at several addresses, of which one speaks Anthropic's API.</summary>
    [Fact]
    public async Task Request_ThatCannotBeTranslated_GoesToTheAddressThatTakesIt()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15",
            "--Upstreams:0:Model", Strong, "--Upstreams:0:BaseUrl", _of[Weak].Url, "--Upstreams:1:Model", Strong, "--Upstreams:1:BaseUrl", _of[Middle].Url, "--Upstreams:1:Messages", "true",
            "--Tenants:0:Name", "default", "--Tenants:0:AllowedModels:0", Strong);

        ((string)(await gateway.PostAsync(Messages, Asks(Strong))).Body["content"]![0]!["text"]!).ShouldBe("I am " + Weak);
        ((string)(await gateway.PostAsync(Messages, Asks(Strong, "\"top_k\":5"))).Body["content"]![1]!["text"]!).ShouldBe("I am " + Middle);
    }

    [Fact]
    public async Task Request_ThatCannotBeTranslated_IsRefusedWhereNoNativeModelIsAllowed()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _of[Weak].Url, "--Upstreams:1:Model", Strong, "--Upstreams:1:BaseUrl", _of[Strong].Url, "--Upstreams:1:Messages", "true",
            "--Tenants:0:Name", "default", "--Tenants:0:AllowedModels:0", Weak);

        ((string)(await gateway.PostAsync(Messages, Asks("auto", "\"top_k\":5"))).Body["error"]!["code"]!).ShouldBe("unsupported_field");
        ((string)(await gateway.PostAsync(Messages, Asks(Strong, "\"top_k\":5"))).Body["error"]!["code"]!).ShouldBe("model_not_allowed");
    }

    /// <param name="more">Fields beside the usual ones, or in their place.</param>
    private static string Asks(string model, string more) => $$"""{"model":"{{model}}","max_tokens":100,{{more}}{{(more.Contains("\"messages\"", StringComparison.Ordinal) ? "" : ",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]")}}}""";

    private static string Asks(string model) => $$$"""{"model":"{{{model}}}","max_tokens":100,"messages":[{"role":"user","content":"hello"}]}""";

    private async Task<(string Text, Dictionary<string, string> Headers)> StreamTextAsync(string body)
    {
        using var response = await _gateway.Client.PostAsync(Messages, Json(body.Insert(1, "\"stream\":true,")));
        return (await response.Content.ReadAsStringAsync(), response.Headers.ToDictionary(h => h.Key, h => string.Join(",", h.Value), StringComparer.OrdinalIgnoreCase));
    }

    /// <summary>Who answers a stream that is whole.</summary>
    private async Task<string> StreamedModelAsync(string body)
    {
        var events = await _gateway.StreamAsync(Messages, body);
        ((string)events[^1]["type"]!).ShouldBe("message_stop");
        return (string)events[0]["message"]!["model"]!;
    }

    /// <summary>What the only request cost that the console has.</summary>
    private async Task<double> OnlyCostAsync()
    {
        JsonArray rows = [];
        await Eventually.TrueAsync(async () => (rows = (await _gateway.GetAsync("/v1/console/decisions")).Body["decisions"]!.AsArray()).Count > 0, TimeSpan.FromSeconds(10));
        return (double)rows.ShouldHaveSingleItem()!["cost_usd"]!;
    }
}
