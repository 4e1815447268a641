using System.Text.Json.Nodes;

namespace MetaRouter.Gateway.Tests;

/// <summary>Signals read from what a user asks next.</summary>
public sealed class ImplicitSignalTests : OneUpstream
{
    [Fact]
    public async Task ImplicitSignals_AreNoticedWhenSwitchedOnAndOnlyThen()
    {
        await using var off = await StartAsync();
        await using var on = await StartAsync("--Gateway:ImplicitSignals", "true");
        foreach (var gateway in (RunningGateway[])[off, on])
        {
            await gateway.PostAsync(Chat, Body("auto:quality", "einmal", "ann"));
            await gateway.PostAsync(Chat, Body("auto:quality", "einmal", "ann")); // again
            await gateway.PostAsync(Chat, Body(Weak, "einmal", "ann")); // now of another model
            await gateway.PostAsync(Chat, Body("auto", "something else", "ann"));
            using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent("""{"model":"auto","user":"ann","stream":true,"messages":[{"role":"user","content":"endless"}]}""") };
            using (var stream = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
            {
                await (await stream.Content.ReadAsStreamAsync()).ReadAtLeastAsync(new byte[100], 100);
            }
        }

        JsonObject kinds = [];
        for (var i = 0; i < 200 && kinds.Count < 3; i++)
        {
            await Task.Delay(50);
            kinds = (await on.GetAsync("/v1/router/users/ann")).Body["kinds"]!.AsObject();
        }

        kinds.Select(k => k.Key).ShouldBe(["regenerate", "switch_model", "abandon"], ignoreOrder: true);
        kinds.ShouldAllBe(k => (int)k.Value! == 1);
        ((int)(await off.GetAsync("/v1/router/users/ann")).Body["signals"]!).ShouldBe(0);
    }

    /// <summary>Who asks the model that answered once more, by its name, has not gone to another.</summary>
    [Theory]
    [InlineData("auto:quality", Weak, "cheaper")]
    [InlineData("router-metarouter-1", Strong, "dearer")]
    [InlineData("auto:quality", Strong, null)]
    public async Task ImplicitSignals_AskedAgainOfANamedModel_AreASwitchToThatSide(string asked, string named, string? side)
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true", "--Gateway:StrongModel", Strong, "--Gateway:WeakModel", Weak);
        (await gateway.PostAsync(Chat, Body(asked, "einmal", "ann"))).Headers["x-router-model"].ShouldBe(asked == "auto:quality" ? Strong : Weak);

        (await gateway.PostAsync(Chat, Body(named, "einmal", "ann"))).Status.ShouldBe(200);

        var history = (await gateway.GetAsync("/v1/console/users/ann")).Body["history"]!.AsArray();
        history.Select(h => ((string)h!["kind"]!, (string)h["value"]!)).ShouldBe(side is null ? [] : [("switch_model", side)]);
    }

    /// <summary>Whoever only looks on learns users' trade-offs meanwhile, of the model that answers.</summary>
    [Theory]
    [InlineData("observe", 1)]
    [InlineData("static", 0)]
    public async Task ImplicitSignals_WithoutRouting_AreNoticedWhereDecisionsAreNoted(string mode, int signals)
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true", "--Gateway:Mode", mode);
        for (var i = 0; i < 2; i++)
        {
            (await gateway.PostAsync(Chat, Body("auto", "einmal", "ann"))).Status.ShouldBe(200);
        }

        ((int)(await gateway.GetAsync("/v1/router/users/ann")).Body["signals"]!).ShouldBe(signals);
    }

    /// <summary>Agents and chat windows have titles made in the user's name, while the user reads the answer or before it is there.</summary>
    [Theory]
    [InlineData("""{"model":"auto","user":"ann","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"Go."}]}""")]
    [InlineData("""{"model":"auto","user":"ann","messages":[{"role":"user","content":"Go."},{"role":"assistant","content":"Where to?"},{"role":"user","content":"On."}]}""")]
    public async Task ImplicitSignals_ATitleMadeBetween_HidesNoRegenerate(string asked)
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true");
        const string title = """{"model":"auto:cheap","user":"ann","messages":[{"role":"system","content":"You write titles."},{"role":"user","content":"Go."}]}""";
        foreach (var (body, kinds) in ((string, string)[])[(asked, "{}"), (title, "{}"), (asked, """{"regenerate":1}"""), (title, """{"regenerate":1}""")]) // a title is the same again only where nothing came between
        {
            (await gateway.PostAsync(Chat, body)).Status.ShouldBe(200);
            (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]!.ToJsonString().ShouldBe(kinds);
        }
    }

    /// <summary>A step of a turn is sent again by the client; the user sends again what began it.</summary>
    [Fact]
    public async Task ImplicitSignals_StepOfATurnSentAgain_IsNoRegenerate()
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true");
        const string begun = """{"role":"user","content":"What time is it?"}""", step = begun + """,{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"clock","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"noon"}""";
        foreach (var (messages, kinds) in ((string, string)[])[(begun, "{}"), (step, "{}"), (step, "{}"), (begun, """{"regenerate":1}""")])
        {
            (await gateway.PostAsync(Chat, $$$"""{"model":"auto","user":"ann","tools":[{"type":"function","function":{"name":"clock"}}],"messages":[{{{messages}}}]}""")).Status.ShouldBe(200);
            (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]!.ToJsonString().ShouldBe(kinds);
        }
    }

    [Fact]
    public async Task ImplicitSignals_AnswerThatBrokeOff_AskedAgain_IsNoRegenerate()
    {
        await using var gateway = await StartLateAsync(Nothing, () => Task.Delay(100), "--Gateway:ImplicitSignals", "true");
        var body = JsonNode.Parse(Body("auto:quality", "break", "ann"))!;
        body["stream"] = true;
        await Should.ThrowAsync<HttpRequestException>(gateway.Client.PostAsync(Chat, new StringContent(body.ToJsonString()))); // its connection is cut

        _upstream.Script = async (context, _) =>
        {
            await _upstream.EventAsync(context, "whole", "stop");
            return true;
        };
        using var again = await gateway.Client.PostAsync(Chat, new StringContent(body.ToJsonString()));

        ((int)again.StatusCode).ShouldBe(200);
        ((int)(await gateway.GetAsync("/v1/router/users/ann")).Body["signals"]!).ShouldBe(0);
    }

    /// <summary>Of two answers that were to be compared one came, and was served as any other.</summary>
    [Fact]
    public async Task ImplicitSignals_ComparisonThatOneSideFailed_AskedAgain_IsARegenerate()
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true");
        var calls = 0;
        _upstream.Script = (context, _) => Interlocked.Increment(ref calls) == 1 ? ScriptedUpstream.FailAsync(context, 400) : Task.FromResult(false);
        var alone = await gateway.PostAsync(Chat, Body("auto", "tell me", "ann"), ("x-router-compare", "always"));
        (alone.Status, calls).ShouldBe((200, 2), alone.Text);

        (await gateway.PostAsync(Chat, Body("auto", "tell me", "ann"))).Status.ShouldBe(200);

        (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]!.ToJsonString().ShouldBe("""{"regenerate":1}""");
    }

    [Fact]
    public async Task ImplicitSignals_WhatWasAskedBeforeAComparison_IsTheLastNoMore()
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true");
        (await gateway.PostAsync(Chat, Body("auto", "tell me", "ann"))).Status.ShouldBe(200);
        (await gateway.PostAsync(Chat, Body("auto", "and more", "ann"), ("x-router-compare", "always"))).Body.ContainsKey("router_comparison").ShouldBeTrue();

        (await gateway.PostAsync(Chat, Body("auto", "tell me", "ann"))).Status.ShouldBe(200);

        (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]!.ToJsonString().ShouldBe("{}");
    }
}
