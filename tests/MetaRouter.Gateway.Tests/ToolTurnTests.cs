using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

/// <summary>A turn that tool calls interrupt stays with the model that began it.</summary>
public sealed class ToolTurnTests : ThreeUpstreams
{
    private const string Clock = """[{"type":"function","function":{"name":"clock","parameters":{"type":"object"}}}]""";

    private const string Question = """{"role":"user","content":"What time is it?"}""";

    private const string Answered = """{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"clock","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"noon"}""";

    private protected override string[] More => ["--Gateway:CategoryPins:cheap:0", Weak];

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

    /// <summary>If it calls no tool, a tool's result can only belong to the other.</summary>
    [Fact]
    public async Task Turn_BegunByTheSecondOfAComparison_GoesOnWithThat()
    {
        var offered = (await _gateway.PostAsync(Chat, Turn("auto", Question), ("x-router-compare", "always"))).Headers["x-router-offered"];
        _of[offered].Script = CallsTheClockAsync;
        (await _gateway.PostAsync(Chat, Turn("auto", Question), ("x-router-compare", "always"))).Headers["x-router-offered"].ShouldBe(offered);

        foreach (var dial in (string[])["auto:quality", "auto:cheap"])
        {
            (await _gateway.PostAsync(Chat, Turn(dial, $"{Question},{Answered}"))).Headers["x-router-model"].ShouldBe(offered);
        }
    }

    /// <summary>Whoever began the turn, a category's requests are shown to its models alone.</summary>
    [Fact]
    public async Task Turn_OfACategoryFromThenOn_GoesToItsModels()
    {
        _of[Strong].Script = CallsTheClockAsync;
        (await _gateway.PostAsync(Chat, Turn("auto:quality", Question))).Headers["x-router-model"].ShouldBe(Strong);

        (await _gateway.PostAsync(Chat, Turn("auto:quality", $"{Question},{Answered}"), ("x-router-category", "cheap"))).Headers["x-router-model"].ShouldBe(Weak);
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
}
