using MetaRouter.Gateway.Configuration;
using Microsoft.Extensions.Configuration;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>A key that stands for one user, of clients that cannot name theirs.</summary>
public sealed class UserKeyTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions", Responses = "/v1/responses", Messages = "/v1/messages", Vectors = "text-embedding-3-small";

    private ScriptedUpstream _upstream = null!;
    private RunningGateway _gateway = null!;

    public async Task InitializeAsync()
    {
        _upstream = await ScriptedUpstream.StartAsync();
        _gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, "--Upstreams:1:Model", Vectors, "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:Embeddings", "true",
            "--ApiKeys:0:Sha256", Hash("adas"), "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:User", "ada", "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:0:Scopes:1", "feedback",
            "--ApiKeys:1:Sha256", Hash("reads"), "--ApiKeys:1:Tenant", "a", "--ApiKeys:1:Scopes:0", "read",
            "--ApiKeys:2:Sha256", Hash("reads-b"), "--ApiKeys:2:Tenant", "b", "--ApiKeys:2:Scopes:0", "read");
    }

    public async Task DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Theory]
    [InlineData(Chat, """{"model":"auto","messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData(Responses, """{"model":"auto","input":"hello"}""")]
    [InlineData(Messages, """{"model":"auto","max_tokens":99,"messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData(Messages, """{"model":"auto","max_tokens":99,"metadata":{"user_id":"{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\"s\"}"},"messages":[{"role":"user","content":"hello"}]}""")]
    public async Task Request_ThatNamesNobody_TeachesTheKeysUser(string path, string body)
    {
        var answer = await _gateway.PostAsync(path, body, Bearer("adas"));
        answer.Status.ShouldBe(200, answer.Text);

        var feedback = await _gateway.PostAsync("/v1/router/feedback", $$"""{"receipt":"{{(string)answer.Body["id"]!}}","kind":"thumb","value":"up"}""", Bearer("adas"));

        ((bool)feedback.Body["counted"]!).ShouldBeTrue(feedback.Text);
        ((int)(await _gateway.GetAsync("/v1/router/users/ada", Bearer("reads"))).Body["kinds"]!["thumb"]!).ShouldBe(1);
        ((int)(await _gateway.GetAsync("/v1/router/users/ada", Bearer("reads-b"))).Body["signals"]!).ShouldBe(0);
    }

    [Theory]
    [InlineData(Chat, """{"model":"auto","user":"USER","messages":[{"role":"user","content":"hello"}]}""", "user")]
    [InlineData(Chat, """{"model":"auto","safety_identifier":"USER","messages":[{"role":"user","content":"hello"}]}""", "safety_identifier")]
    [InlineData(Chat, """{"model":"gpt-4o-2024-05-13","user":"USER","messages":[{"role":"user","content":"hello"}]}""", "user")]
    [InlineData(Responses, """{"model":"auto","user":"USER","input":"hello"}""", "user")]
    [InlineData(Messages, """{"model":"auto","max_tokens":99,"metadata":{"user_id":"USER"},"messages":[{"role":"user","content":"hello"}]}""", "metadata.user_id")]
    [InlineData("/v1/embeddings", """{"model":"text-embedding-3-small","user":"USER","input":"hello"}""", "user")]
    [InlineData("/v1/router/route", """{"user":"USER","input":"hello"}""", "user")]
    public async Task Request_ThatNamesAnother_IsRefusedAndTheUserHerselfIsNot(string path, string body, string field)
    {
        var refused = await _gateway.PostAsync(path, body.Replace("USER", "bob", StringComparison.Ordinal), Bearer("adas"));

        refused.Status.ShouldBe(403, refused.Text);
        ((string)refused.Body["error"]!["code"]!).ShouldBe("user_not_allowed");
        refused.Message.ShouldContain($"stands for the user 'ada', and the request names 'bob' in '{field}'. Leave '{field}' out");
        _upstream.Calls.ShouldBe(0);
        var own = await _gateway.PostAsync(path, body.Replace("USER", "ada", StringComparison.Ordinal), Bearer("adas"));
        own.Status.ShouldNotBe(403, own.Text);
    }

    [Theory]
    [InlineData(Chat, """{"model":"auto","messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData(Responses, """{"model":"auto","input":"hello"}""")]
    [InlineData("/v1/router/route", """{"input":"hello"}""")]
    [InlineData("/v1/router/feedback", """{"receipt":"r","kind":"accept"}""")]
    public async Task Request_WhoseHeaderNamesAnother_IsRefused(string path, string body) =>
        (await _gateway.PostAsync(path, body, Bearer("adas"), ("x-router-user", "bob"))).ShouldFail(403, "user_not_allowed", "'ada'", "'bob' in 'x-router-user'");

    [Fact]
    public async Task Feedback_ForAnother_IsRefused() =>
        (await _gateway.PostAsync("/v1/router/feedback", """{"receipt":"r","user":"bob","kind":"accept"}""", Bearer("adas"))).ShouldFail(403, "user_not_allowed", "'ada'", "'bob' in 'user'");

    [Theory]
    [InlineData("ada", "read", "ApiKeys:0 stands for the user 'ada' and has the scope 'read', which is about all of the tenant's users")]
    [InlineData("ada", "admin", "has the scope 'admin'")]
    [InlineData("..", "inference", "ApiKeys:0 has a User of 2 characters, '..'; a user id has 1 to 256, and is not '.' or '..'")]
    public void Key_WhoseUserCannotBe_IsRefusedAtTheStart(string user, string scope, string told)
    {
        var settings = new Dictionary<string, string?> { ["ApiKeys:0:Sha256"] = Hash("k"), ["ApiKeys:0:Tenant"] = "a", ["ApiKeys:0:Scopes:0"] = scope, ["ApiKeys:0:User"] = user };

        Should.Throw<GatewayConfigurationException>(() => SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())).Problems.ShouldHaveSingleItem().ShouldContain(told);
    }
}
