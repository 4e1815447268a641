using System.ClientModel;
using System.Text;
using System.Text.Json.Nodes;
using OpenAI;
using OpenAI.Chat;

namespace MetaRouter.Gateway.Tests;

public sealed class ChatTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions";
    private const string Key = "sk-of-the-upstream";
    private EchoUpstream _upstream = null!;
    private RunningGateway _gateway = null!;

    public async Task InitializeAsync()
    {
        _upstream = await EchoUpstream.StartAsync();
        _gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, "--Upstreams:0:ApiKey", Key, "--Upstreams:0:TimeoutSeconds", "3",
            "--Upstreams:1:Model", "gpt-4o-2024-05-13", "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:UpstreamModel", "the \"big\" one");
    }

    public async Task DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task Chat_Auto_PassesEveryByteButTheModelThrough()
    {
        const string before = """{"z":1e2, "messages" :[{"role":"user","content":"h\u00e9llo 😀 \ud83d"}],"model":""", after = """ , "nested":{"model":"auto","b":[ 1,2 ]},"temperature":0.70 }""" + "\r\n";
        var answer = await _gateway.PostAsync(Chat, before + "\"auto\"" + after);

        answer.Status.ShouldBe(200, answer.Text);
        Encoding.UTF8.GetString(_upstream.Body).ShouldBe(before + $"\"{answer.Headers["x-router-model"]}\"" + after);
        _upstream.Authorization.ShouldBe("Bearer " + Key);
    }

    [Fact]
    public async Task Chat_Answer_IsTheUpstreamsButForIdAndModel()
    {
        var answer = await _gateway.PostAsync(Chat, """{"model":"auto","user":"ann","messages":[{"role":"user","content":"hello"}]}""");

        var (receipt, model) = (answer.Headers["x-router-decision"], answer.Headers["x-router-model"]);
        answer.Text.ShouldBe(_upstream.Answer.Replace("\"up-1\"", $"\"{receipt}\"", StringComparison.Ordinal).Replace("\"m\"", $"\"{model}\"", StringComparison.Ordinal));
        answer.Headers["x-router-reason"].ShouldBe("best_for_user");
        answer.Headers["x-router-explored"].ShouldBe("false");
        answer.Headers["x-router-policy-version"].Length.ShouldBe(16);
        answer.Headers.ShouldContainKey("x-router-cost-usd");
    }

    [Fact]
    public async Task Chat_CompletionId_TakesFeedback()
    {
        foreach (var (field, header) in new[] { ("\"safety_identifier\":\"ann\",\"user\":\"x\"", ""), ("\"user\":\"ann\"", "x"), ("\"n\":1", "ann") })
        {
            var chat = await _gateway.PostAsync(Chat, $$"""{"model":"auto",{{field}},"messages":[{"role":"user","content":"hello"}]}""", ("x-router-user", header));
            chat.Body["receipt"] = (string)chat.Body["id"]!;

            var feedback = await _gateway.FeedbackAsync(chat, "ann", "accept");

            feedback.Status.ShouldBe(200, feedback.Text);
        }
    }

    [Fact]
    public async Task Chat_ConcreteModel_BypassesRoutingAndTakesTheUpstreamsName()
    {
        var answer = await _gateway.PostAsync(Chat, """{"model":"gpt-4o-2024-05-13","messages":[{"role":"user","content":"hello"}]}""");

        ((string)JsonNode.Parse(_upstream.Body)!["model"]!).ShouldBe("the \"big\" one");
        ((string)answer.Body["model"]!).ShouldBe("gpt-4o-2024-05-13");
        ((string)answer.Body["id"]!).ShouldBe("up-1");
        answer.Headers["x-router-reason"].ShouldBe("requested");
        double.Parse(answer.Headers["x-router-cost-usd"], System.Globalization.CultureInfo.InvariantCulture).ShouldBe(((1000 * 5) + (100 * 15)) * 1e-6, 1e-9);
        _upstream.Authorization.ShouldBe("");
    }

    [Fact]
    public async Task Chat_Aliases_SetTheDial()
    {
        var served = new List<string>();
        foreach (var alias in new[] { "auto:quality", "auto:cheap" })
        {
            var answer = await _gateway.PostAsync(Chat, $$"""{"model":"{{alias}}","messages":[{"role":"user","content":"A ball is thrown upwards at 12 m/s from a 30 m tower. When does it hit the ground?"}]}""");
            answer.Headers["x-router-reason"].ShouldBe("best_for_dial");
            served.Add(answer.Headers["x-router-model"]);
        }

        served[0].ShouldNotBe(served[1]);
    }

    [Fact]
    public async Task Chat_ObserveAndOff_ServeTheStrongest()
    {
        const string body = """{"model":"auto","user":"ann","messages":[{"role":"user","content":"hello"}]}""";
        var (observe, off) = (await _gateway.PostAsync(Chat, body, ("x-router-mode", "observe")), await _gateway.PostAsync(Chat, body, ("x-router-mode", "off")));

        observe.Headers["x-router-model"].ShouldBe("gpt-4o-2024-05-13");
        observe.Headers.ShouldContainKey("x-router-observed");
        ((string)observe.Body["id"]!).ShouldBe(observe.Headers["x-router-decision"]);
        off.Headers.ShouldNotContainKey("x-router-decision");
        off.Headers["x-router-model"].ShouldBe("gpt-4o-2024-05-13");
        off.Headers.ShouldNotContainKey("x-router-observed");
    }

    /// <summary>Whoever looks on before routing would else learn nothing meanwhile, and every thumb of the application would be refused.</summary>
    [Fact]
    public async Task Chat_Observe_TheReceiptSpeaksOfWhoAnswered()
    {
        var answer = await _gateway.PostAsync(
            Chat, """{"model":"auto:cheap","user":"ann","messages":[{"role":"user","content":"A ball is thrown upwards at 12 m/s from a 30 m tower. When does it hit the ground?"}]}""", ("x-router-mode", "observe"));
        answer.Headers["x-router-observed"].ShouldNotBe("gpt-4o-2024-05-13");

        var thumb = await _gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = (string)answer.Body["id"]!, ["user"] = "ann", ["kind"] = "thumb", ["value"] = "down" }.ToJsonString());

        thumb.Status.ShouldBe(200, thumb.Text);
        var believed = (await _gateway.GetAsync("/v1/console/users/ann")).Body;
        ((string)believed["history"]![0]!["model"]!).ShouldBe("gpt-4o-2024-05-13");
    }

    [Fact]
    public async Task Chat_OpenAiClient_IsServed()
    {
        var client = new ChatClient("auto", new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(_gateway.Client.BaseAddress!, "/v1") });

        ChatCompletion completion = await client.CompleteChatAsync(new UserChatMessage("hello"));

        completion.Content[0].Text.ShouldBe("hi");
        completion.Id.Length.ShouldBeGreaterThan(100);
        completion.Usage.InputTokenCount.ShouldBe(1000);
    }

    [Theory]
    [InlineData("""{"messages":[]}""", 400, "missing_field", "'model'", "auto")]
    [InlineData("""{"model":"auto","messages":[]}""", 400, "invalid_value", "'messages' is []", "at least one")]
    [InlineData("""{"model":"auto"}""", 400, "missing_field", "'messages'")]
    [InlineData("""{"model":"auto","messages":{}}""", 400, "invalid_value", "'messages' is {}")]
    [InlineData("""{"model":"auto","messages":["a"]}""", 400, "invalid_value", "\"a\"", "role and content")]
    [InlineData("""{"model":7,"messages":[{}]}""", 400, "invalid_value", "'model' is 7")]
    [InlineData("""{"model":"auto","stream":"no","messages":[{}]}""", 400, "invalid_value", "'stream' is \"no\"")]
    [InlineData("""{"model":"auto","model":"gpt-4o-2024-05-13","messages":[{}]}""", 400, "invalid_value", "more than once")]
    [InlineData("""{"model":"gpt-9","messages":[{}]}""", 404, "model_not_found", "'gpt-9'", "auto:cheap")]
    [InlineData("""{"model":"auto:fast","messages":[{}]}""", 404, "model_not_found", "'auto:fast'")]
    [InlineData("""{"model":"auto","messages":[{"role":"user"}]""", 400, "invalid_json", "line 1")]
    public async Task Chat_BadRequest_SaysWhatIsWrong(string body, int status, string code, params string[] named) =>
        (await _gateway.PostAsync(Chat, body)).ShouldFail(status, code, named);

    /// <summary>Whether a model can answer nothing at all is its upstream's to say.</summary>
    [Theory]
    [InlineData("\"\"")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""[{"type":"text","text":""}]""")]
    [InlineData("""[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]""")]
    public async Task Chat_EmptyPrompt_IsRoutedAndHandedOn(string content)
    {
        foreach (var name in new[] { "auto", "gpt-4o-2024-05-13" })
        {
            (await _gateway.PostAsync(Chat, $$"""{"model":"{{name}}","messages":[{"role":"user","content":{{content}}}]}""")).Status.ShouldBe(200);
        }

        (await _gateway.PostAsync("/v1/router/route", $$"""{"messages":[{"role":"user","content":{{content}}}]}""")).Status.ShouldBe(200);
        (await _gateway.PostAsync("/v1/router/route", """{"input":""}""")).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("x-router-mode", "of", 400, "invalid_value", "'of'", "apply, observe or off")]
    [InlineData("x-router-max-cost-usd", "cheap", 400, "invalid_value", "'cheap'", "0 or more")]
    [InlineData("x-router-max-cost-usd", "-1", 400, "invalid_value", "'-1'", "0 or more")]
    [InlineData("x-router-max-cost-usd", "0", 422, "no_model_allowed", "over the limit")]
    public async Task Chat_BadHeader_SaysWhatIsWrong(string name, string value, int status, string code, params string[] named)
    {
        foreach (var model in new[] { "auto", "gpt-4o-2024-05-13" })
        {
            (await _gateway.PostAsync(Chat, $$"""{"model":"{{model}}","messages":[{"role":"user","content":"hello"}]}""", (name, value))).ShouldFail(status, code, named);
        }
    }

    /// <summary>It alone was asked for: what the others may and cost does not matter, and no list forbids them.</summary>
    [Fact]
    public async Task Chat_NamedModelOverTheCostLimit_IsToldItsOwnCostAndNothingOfTheOthers()
    {
        var refused = await _gateway.PostAsync(Chat, """{"model":"gpt-4o-2024-05-13","messages":[{"role":"user","content":"hello"}],"max_tokens":100}""", ("x-router-max-cost-usd", "0.0001"));

        refused.ShouldFail(422, "no_model_allowed", "'gpt-4o-2024-05-13' would cost $0.00", "over the limit of $0.0001", "x-router-max-cost-usd");
        refused.Text.ShouldNotContain("allow-list");
        refused.Text.ShouldNotContain("mixtral");
    }

    [Fact]
    public async Task Chat_BodyTooLarge_Is413() =>
        (await _gateway.PostAsync(Chat, $$"""{"model":"auto","messages":[{"role":"user","content":"{{new string('a', 10_000_000)}}"}]}""")).ShouldFail(413, "body_too_large", "10,000,000", "Gateway:ChatBodyBytes");

    [Theory]
    [InlineData(500, "{}", "500")]
    [InlineData(401, """{"error":{"message":"Incorrect API key provided: sk-of-the-upstream"}}""", "401", "operator")]
    [InlineData(302, "{}", "302")]
    [InlineData(200, "<html>", "not a JSON object")]
    public async Task Chat_UpstreamFails_Is502NamingTheModelNotTheKey(int status, string body, params string[] named)
    {
        (_upstream.Status, _upstream.Answer) = (status, body);

        var answer = await _gateway.PostAsync(Chat, """{"model":"mixtral-8x7b-instruct","messages":[{"role":"user","content":"hello"}]}""");

        answer.ShouldFail(502, "upstream_failed", ["'mixtral-8x7b-instruct'", .. named]);
        answer.Text.ShouldNotContain(Key);
    }

    [Fact]
    public async Task Chat_UpstreamRefusesTheRequest_IsHeardAsItSaidIt()
    {
        (_upstream.Status, _upstream.Answer) = (429, """{"error":{"message":"slow down","type":"requests","param":null,"code":"rate_limit_exceeded"}}""");

        var answer = await _gateway.PostAsync(Chat, """{"model":"auto","messages":[{"role":"user","content":"hello"}]}""");

        answer.Status.ShouldBe(429);
        answer.Text.ShouldBe(_upstream.Answer);
    }

    [Fact]
    public async Task Chat_UpstreamTooSlow_Is504()
    {
        _upstream.Delay = TimeSpan.FromSeconds(30);

        (await _gateway.PostAsync(Chat, """{"model":"mixtral-8x7b-instruct","messages":[{"role":"user","content":"hello"}]}""")).ShouldFail(504, "upstream_timeout", "'mixtral-8x7b-instruct'", "within 3 s");
    }

    [Fact]
    public async Task Chat_UpstreamUnreachable_Is502()
    {
        await _upstream.DisposeAsync();

        (await _gateway.PostAsync(Chat, """{"model":"mixtral-8x7b-instruct","messages":[{"role":"user","content":"hello"}]}""")).ShouldFail(502, "upstream_failed", "'mixtral-8x7b-instruct'", "cannot be reached");
    }

    [Fact]
    public async Task Chat_Demo_SaysItIsSimulated()
    {
        await using var demo = await RunningGateway.StartAsync();

        var answer = await demo.PostAsync(Chat, """{"model":"auto","user":"ann","messages":[{"role":"user","content":"hello"}]}""");

        ((string)answer.Body["choices"]![0]!["message"]!["content"]!).ShouldContain("[simulated]");
        ((int)answer.Body["usage"]!["prompt_tokens"]!).ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Chat_DemoAskedForSeveralChoices_GivesThem()
    {
        await using var demo = await RunningGateway.StartAsync();
        var one = await demo.PostAsync(Chat, """{"model":"auto","messages":[{"role":"user","content":"hello"}]}""");

        var answer = await demo.PostAsync(Chat, """{"model":"auto","n":3,"messages":[{"role":"user","content":"hello"}]}""");
        using var streamed = await demo.Client.PostAsync(Chat, new StringContent("""{"model":"auto","n":3,"stream":true,"messages":[{"role":"user","content":"hello"}]}"""));

        answer.Body["choices"]!.AsArray().Select(c => (int)c!["index"]!).ShouldBe([0, 1, 2]);
        answer.Body["choices"]!.AsArray().ShouldAllBe(c => ((string)c!["message"]!["content"]!).Contains("[simulated]", StringComparison.Ordinal));
        ((int)answer.Body["usage"]!["completion_tokens"]!).ShouldBe(3 * (int)one.Body["usage"]!["completion_tokens"]!);
        var deltas = (await streamed.Content.ReadAsStringAsync()).Split('\n').Where(l => l.StartsWith("data: {", StringComparison.Ordinal)).Select(l => JsonNode.Parse(l[6..])!["choices"]!.AsArray().Single()!).ToArray();
        foreach (var i in (int[])[0, 1, 2])
        {
            var mine = deltas.Where(d => (int)d["index"]! == i).ToArray();
            string.Concat(mine.Select(d => (string?)d["delta"]!["content"])).Trim().ShouldBe(string.Concat(deltas.Where(d => (int)d["index"]! == 0).Select(d => (string?)d["delta"]!["content"])).Trim());
            ((string)mine[^1]["finish_reason"]!).ShouldBe("stop");
        }
    }
}
