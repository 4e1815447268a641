using System.ClientModel;
using System.Globalization;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using MetaRouter.Gateway.Upstream;
using MetaRouter.RouterContract;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;

namespace MetaRouter.Gateway.Tests;

/// <summary>Three models on three servers; what a client sees of them, well and unwell, whole and streamed.</summary>
public sealed class UpstreamTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions", Strong = "gpt-4o-2024-05-13", Weak = "mixtral-8x7b-instruct", Middle = "gemini-1.5-pro-002";
    private readonly Dictionary<string, ScriptedUpstream> _of = [];
    private RunningGateway _gateway = null!;

    public async Task InitializeAsync()
    {
        foreach (var model in (string[])[Strong, Weak, Middle, "embedder"])
        {
            _of[model] = await ScriptedUpstream.StartAsync(model);
        }

        _gateway = await RunningGateway.StartAsync(
        [
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15", "--MetaRouter:Models:0:CachedInputPrice", "2.5",
            "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "0.5", "--MetaRouter:Models:1:OutputPrice", "0.5",
            "--MetaRouter:Models:2:Id", Middle, "--MetaRouter:Models:2:InputPrice", "1.25", "--MetaRouter:Models:2:OutputPrice", "5",
            .. _of.SelectMany((u, i) => (string[])[$"--Upstreams:{i}:Model", u.Key, $"--Upstreams:{i}:BaseUrl", u.Value.Url, $"--Upstreams:{i}:TimeoutSeconds", "2", $"--Upstreams:{i}:IdleSeconds", "1"]),
            "--Upstreams:3:Embeddings", "true", "--Upstreams:3:UpstreamModel", "inner-embedder", "--Upstreams:3:EmbeddingPrice", "0.1",
            "--Gateway:CircuitFailures", "2", "--Gateway:CircuitSeconds", "30",
        ]);
    }

    public async Task DisposeAsync()
    {
        await _gateway.DisposeAsync();
        foreach (var upstream in _of.Values)
        {
            await upstream.DisposeAsync();
        }
    }

    private const string Clock = """[{"type":"function","function":{"name":"clock","parameters":{"type":"object"}}}]""";

    private const string Question = """{"role":"user","content":"What time is it?"}""";

    private const string Answered = """{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"clock","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"noon"}""";

    /// <summary>Whatever another request would be answered by.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Turn_ThatToolsInterrupt_StaysWithTheModelThatBeganIt(bool streams)
    {
        _of[Strong].Script = CallsTheClockAsync;
        using (var begun = await _gateway.Client.PostAsync(Chat, new StringContent(Turn("auto:quality", Question).Insert(1, streams ? "\"stream\":true," : ""))))
        {
            begun.Headers.GetValues("x-router-model").Single().ShouldBe(Strong);
            await begun.Content.ReadAsStringAsync();
        }

        var (goesOn, another) = (await _gateway.PostAsync(Chat, Turn("auto:cheap", $"{Question},{Answered}")), await _gateway.PostAsync(Chat, Turn("auto:cheap", Question.Replace("time", "day", StringComparison.Ordinal))));
        goesOn.Headers["x-router-model"].ShouldBe(Strong);
        goesOn.Headers["x-router-reason"].ShouldBe("only_allowed");
        another.Headers["x-router-model"].ShouldNotBe(Strong);

        // Not the user's who asked the same, and not after some minutes.
        (await _gateway.PostAsync(Chat, Turn("auto:cheap", $"{Question},{Answered}", "bob"))).Headers["x-router-model"].ShouldNotBe(Strong);
        _gateway.Time.Ahead += TimeSpan.FromMinutes(6);
        (await _gateway.PostAsync(Chat, Turn("auto:cheap", $"{Question},{Answered}"))).Headers["x-router-model"].ShouldNotBe(Strong);
    }

    /// <summary>Agents show there what has no room in a tool's result; what a user says there in words is something new.</summary>
    [Theory]
    [InlineData("""[{"type":"text","text":"Attached media from tool result:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]""", true)]
    [InlineData("""[{"type":"text","text":"Stop. What day is it?"}]""", false)]
    [InlineData("\"Stop. What day is it?\"", false)]
    public async Task Turn_WhoseToolsResultIsFollowedByAPicture_StaysToo(string content, bool stays)
    {
        _of[Strong].Script = CallsTheClockAsync;
        await _gateway.PostAsync(Chat, Turn("auto:quality", Question));
        var shown = $$"""{{Question}},{{Answered}},{"role":"user","content":{{content}}}""";

        foreach (var more in (string[])["", "," + Answered, shown[Question.Length..]])
        {
            ((await _gateway.PostAsync(Chat, Turn("auto:cheap", shown + more))).Headers["x-router-model"] == Strong).ShouldBe(stays);
        }
    }

    /// <summary>The first of two answers is what clients go on with.</summary>
    [Fact]
    public async Task Turn_BegunByAComparison_StaysWithTheFirst()
    {
        _of[Strong].Script = _of[Middle].Script = _of[Weak].Script = CallsTheClockAsync;
        var begun = await _gateway.PostAsync(Chat, Turn("auto", Question), ("x-router-compare", "always"), ("x-router-session", "s"));
        begun.Headers.ShouldContainKey("x-router-offered");

        foreach (var dial in (string[])["auto:quality", "auto:cheap"])
        {
            (await _gateway.PostAsync(Chat, Turn(dial, $"{Question},{Answered}"))).Headers["x-router-model"].ShouldBe(begun.Headers["x-router-model"]);
        }

        var sessions = _gateway.App.Services.GetRequiredService<Hosting.Sessions>();
        (await sessions.RecallAsync(sessions.NameOf("default", "ann", "s", System.Text.Encoding.UTF8.GetBytes("[" + Question)), default))!.Value.Model.Value.ShouldBe(begun.Headers["x-router-model"]);
    }

    /// <summary>Nobody waits for a tool then.</summary>
    [Fact]
    public async Task Turn_WithoutACall_IsNotRemembered()
    {
        (await _gateway.PostAsync(Chat, Turn("auto:quality", Question))).Headers["x-router-model"].ShouldBe(Strong);

        (await _gateway.PostAsync(Chat, Turn("auto:cheap", $"{Question},{Answered}"))).Headers["x-router-model"].ShouldNotBe(Strong);
    }

    /// <summary>404: it is not there any more; 429: not for now.</summary>
    [Theory]
    [InlineData(500)]
    [InlineData(404)]
    [InlineData(429)]
    public async Task Turn_WhoseModelFails_IsAnsweredByAnother(int status)
    {
        _of[Strong].Script = CallsTheClockAsync;
        await _gateway.PostAsync(Chat, Turn("auto:quality", Question));
        _of[Strong].Script = (context, _) => ScriptedUpstream.FailAsync(context, status);

        var answer = await _gateway.PostAsync(Chat, Turn("auto:quality", $"{Question},{Answered}"));
        answer.Status.ShouldBe(200, answer.Text);
        answer.Headers["x-router-model"].ShouldNotBe(Strong);
        answer.Headers["x-router-attempts"].ShouldBe("2");
        ((string)answer.Body["id"]!).ShouldBe(answer.Headers["x-router-decision"]);

        // Where nobody answers, what the turn's own model said is told.
        _of[Weak].Script = _of[Middle].Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        answer = await _gateway.PostAsync(Chat, Turn("auto:quality", $"{Question},{Answered}"));
        answer.Status.ShouldBe(status == 500 ? 502 : status, answer.Text);
        if (status != 500)
        {
            var row = (await _gateway.GetAsync("/v1/console/decisions?limit=1")).Body["decisions"]!.AsArray().Single()!;
            (answer.Headers["x-router-model"], answer.Headers["x-router-reason"], (string?)row["model"], (string?)row["reason"], (int)row["status"]!).ShouldBe((Strong, "only_allowed", Strong, "only_allowed", status));
        }
    }

    [Theory]
    [InlineData("/v1/messages", """{"model":"auto:quality","max_tokens":9,"tools":[{"name":"clock","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"Hm?"}]}""",
        """{"model":"auto:cheap","max_tokens":9,"tools":[{"name":"clock","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"Hm?"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"clock","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"noon"}]}]}""")]
    [InlineData("/v1/responses", """{"model":"auto:quality","tools":[{"type":"function","name":"clock","parameters":{"type":"object"}}],"input":"Hm?"}""",
        """{"model":"auto:cheap","tools":[{"type":"function","name":"clock","parameters":{"type":"object"}}],"input":[{"role":"user","content":"Hm?"},{"type":"function_call","call_id":"c1","name":"clock","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"noon"}]}""")]
    [InlineData("/v1/messages", """{"model":"auto:quality","max_tokens":9,"tools":[{"name":"clock","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"Hm?"}]}""",
        """{"model":"auto:cheap","max_tokens":9,"tools":[{"name":"clock","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"Hm?"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"clock","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"noon"},{"type":"text","text":"There are files."}]}]}""")]
    [InlineData("/v1/messages", """{"model":"auto:quality","max_tokens":9,"tools":[{"name":"clock","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"Hm?"}]}""",
        """{"model":"auto:cheap","max_tokens":9,"tools":[{"name":"clock","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"Hm?"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"clock","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":[{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}]}]}]}""")]
    [InlineData("/v1/responses", """{"model":"auto:quality","tools":[{"type":"function","name":"clock","parameters":{"type":"object"}}],"input":"Hm?"}""",
        """{"model":"auto:cheap","tools":[{"type":"function","name":"clock","parameters":{"type":"object"}}],"input":[{"role":"user","content":"Hm?"},{"type":"function_call","call_id":"c1","name":"clock","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":[{"type":"input_image","image_url":"https://example.com/a.png"}]}]}""")]
    [InlineData("/v1/responses", """{"model":"auto:quality","tools":[{"type":"function","name":"clock","parameters":{"type":"object"}}],"input":"Hm?"}""",
        """{"model":"auto:cheap","tools":[{"type":"function","name":"clock","parameters":{"type":"object"}}],"input":[{"role":"user","content":"Hm?"},{"type":"function_call","call_id":"c1","name":"clock","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"attached"},{"role":"user","content":[{"type":"input_text","text":"Attached:"},{"type":"input_image","image_url":"https://example.com/a.png"}]}]}""")]
    public async Task Turn_OfAnotherApi_StaysToo(string path, string begins, string goesOn)
    {
        _of[Strong].Script = CallsTheClockAsync;
        (await _gateway.PostAsync(path, begins)).Headers["x-router-model"].ShouldBe(Strong);
        (await _gateway.PostAsync(path, goesOn)).Headers["x-router-model"].ShouldBe(Strong);
    }

    /// <summary>Some upstreams cut a character's bytes apart between two tokens.</summary>
    [Theory]
    [InlineData("/v1/messages", """{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"Hm?"}]}""")]
    [InlineData("/v1/responses", """{"model":"auto","input":"Hm?"}""")]
    public async Task Answer_OfAnotherApi_WithHalfACharacter_IsReadPastIt(string path, string asked)
    {
        foreach (var streams in (bool[])[false, true])
        {
            foreach (var upstream in _of.Values)
            {
                upstream.Script = (context, _) => ScriptedUpstream.HalfACharacterAsync(context, streams);
            }

            using var answer = await _gateway.Client.PostAsync(path, new StringContent(streams ? asked.Insert(1, "\"stream\":true,") : asked));

            ((int)answer.StatusCode).ShouldBe(200);
            (await answer.Content.ReadAsStringAsync()).ShouldContain("half \\n\ufffd");
        }

        _gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    /// <summary>Clients that can make a conversation shorter, or ask for a shorter answer, know by the provider's own words when to.</summary>
    [Theory]
    [InlineData(Chat, """{"model":"auto","messages":[{"role":"user","content":"LONG"}]}""", "maximum context length is 128000 tokens")]
    [InlineData(Chat, """{"model":"auto","max_tokens":128000,"messages":[{"role":"user","content":"Hm?"}]}""", "maximum context length is 128000 tokens")]
    [InlineData("/v1/responses", """{"model":"auto","input":"LONG"}""", "maximum context length is 128000 tokens")]
    [InlineData("/v1/messages", """{"model":"auto","max_tokens":1000,"messages":[{"role":"user","content":"LONG"},{"role":"user","content":"Hm?"}]}""", "prompt is too long: 200008 tokens > 128000 maximum")]
    [InlineData("/v1/messages", """{"model":"auto","max_tokens":128000,"messages":[{"role":"user","content":"Hm?"},{"role":"user","content":"Hm?"}]}""", "input length and `max_tokens` exceed context limit: 9 + 128000 > 128000")]
    public async Task Request_LongerThanAnyModelHolds_IsRefusedAsItsProviderDoes(string path, string asked, string said)
    {
        var answer = await _gateway.PostAsync(path, asked.Replace("LONG", new string('a', 800_000), StringComparison.Ordinal));

        (answer.Status, (string)answer.Body["error"]!["code"]!).ShouldBe((400, "context_length_exceeded"));
        ((string)answer.Body["error"]!["message"]!).ShouldContain(said);
        _of.Values.ShouldAllBe(u => u.Calls == 0);
    }

    /// <summary>As its upstream says it in OpenAI's words, by their code or without.</summary>
    [Theory]
    [InlineData("\"context_length_exceeded\"")]
    [InlineData("400")]
    public async Task Messages_UpstreamFindsThePromptTooLong_IsToldInAnthropicsWords(string code)
    {
        _of[Strong].Script = async (context, _) =>
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsync($$$"""{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":{{{code}}}}}""");
            return true;
        };

        var answer = await _gateway.PostAsync("/v1/messages", $$"""{"model":"{{Strong}}","max_tokens":9,"messages":[{"role":"user","content":"Hm?"}]}""");

        (answer.Status, (string)answer.Body["error"]!["message"]!).ShouldBe((400, "prompt is too long: This model's maximum context length is 8192 tokens."));
    }

    /// <summary>Some say what they think and what they say as parts of one list, others what they refuse beside an empty text.</summary>
    [Theory]
    [InlineData("""{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]},{"type":"text","text":"It "},{"type":"text","text":"is."}]}""", "It is.")]
    [InlineData("""{"content":"","refusal":"I may not."}""", "I may not.")]
    public async Task Message_OfAnyShape_IsSaid(string message, string said)
    {
        _of[Strong].Script = async (context, body) =>
        {
            var streams = (bool?)body["stream"] == true;
            context.Response.ContentType = streams ? "text/event-stream" : "application/json";
            await context.Response.WriteAsync(streams ? $$"""data: {"id":"x","model":"m","choices":[{"index":0,"delta":{{message}},"finish_reason":"stop"}]}""" + "\n\ndata: [DONE]\n\n" : $$"""{"id":"x","model":"m","choices":[{"index":0,"message":{{message}},"finish_reason":"stop"}]}""");
            return true;
        };
        const string asked = $$"""{"model":"{{Strong}}","max_tokens":9,"messages":[{"role":"user","content":"Hm?"}]}""";

        (await _gateway.PostAsync("/v1/messages", asked)).Body["content"]!.ToJsonString().ShouldBe($$"""[{"type":"text","text":"{{said}}"}]""");
        var events = await _gateway.StreamAsync("/v1/messages", asked);
        string.Concat(events.Select(e => (string?)e["delta"]?["text"])).ShouldBe(said);
    }

    private static async Task<bool> CallsTheClockAsync(HttpContext context, JsonObject body)
    {
        if ((bool?)body["stream"] == true)
        {
            return await ScriptedUpstream.TwoCallsAsync(context, "\"index\":0,", "\"index\":1,");
        }

        await context.Response.WriteAsync("""{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"clock","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}""");
        return true;
    }

    private static string Turn(string model, string messages, string user = "ann") => $$"""{"model":"{{model}}","user":"{{user}}","tools":{{Clock}},"messages":[{{messages}}]}""";

    [Fact]
    public async Task Stream_OpenAiClient_GetsTheWordsAsTheyComeWithReceiptAndServingModel()
    {
        var second = new TaskCompletionSource();
        foreach (var upstream in _of.Values)
        {
            upstream.Script = async (context, _) =>
            {
                await upstream.EventAsync(context, "one ");
                await second.Task;
                await upstream.EventAsync(context, "two", "stop");
                await context.Response.WriteAsync("data: [DONE]\n\n");
                return true;
            };
        }

        var (text, ids, models) = ("", new HashSet<string>(), new HashSet<string>());
        await foreach (var update in Client().CompleteChatStreamingAsync([new UserChatMessage("hello")], new ChatCompletionOptions { EndUserId = "ann" }))
        {
            text += string.Concat(update.ContentUpdate.Select(c => c.Text));
            ids.Add(update.CompletionId);
            models.Add(update.Model);
            second.TrySetResult(); // the first word is here while the upstream still holds the second
        }

        text.ShouldBe("one two");
        _of.Keys.ShouldContain(models.Single());
        var feedback = await _gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = ids.Single(), ["user"] = "ann", ["kind"] = "accept" }.ToJsonString());
        feedback.Status.ShouldBe(200, feedback.Text);
    }

    [Fact]
    public async Task Stream_EveryByteButIdAndModel_IsTheUpstreams()
    {
        const string sent = ": ping\n\ndata: {\"id\":\"a\",\"x\":[1e2, {\"model\":\"in\\u00e9r\"}],\"model\" : \"b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\\u00e9 😀\"}}]}\r\n\r\nevent: note\ndata: not json\n\ndata:{\"model\":\"b\",\"id\":\"a\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
        _of[Weak].Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            foreach (var part in Encoding.UTF8.GetBytes(sent + "data: [DONE]\n\n").Chunk(7))
            {
                await context.Response.Body.WriteAsync(part); // cut anywhere
                await context.Response.Body.FlushAsync();
            }

            return true;
        };

        using var response = await _gateway.Client.PostAsync(Chat, Json($$"""{"model":"{{Weak}}","stream":true,"messages":[{"role":"user","content":"hello"}]}"""));
        var text = await response.Content.ReadAsStringAsync();

        var cost = text[text.IndexOf(": x-router-cost-usd", StringComparison.Ordinal)..text.IndexOf("data: [DONE]", StringComparison.Ordinal)];
        cost.ShouldEndWith(" counted\n\n");
        text.Replace(cost, "", StringComparison.Ordinal).ShouldBe(sent[sent.IndexOf("data", StringComparison.Ordinal)..].Replace("\"model\" : \"b\"", $"\"model\" : \"{Weak}\"", StringComparison.Ordinal).Replace("{\"model\":\"b\"", $"{{\"model\":\"{Weak}\"", StringComparison.Ordinal) + "data: [DONE]\n\n");
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
    }

    /// <summary>The standard joins them by newlines, which JSON takes between its words and not within a text.</summary>
    [Fact]
    public async Task Stream_EventsOfSeveralDataLines_AreReadWholeAndHandedOnAsTheyCame()
    {
        const string sent = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}],\nid: 7\ndata: \"model\":\"b\",\r\n: a comment\r\ndata\r\ndata:\"id\":\"a\"}\r\n\r\n"
            + "data: {\"model\":\"b\",\"choices\":[{\"delta\":{\"content\":\"cut\ndata: in two\"}}]}\n\n"
            + "data: {\"id\":\"a\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":\ndata: {\"prompt_tokens\":1000,\"completion_tokens\":100}}\n\n";
        _of[Weak].Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync(sent + "data: [DONE]\n\n");
            return true;
        };

        using var response = await _gateway.Client.PostAsync(Chat, Json($$"""{"model":"{{Weak}}","stream":true,"messages":[{"role":"user","content":"hello"}]}"""));
        var text = await response.Content.ReadAsStringAsync();

        text.ShouldContain(": x-router-cost-usd 0.00055 usage\n\n");
        text.ShouldStartWith(sent.Replace("data: \"model\":\"b\"", $"data: \"model\":\"{Weak}\"", StringComparison.Ordinal));
        text.ShouldEndWith("data: [DONE]\n\n");
    }

    [Fact]
    public async Task Stream_WithUsage_CostsWhatTheUpstreamCountedCachedTokensAtTheirPrice()
    {
        var (chunks, comment) = await StreamAsync($$"""{"model":"{{Strong}}","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello"}]}""");

        ((int)chunks[^1]["usage"]!["prompt_tokens"]!).ShouldBe(1000);
        var words = comment.Split(' ');
        double.Parse(words[0], CultureInfo.InvariantCulture).ShouldBe(((400 * 5) + (600 * 2.5) + (100 * 15)) * 1e-6, 1e-9);
        words[1].ShouldBe("usage");
    }

    [Fact]
    public async Task Whole_Costs_WhatTheUpstreamCountedOrSaysThatItWasCountedHere()
    {
        var counted = await _gateway.PostAsync(Chat, Body(Strong));
        Usd(counted).ShouldBe(((400 * 5) + (600 * 2.5) + (100 * 15)) * 1e-6, 1e-9);
        counted.Headers["x-router-cost-source"].ShouldBe("usage");

        _of[Strong].Script = async (context, _) =>
        {
            await context.Response.WriteAsync($$"""{"id":"x","model":"y","choices":[{"message":{"content":"{{new string('a', 400)}}"} }]}""");
            return true;
        };
        var guessed = await _gateway.PostAsync(Chat, Body(Strong, new string('b', 4000)));
        guessed.Headers["x-router-cost-source"].ShouldBe("counted");
        Usd(guessed).ShouldBe(((1000 * 5) + (100 * 15)) * 1e-6, 0.0005);
    }

    [Fact]
    public async Task Stream_UsageAskedForByTheGateway_IsKeptFromTheClient()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        await using var gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", upstream.Url, "--Upstreams:0:AskUsage", "true");

        var (chunks, comment) = await StreamAsync($$"""{"model":"{{Strong}}","stream":true,"messages":[{"role":"user","content":"hello"}]}""", gateway);

        ((bool)upstream.Bodies.Single()["stream_options"]!["include_usage"]!).ShouldBeTrue();
        chunks.ShouldAllBe(c => c["usage"] == null);
        comment.ShouldEndWith("usage");
    }

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

    [Theory]
    [InlineData("break", "broke off")]
    [InlineData("end", "ended")]
    [InlineData("silent", "said nothing for 1 s")]
    [InlineData("error", "overloaded")]
    public async Task Stream_FailsInTheMiddle_EndsInAnErrorEventAndNoSecondAnswer(string how, string named)
    {
        foreach (var upstream in _of.Values)
        {
            upstream.Script = async (context, _) =>
            {
                await upstream.EventAsync(context, "half an");
                switch (how)
                {
                    case "break":
                        await Task.Delay(200); // else the first event may be lost with the connection
                        context.Abort();
                        break;
                    case "silent":
                        await Task.Delay(10_000, context.RequestAborted);
                        break;
                    case "error":
                        await context.Response.WriteAsync("data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n");
                        break;
                }

                return true;
            };
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = Json("""{"model":"auto","user":"ann","stream":true,"messages":[{"role":"user","content":"hello"}]}""") };
        using var response = await _gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var events = (await ReadToCutAsync(response)).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        events.Length.ShouldBe(2);
        events[0].ShouldContain("half an");
        ((string)JsonNode.Parse(events[1]["data: ".Length..])!["error"]!["message"]!).ShouldContain(named);
        _of.Values.Sum(u => u.Calls).ShouldBe(1);
    }

    [Fact]
    public async Task Stream_FailsInTheMiddle_OpenAiClientThrows()
    {
        var text = "";
        await Should.ThrowAsync<IOException>(async () =>
        {
            await foreach (var update in Client().CompleteChatStreamingAsync(new UserChatMessage("break")))
            {
                text += string.Concat(update.ContentUpdate.Select(c => c.Text));
            }
        });
        text.ShouldBe("half");
    }

    [Fact]
    public async Task Stream_ReaderLeaves_UpstreamIsCancelled()
    {
        await foreach (var update in Client().CompleteChatStreamingAsync(new UserChatMessage("endless")))
        {
            update.ContentUpdate.Count.ShouldBe(1);
            break;
        }

        await Eventually.TrueAsync(() => _of.Values.Sum(u => u.Aborted) == 1, TimeSpan.FromSeconds(15));
        _gateway.Log.Where(l => l.Level >= LogLevel.Warning).ShouldBeEmpty();
    }

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

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RateLimitHeader_ThatIsNoPlainText_IsLeftOut_AndTheAnswerIsNot(bool streams)
    {
        using var upstream = new TcpListener(System.Net.IPAddress.Loopback, 0); // no server of ours would send it
        upstream.Start();
        await using var gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", $"http://{upstream.LocalEndpoint}/v1");
        var asked = gateway.Client.PostAsync(Chat, new StringContent(Body(Weak, stream: streams)));
        using var socket = await upstream.AcceptSocketAsync();
        await socket.ReceiveAsync(new byte[10_000]);
        const string chunk = "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}";
        var body = streams ? $"data: {chunk}\n\ndata: [DONE]\n\n" : chunk;
        await socket.SendAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: {(streams ? "text/event-stream" : "application/json")}\r\nx-ratelimit-note: \u00e9\u0001\r\nx-ratelimit-left: 7\r\nContent-Length: {body.Length}\r\n\r\n{body}"));

        using var answer = await asked;

        ((int)answer.StatusCode).ShouldBe(200);
        answer.Headers.GetValues("x-ratelimit-left").ShouldBe(["7"]);
        answer.Headers.Contains("x-ratelimit-note").ShouldBeFalse();
    }

    [Fact]
    public async Task RateLimitHeaders_OfTheUpstream_AreHandedOn()
    {
        _of[Strong].Script = (context, _) =>
        {
            context.Response.Headers["x-ratelimit-remaining-requests"] = "7";
            context.Response.Headers["openai-organization"] = "internal";
            return Task.FromResult(false);
        };

        var answer = await _gateway.PostAsync(Chat, Body(Strong));

        answer.Headers["x-ratelimit-remaining-requests"].ShouldBe("7");
        answer.Headers.ShouldNotContainKey("openai-organization");
    }

    [Fact]
    public async Task Embeddings_OpenAiClient_GetsTheUpstreamsVectors()
    {
        var client = new EmbeddingClient("embedder", new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(_gateway.Client.BaseAddress!, "/v1") });
        using var content = BinaryContent.Create(BinaryData.FromString("""{"model":"embedder","input":["a","b"]}"""));
        var raw = await client.GenerateEmbeddingsAsync(content, null);

        var vectors = await client.GenerateEmbeddingsAsync(["a", "b"], new EmbeddingGenerationOptions());

        ((string)JsonNode.Parse(raw.GetRawResponse().Content)!["model"]!).ShouldBe("embedder");
        vectors.Value.Select(v => v.ToFloats().ToArray()).ShouldBe([[0.25f, -1], [0.5f, 1]]);
        ((string)_of["embedder"].Bodies.First()["model"]!).ShouldBe("inner-embedder");
        (await _gateway.PostAsync("/v1/embeddings", """{"model":"gpt-9","input":"a"}""")).ShouldFail(404, "model_not_found", "'gpt-9'", "embedder");
        (await _gateway.PostAsync("/v1/embeddings", """{"model":"embedder"}""")).ShouldFail(400, "missing_field", "'input'");
    }

    /// <summary>Clients fill their choice of embedding models from the list, and look a model up before they use it.</summary>
    [Fact]
    public async Task Embeddings_Model_IsListedAndIsNotForChats()
    {
        var found = await _gateway.GetAsync("/v1/models/embedder");

        found.Status.ShouldBe(200, found.Text);
        ((double)found.Body["input_price_usd_per_million"]!, (string)found.Body["description"]!).ShouldBe((0.1, "makes embeddings (POST /v1/embeddings), and is never routed to"));
        var listed = (await _gateway.GetAsync("/v1/models")).Body["data"]!.AsArray();
        listed.Select(m => (string)m!["id"]!).TakeLast(4).ShouldBe([Strong, Weak, Middle, "embedder"]);
        JsonNode.DeepEquals(listed[^1], found.Body).ShouldBeTrue(found.Text);
        foreach (var (path, body) in ((string, string)[])[(Chat, """{"model":"embedder","messages":[{"role":"user","content":"hi"}]}"""), ("/v1/responses", """{"model":"embedder","input":"hi"}"""), ("/v1/responses/input_tokens", """{"model":"embedder","input":"hi"}""")])
        {
            (await _gateway.PostAsync(path, body)).ShouldFail(404, "model_not_found", "'embedder' makes embeddings", "/v1/embeddings");
        }
    }

    /// <summary>Files that were written on Windows begin with one.</summary>
    [Theory]
    [InlineData(Chat, """{"model":"auto","messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("/v1/messages", """{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}""")]
    public async Task Body_WithAByteOrderMark_IsReadWithoutIt(string path, string body)
    {
        using var answer = await _gateway.Client.PostAsync(path, new ByteArrayContent([.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(body)]));

        ((int)answer.StatusCode).ShouldBe(200, await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Body_ThatIsCompressed_IsRefusedAsThat()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new ByteArrayContent([0x1F, 0x8B, 8, 0]) };
        request.Content.Headers.ContentEncoding.Add("gzip");
        using var answer = await _gateway.Client.SendAsync(request);

        ((int)answer.StatusCode, (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["error"]!["code"]!).ShouldBe((415, "unsupported_encoding"));
    }

    /// <summary>Some clients append the version to their base URL, others want it there.</summary>
    [Theory]
    [InlineData("/chat/completions", "there is /v1/chat/completions", "end in /v1")]
    [InlineData("/v1/v1/messages", "there is /v1/messages", "leave /v1 out")]
    [InlineData("/v1/v1/chat/completions", "there is /v1/chat/completions", "leave /v1 out")]
    public async Task Path_WithTheVersionLeftOutOrTwice_IsToldWithTheRemedy(string path, params string[] told) => (await _gateway.PostAsync(path, "{}")).ShouldFail(404, "unknown_url", told);

    [NodeFact]
    public async Task NpmClient_SeesWhatOpenAiWouldShowIt()
    {
        var seen = await NodeFactAttribute.RunAsync("client.mjs", new Uri(_gateway.Client.BaseAddress!, "/v1").ToString());

        seen["models"]!.AsArray().Select(m => (string)m!).ShouldContain("auto:cheap");
        ((string)seen["model"]!["id"]!, (string)seen["model"]!["object"]!).ShouldBe(("auto:cheap", "model"));
        ((string)seen["noModel"]!["name"]!, (string)seen["noModel"]!["code"]!).ShouldBe(("NotFoundError", "model_not_found"));
        var (whole, stream) = (seen["whole"]!, seen["stream"]!);
        ((string)whole["text"]!).ShouldBe("I am " + (string)whole["model"]!);
        ((string)whole["id"]!).Length.ShouldBeGreaterThan(100);
        ((int)stream["chunks"]!).ShouldBe(4);
        ((string)stream["ids"]!.AsArray().Single()!).Length.ShouldBeGreaterThan(100);
        ((string)stream["text"]!).ShouldBe("I am " + (string)stream["models"]!.AsArray().Single()!);
        ((int)stream["usage"]!["completion_tokens"]!).ShouldBe(100);
        ((string)seen["tool"]!["arguments"]!).ShouldBe("""{"city":"Oslo"}""");
        seen["embedding"]!["vectors"]!.ToJsonString().ShouldBe("[[0.25,-1],[0.5,1]]");
        ((string)seen["notFound"]!["name"]!).ShouldBe("NotFoundError");
        ((string)seen["notFound"]!["code"]!).ShouldBe("model_not_found");
        ((string)seen["badRequest"]!["name"]!).ShouldBe("BadRequestError");
        ((string)seen["brokeOff"]!["message"]!).ShouldContain("broke off");
        ((string)seen["left"]!).ShouldBe("0 ");
        await Eventually.TrueAsync(() => _of.Values.Sum(u => u.Aborted) >= 2, TimeSpan.FromSeconds(15)); // the one that broke off, and the one that was left
    }

    [Fact]
    public async Task SseReader_AnyCut_GivesTheSameEvents()
    {
        var text = Encoding.UTF8.GetBytes("data: a\n\n: c\r\n\r\nevent: x\ndata: b\r\ndata: c\n\ndata: unfinished\n");
        var random = new Random(5);
        for (var trial = 0; trial < 200; trial++)
        {
            using var reader = new SseReader(new CutStream(text, random), 1000);
            var events = new List<string>();
            while (await reader.ReadAsync(CancellationToken.None) is { IsEmpty: false } one)
            {
                events.Add(Encoding.UTF8.GetString(one.Span));
            }

            events.ShouldBe(["data: a\n\n", ": c\r\n\r\n", "event: x\ndata: b\r\ndata: c\n\n"]);
        }

        using var endless = new SseReader(new MemoryStream(new byte[5000]), 1000);
        await Should.ThrowAsync<InvalidDataException>(async () => await endless.ReadAsync(CancellationToken.None));
    }

    /// <summary>The standard ends lines by \n, \r\n or \r, and lets them be mixed.</summary>
    [Theory]
    [InlineData("data: a\r\r: c\r\revent: x\rdata: b\r\r", "data: a\n\n", ": c\n\n", "event: x\ndata: b\n\n")]
    [InlineData("data: a\r\rdata: b\r\n\r\ndata: c\n\n", "data: a\n\n", "data: b\r\n\r\n", "data: c\n\n")]
    [InlineData("data: a\r\n\rdata: b\n\rdata: c\r\r", "data: a\r\n\n", "data: b\n\n", "data: c\n\n")]
    [InlineData("data: a\n\r", "data: a\n\n")]
    public async Task SseReader_CarriageReturnsAlone_EndLinesToo(string sent, params string[] expected)
    {
        var text = Encoding.UTF8.GetBytes(sent);
        var random = new Random(6);
        for (var trial = 0; trial < 200; trial++)
        {
            using var reader = new SseReader(new CutStream(text, random), 1000);
            var events = new List<string>();
            while (await reader.ReadAsync(CancellationToken.None) is { IsEmpty: false } one)
            {
                events.Add(Encoding.UTF8.GetString(one.Span));
            }

            // Where \r\n was cut within, its parts may be told apart; no event is lost or made up by it.
            events.Select(Plain).ShouldBe(expected.Select(Plain));
            if (!sent.Contains("\r\n", StringComparison.Ordinal))
            {
                events.ShouldBe(expected);
            }
        }

        static string Plain(string text) => text.ReplaceLineEndings("\n");
    }

    /// <summary>Who waited for a newline after the last return would have each event when the next one comes.</summary>
    [Fact]
    public async Task SseReader_CarriageReturnsAlone_EventIsThereAtItsEnd()
    {
        var pipe = new System.IO.Pipelines.Pipe();
        using var reader = new SseReader(pipe.Reader.AsStream(), 1000);
        foreach (var sent in (string[])["data: a\r\r", "data: b\r\r"])
        {
            await pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(sent));
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            Encoding.UTF8.GetString((await reader.ReadAsync(limit.Token)).Span).ShouldBe(sent.ReplaceLineEndings("\n"));
        }
    }

    [Fact]
    public async Task Stream_LinesEndedByCarriageReturns_IsAnsweredAsAnyOther()
    {
        _of[Weak].Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: {\"id\":\"a\",\"model\":\"b\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\r\rdata: {\"id\":\"a\",\"model\":\"b\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100}}\r\rdata: [DONE]\r\r");
            return true;
        };

        var (chunks, cost) = await StreamAsync($$"""{"model":"{{Weak}}","stream":true,"messages":[{"role":"user","content":"hello"}]}""");

        chunks.Select(c => (string)c["model"]!).ShouldBe([Weak, Weak]);
        cost.ShouldBe("0.00055 usage");
    }

    private static Func<HttpContext, JsonObject, Task<bool>> Refusing(int status, string body) => async (context, _) =>
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsync(body);
        return true;
    };

    private static bool Abort(HttpContext context)
    {
        context.Abort();
        return true;
    }

    /// <summary>The text of a stream whose connection is cut.</summary>
    private static async Task<string> ReadToCutAsync(HttpResponseMessage response)
    {
        using var text = new MemoryStream();
        await Should.ThrowAsync<IOException>(async () => await (await response.Content.ReadAsStreamAsync()).CopyToAsync(text));
        return Encoding.UTF8.GetString(text.ToArray());
    }

    private static double Usd(Answer answer) => double.Parse(answer.Headers["x-router-cost-usd"], CultureInfo.InvariantCulture);

    private static string Body(string model, string content = "hello", bool stream = false) => $$"""{"model":"{{model}}","messages":[{"role":"user","content":"{{content}}"}]{{(stream ? ",\"stream\":true" : "")}}}""";

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private ChatClient Client() => new("auto", new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(_gateway.Client.BaseAddress!, "/v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });

    private async Task<(List<JsonObject> Chunks, string Cost)> StreamAsync(string body, RunningGateway? gateway = null)
    {
        using var response = await (gateway ?? _gateway).Client.PostAsync(Chat, Json(body));
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(System.Net.HttpStatusCode.OK, text);
        var chunks = SseParser.Create(new MemoryStream(Encoding.UTF8.GetBytes(text))).Enumerate().Select(e => e.Data).ToList();
        chunks[^1].ShouldBe("[DONE]");
        const string comment = ": x-router-cost-usd ";
        return ([.. chunks.SkipLast(1).Select(c => JsonNode.Parse(c)!.AsObject())], text.Split('\n').Single(l => l.StartsWith(comment, StringComparison.Ordinal))[comment.Length..]);
    }

    /// <summary>Gives a text in pieces of any length.</summary>
    private sealed class CutStream(byte[] text, Random random) : MemoryStream(text)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(buffer.Length, random.Next(1, 9))], cancellationToken);
    }
}
