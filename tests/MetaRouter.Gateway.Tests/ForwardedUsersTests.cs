using System.Text.Json.Nodes;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Upstream;
using Microsoft.Extensions.Configuration;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>What an upstream receives of user ids, as its entry says.</summary>
public sealed class ForwardedUsersTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions", Vectors = "text-embedding-3-small", Account = "9b1c-account", Hash32 = "^[0-9a-f]{32}$";

    private ScriptedUpstream _upstream = null!;

    public async Task InitializeAsync() => _upstream = await ScriptedUpstream.StartAsync();

    public async Task DisposeAsync() => await _upstream.DisposeAsync();

    /// <summary>Bodies with the fields in which a user stands at the upstream.</summary>
    public static TheoryData<string, string, bool, string> Bodies => new()
    {
        { Chat, """{"model":"auto","user":"ada@example.com","messages":[{"role":"user","content":"hello"}]}""", false, "user" },
        { Chat, """{"safety_identifier":"ada@example.com","model":"auto","messages":[{"role":"user","content":"hello"}],"metadata":{"a":"b","user_id":"ada@example.com"}}""", false, "safety_identifier metadata.user_id" },
        { Chat, """{"model":"auto","messages":[{"role":"user","content":"hello"}], "user" : "ada@example.com", "stream":true }""", false, "user" },
        { "/v1/responses", """{"model":"auto","user":"ada@example.com","input":"hello"}""", false, "user" },
        { "/v1/messages", """{"model":"auto","max_tokens":99,"metadata":{"user_id":"ada@example.com"},"messages":[{"role":"user","content":"hello"}]}""", false, "user" },
        { "/v1/messages", """{"model":"auto","max_tokens":99,"metadata":{"user_id":"ada@example.com"},"messages":[{"role":"user","content":"hello"}]}""", true, "metadata.user_id" },
        { "/v1/embeddings", """{"model":"text-embedding-3-small","user":"ada@example.com","input":"hello"}""", false, "user" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Upstream_Receives_WhatItsEntrySays(string path, string body, bool native, string fields)
    {
        var sent = await ReceivedAsync("sent", native, path, body);
        var hashed = await ReceivedAsync("hashed", native, path, body);
        var none = await ReceivedAsync("none", native, path, body);

        foreach (var field in fields.Split(' '))
        {
            Of(sent, field).ShouldBe("ada@example.com");
            Of(hashed, field).ShouldNotBeNull().ShouldMatch(Hash32);
            Of(none, field).ShouldBeNull();
            Remove(sent, field);
            Remove(hashed, field);
        }

        hashed.ToJsonString().ShouldBe(sent.ToJsonString());
        none.ToJsonString().ShouldBe(sent.ToJsonString());
    }

    [Fact]
    public async Task Hash_IsOneForAUser_AnotherForEachTenantAndNoneOfTheStores()
    {
        using var folder = new TemporaryFolder();
        var store = "sqlite:" + folder.File("users.db");
        var (first, again) = (default(string?), default(string?));
        await using (var gateway = await StartAsync("hashed", native: false, "--MetaRouter:Store", store))
        {
            first = await UserAsync(gateway, "key-a", "ada");
            (await UserAsync(gateway, "key-a", "ada")).ShouldBe(first);
            (await UserAsync(gateway, "key-a", "bob")).ShouldNotBe(first);
            (await UserAsync(gateway, "key-b", "ada")).ShouldNotBe(first);
        }

        await using (var gateway = await StartAsync("hashed", native: false, "--MetaRouter:Store", store))
        {
            again = await UserAsync(gateway, "key-a", "ada");
        }

        again.ShouldBe(first);
        File.ReadAllBytes(folder.File("users.db")).AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(first!)).ShouldBe(-1);
        File.ReadAllBytes(folder.File("users.db")).AsSpan().IndexOf(Convert.FromHexString(first!).AsSpan(0, 8)).ShouldBe(-1);
    }

    /// <summary>One user has many sessions, and the session tells when who worked on what.</summary>
    [Fact]
    public async Task Hash_OfWhatClaudeCodeSends_IsItsAccounts()
    {
        await using var gateway = await StartAsync("hashed", native: true);
        var seen = new HashSet<string?>();
        foreach (var session in (string[])["s-1", "s-2"])
        {
            var id = new JsonObject { ["device_id"] = "d", ["account_uuid"] = Account, ["session_id"] = session }.ToJsonString();
            var body = new JsonObject
            {
                ["model"] = "auto", ["max_tokens"] = 99, ["metadata"] = new JsonObject { ["user_id"] = id },
                ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = "hello" }),
            };
            (await gateway.PostAsync("/v1/messages", body.ToJsonString(), Bearer("key-a"))).Status.ShouldBe(200);
            _upstream.Asked.Text.ShouldNotContain(Account);
            _upstream.Asked.Text.ShouldNotContain(session);
            seen.Add(Of(_upstream.Bodies.Last(), "metadata.user_id"));
        }

        seen.ShouldHaveSingleItem().ShouldNotBeNull().ShouldMatch(Hash32);
    }

    [Theory]
    [InlineData("""{"user":"a","x":1,"user":"b"}""", """{"user":"<a>","x":1,"user":"<b>"}""", """{"x":1}""")]
    [InlineData("""{"us\u0065r":"a"}""", """{"us\u0065r":"<a>"}""", "{}")]
    [InlineData("""{ "user" : {"id":"a"} , "x" : [ 1, {"user":"kept"} ] }""", """{"x" :[ 1, {"user":"kept"} ]}""", """{"x" :[ 1, {"user":"kept"} ]}""")]
    [InlineData("""{"user":null,"metadata":{"user_id":"a","user":"kept"}}""", """{"user":null,"metadata":{"user_id":"<a>","user":"kept"}}""", """{"user":null,"metadata":{"user":"kept"}}""")]
    [InlineData("""{"metadata":"a","user":"\ud800"}""", """{"metadata":"a"}""", """{"metadata":"a"}""")]
    [InlineData("{}", "{}", "{}")]
    public void Body_InAnyForm_HasEveryUserReplacedOrLeftOut(string body, string replaced, string without)
    {
        Rewritten(user => $"<{user}>").Replace("\\u003C", "<", StringComparison.Ordinal).Replace("\\u003E", ">", StringComparison.Ordinal).ShouldBe(replaced);
        Rewritten(_ => null).ShouldBe(without);

        string Rewritten(Func<string, string?> told) => System.Text.Encoding.UTF8.GetString(ForwardedUsers.Rewrite(System.Text.Encoding.UTF8.GetBytes(body), told));
    }

    [Fact]
    public void Setting_ThatIsNone_IsRefusedAtTheStart()
    {
        var settings = new Dictionary<string, string?> { ["Upstreams:0:Model"] = "*", ["Upstreams:0:BaseUrl"] = "http://127.0.0.1:1/v1", ["Upstreams:0:UserIds"] = "hash" };

        Should.Throw<GatewayConfigurationException>(() => SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())).Problems
            .ShouldHaveSingleItem().ShouldBe("Upstreams:0 (*) has UserIds 'hash'; it must be sent (as clients send them), hashed, or none (left out)");
    }

    private async Task<JsonObject> ReceivedAsync(string setting, bool native, string path, string body)
    {
        await using var gateway = await StartAsync(setting, native);
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body) };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer key-a");
        using var answer = await gateway.Client.SendAsync(request);
        ((int)answer.StatusCode).ShouldBe(200, await answer.Content.ReadAsStringAsync());
        return _upstream.Bodies.Last().DeepClone().AsObject();
    }

    private async Task<string?> UserAsync(RunningGateway gateway, string key, string user)
    {
        (await gateway.PostAsync(Chat, $$"""{"model":"auto","user":"{{user}}","messages":[{"role":"user","content":"hello"}]}""", Bearer(key))).Status.ShouldBe(200);
        return Of(_upstream.Bodies.Last(), "user");
    }

    private static string? Of(JsonObject body, string field) => (string?)field.Split('.').Aggregate((JsonNode?)body, (node, name) => node?[name]);

    private static void Remove(JsonObject body, string field)
    {
        var parts = field.Split('.');
        (parts.Length == 1 ? body : body[parts[0]]!.AsObject()).Remove(parts[^1]);
    }

    private Task<RunningGateway> StartAsync(string setting, bool native, params string[] settings) => RunningGateway.StartAsync(
    [
        "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, "--Upstreams:0:UserIds", setting, "--Upstreams:0:Messages", native ? "true" : "false",
        "--Upstreams:1:Model", Vectors, "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:Embeddings", "true", "--Upstreams:1:UserIds", setting,
        "--ApiKeys:0:Sha256", Hash("key-a"), "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:1:Sha256", Hash("key-b"), "--ApiKeys:1:Tenant", "b", "--ApiKeys:1:Scopes:0", "inference", .. settings,
    ]);
}
