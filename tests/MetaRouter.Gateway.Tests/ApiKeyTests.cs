using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

public sealed class ApiKeyTests : IAsyncLifetime
{
    private RunningGateway _gateway = null!;

    public async Task InitializeAsync() => _gateway = await RunningGateway.StartAsync(
        "--ApiKeys:0:Sha256", Hash("all-of-a"), "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:0:Scopes:1", "feedback", "--ApiKeys:0:Scopes:2", "read", "--ApiKeys:0:Scopes:3", "admin",
        "--ApiKeys:1:Sha256", Hash("all-of-b"), "--ApiKeys:1:Tenant", "b", "--ApiKeys:1:Scopes:0", "inference", "--ApiKeys:1:Scopes:1", "feedback",
        "--ApiKeys:2:Sha256", Hash("reads-a"), "--ApiKeys:2:Tenant", "a", "--ApiKeys:2:Scopes:0", "read");

    public async Task DisposeAsync() => await _gateway.DisposeAsync();

    [Theory]
    [InlineData(null, "No API key", "Authorization: Bearer")]
    [InlineData("Bearer wrong", "not known")]
    [InlineData("Basic YTpi", "No API key")]
    [InlineData("Bearer ", "No API key")]
    [InlineData("Bearer ' OR 1=1 --", "not known")]
    public async Task UnknownKey_Is401OnEveryPathButTheProbes(string? header, params string[] named)
    {
        (string, string)[] headers = header is null ? [] : [("Authorization", header)];
        foreach (var path in new[] { "/v1/models", "/v1/router/users/u", "/v1/nothing" })
        {
            (await _gateway.GetAsync(path, headers)).ShouldFail(401, "invalid_api_key", named);
        }

        (await _gateway.GetAsync("/alive", headers)).Status.ShouldBe(200);
    }

    /// <summary>Tokens of identity providers are long; whoever sends one is told that it is not known, and not that none was sent.</summary>
    [Fact]
    public async Task UnknownKey_LongAsAToken_IsToldAsUnknown() =>
        (await _gateway.GetAsync("/v1/models", Bearer(new string('a', 2000)))).ShouldFail(401, "invalid_api_key", "not known");

    [Fact]
    public async Task MissingScope_Is403NamingIt()
    {
        (await _gateway.PostAsync("/v1/router/route", """{"input":"a"}""", Bearer("reads-a"))).ShouldFail(403, "insufficient_scope", "inference");
        (await _gateway.PostAsync("/v1/responses", """{"model":"auto","input":"a"}""", Bearer("reads-a"))).ShouldFail(403, "insufficient_scope", "inference");
        (await _gateway.PostAsync("/v1/router/feedback", "{}", Bearer("reads-a"))).ShouldFail(403, "insufficient_scope", "feedback");
        (await _gateway.SendAsync(HttpMethod.Delete, "/v1/router/users/u", null, Bearer("reads-a"))).ShouldFail(403, "insufficient_scope", "admin");
        (await _gateway.PostAsync("/v1/router/users/u/import", "{}", Bearer("reads-a"))).ShouldFail(403, "insufficient_scope", "admin");
        (await _gateway.PostAsync("/v1/router/users/u/reset", "", Bearer("reads-a"))).ShouldFail(403, "insufficient_scope", "admin");
        (await _gateway.GetAsync("/v1/router/decisions", Bearer("reads-a"))).ShouldFail(403, "insufficient_scope", "admin");
        (await _gateway.GetAsync("/v1/router/users/u", Bearer("all-of-b"))).ShouldFail(403, "insufficient_scope", "read");
    }

    /// <summary>What all tenants share is the operator's once somebody is named as that; a tenant's own stays its administrator's.</summary>
    [Fact]
    public async Task Admin_WhereAKeyIsTheOperators_ChangesWhatIsItsTenantsAndNothingElse()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--ApiKeys:0:Sha256", Hash("governs-a"), "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:Scopes:0", "read", "--ApiKeys:0:Scopes:1", "admin",
            "--ApiKeys:1:Sha256", Hash("operates"), "--ApiKeys:1:Tenant", "ops", "--ApiKeys:1:Scopes:0", "read", "--ApiKeys:1:Scopes:1", "operator");
        const string cheaper = """{"models":[{"id":"mixtral-8x7b-instruct","input_price_usd_per_million":0.1,"output_price_usd_per_million":0.1}]}""";
        (HttpMethod Method, string Path, string? Body, int Status)[] shared =
        [
            (HttpMethod.Put, "/v1/router/models", cheaper, 200), (HttpMethod.Delete, "/v1/router/models", null, 200), (HttpMethod.Put, "/v1/router/mode", """{"mode":"static"}""", 200),
            (HttpMethod.Post, "/v1/router/keys/rotate", "", 200), (HttpMethod.Post, "/v1/router/backup", "", 404), (HttpMethod.Post, "/v1/console/learning/refresh", "", 200),
            (HttpMethod.Post, "/v1/console/learning/rollback", """{"version":"0123456789abcdef"}""", 404),
        ];
        foreach (var (method, path, body, status) in shared)
        {
            (await gateway.SendAsync(method, path, body, Bearer("governs-a"))).ShouldFail(403, "insufficient_scope", $"{path} needs the scope operator. Use a key that has it.");
            (await gateway.SendAsync(method, path, body, Bearer("operates"))).Status.ShouldBe(status, path);
        }

        (await gateway.GetAsync("/metrics", Bearer("governs-a"))).ShouldFail(403, "insufficient_scope", "needs the scope metrics or operator. Use");
        (await gateway.SendAsync(HttpMethod.Delete, "/v1/router/users/u", null, Bearer("governs-a"))).Status.ShouldBe(200);
        (await gateway.SendAsync(HttpMethod.Delete, "/v1/router/users/u", null, Bearer("operates"))).ShouldFail(403, "insufficient_scope", "needs the scope admin");
        (await ScopesAsync(gateway, "governs-a")).ShouldBe("read, admin");
        (await ScopesAsync(gateway, "operates")).ShouldBe("read, operator");
    }

    [Fact]
    public async Task Admin_WhereNoKeyIsTheOperators_ChangesWhatIsShared()
    {
        (await _gateway.SendAsync(HttpMethod.Put, "/v1/router/mode", """{"mode":""}""", Bearer("all-of-a"))).Status.ShouldBe(200);
        (await _gateway.SendAsync(HttpMethod.Put, "/v1/router/mode", """{"mode":""}""", Bearer("reads-a"))).ShouldFail(403, "insufficient_scope", "needs the scope operator or admin. Use a key");
        (await ScopesAsync(_gateway, "all-of-a")).ShouldBe("inference, feedback, read, admin, operator");
    }

    private static async Task<string> ScopesAsync(RunningGateway gateway, string key) =>
        string.Join(", ", (await gateway.GetAsync("/v1/console/session", Bearer(key))).Body["scopes"]!.AsArray().Select(s => (string)s!));

    [Fact]
    public async Task TenantOfTheKey_KeepsUsersApart()
    {
        var route = await _gateway.PostAsync("/v1/router/route", """{"input":"a","user":"u"}""", Bearer("all-of-a"));
        var body = $$"""{"receipt":"{{(string)route.Body["receipt"]!}}","user":"u","kind":"accept"}""";

        (await _gateway.PostAsync("/v1/router/feedback", body, Bearer("all-of-b"))).ShouldFail(403, "receipt_foreign");
        (await _gateway.PostAsync("/v1/router/feedback", body, Bearer("all-of-a"))).Status.ShouldBe(200);
        ((int)(await _gateway.GetAsync("/v1/router/users/u", Bearer("reads-a"))).Body["signals"]!).ShouldBe(1);
    }

    [Fact]
    public async Task OpenGateway_PageOfAnotherHost_IsRefused()
    {
        await using var open = await RunningGateway.StartAsync();

        (await open.GetAsync("/v1/models", ("Host", "evil.example"))).ShouldFail(403, "host_not_allowed", "'evil.example'");
    }

    [Fact]
    public async Task OpenGateway_PageFromElsewhere_MayNotChangeAnything()
    {
        await using var open = await RunningGateway.StartAsync();

        foreach (var origin in new[] { "https://evil.example", "null", "http://127.0.0.1.evil.example" })
        {
            (await open.PostAsync("/v1/console/learning/refresh", "", ("Origin", origin))).ShouldFail(403, "origin_not_allowed", $"'{origin}'");
        }

        (await open.PostAsync("/v1/console/learning/refresh", "", ("Origin", "http://localhost:3000"))).Status.ShouldBe(200);
    }
}
