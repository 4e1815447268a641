
namespace MetaRouter.Gateway.Tests;

/// <summary>Conversations and turns stay with the model that has their beginning.</summary>
public sealed class SessionTests : OneUpstream
{
    [Fact]
    public async Task Turn_StreamedToItsEnd_GoesOnWithTheModelThatBeganItAtOnce()
    {
        await using var gateway = await StartLateAsync(Nothing, () => Task.Delay(100));

        await AskAsync(gateway, Chat, streams: true, "auto:quality", "tools");
        var goesOn = await gateway.PostAsync(Chat, """{"model":"auto:cheap","tools":[{"type":"function","function":{"name":"weather"}}],"messages":[{"role":"user","content":"tools"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":"rain"}]}""");

        goesOn.Headers["x-router-reason"].ShouldBe("only_allowed");
    }

    [Fact]
    public async Task Session_StaysWithTheModelWhosePromptIsCached()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "0.1", "--MetaRouter:Models:0:CachedInputPrice", "0.01",
            "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "1", "--MetaRouter:Models:1:OutputPrice", "0.1");
        var body = Body("auto:cheap", new string('a', 4000));

        (await gateway.PostAsync(Chat, body)).Headers["x-router-model"].ShouldBe(Weak);
        (await gateway.PostAsync(Chat, body.Replace("\"auto:cheap\"", "\"auto:quality\"", StringComparison.Ordinal), ("x-router-session", "s1"))).Headers["x-router-model"].ShouldBe(Strong);

        // 1,000 prompt tokens are worth $0.001 at the weak model and, cached, $0.00001 at the strong one.
        (await gateway.PostAsync(Chat, body, ("x-router-session", "s1"))).Headers["x-router-model"].ShouldBe(Strong);
        (await gateway.PostAsync(Chat, body, ("x-router-session", "s2"))).Headers["x-router-model"].ShouldBe(Weak);

        // What opencode names it by, as long as it is a name.
        foreach (var (session, goesTo) in ((string, string)[])[("ses_1", Strong), (new string('s', 257), Weak)])
        {
            await gateway.PostAsync(Chat, body.Replace("\"auto:cheap\"", "\"auto:quality\"", StringComparison.Ordinal), ("x-session-id", session));
            (await gateway.PostAsync(Chat, body, ("x-session-id", session))).Headers["x-router-model"].ShouldBe(goesTo);
        }

        gateway.Time.Ahead += TimeSpan.FromMinutes(6);
        (await gateway.PostAsync(Chat, body, ("x-router-session", "s1"))).Headers["x-router-model"].ShouldBe(Weak);
    }

    /// <summary>Agents ask for a title or a summary beside the conversation, by another prompt: a cache holds beginnings, and that one's has not gone.</summary>
    [Fact]
    public async Task Session_SideCallsThatBeginOtherwise_LeaveItsModelWarm()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "0.1", "--MetaRouter:Models:0:CachedInputPrice", "0.01",
            "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "1", "--MetaRouter:Models:1:OutputPrice", "0.1");
        (string, string) session = ("x-router-session", "s");
        var begun = $$"""{"role":"system","content":"Be brief."},{"role":"user","content":"{{new string('a', 4000)}}"}""";
        string Asks(string model, string messages) => $$"""{"model":"{{model}}","messages":[{{messages}}]}""";

        (await gateway.PostAsync(Chat, Asks("auto:quality", begun), session)).Headers["x-router-model"].ShouldBe(Strong);
        (await gateway.PostAsync(Chat, Asks(Weak, """{"role":"system","content":"Write a title."},{"role":"user","content":"aaaa"}"""), session)).Headers["x-router-model"].ShouldBe(Weak);

        (await gateway.PostAsync(Chat, Asks("auto:cheap", begun + """,{"role":"assistant","content":"I am up"},{"role":"user","content":"and then?"}"""), session)).Headers["x-router-model"].ShouldBe(Strong);
        (await gateway.PostAsync(Chat, Asks("auto:cheap", begun.Replace("brief", "kind", StringComparison.Ordinal)), session)).Headers["x-router-model"].ShouldBe(Weak);
    }
}
