using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>A model that clients ask for by another name than the catalog's.</summary>
public sealed class ModelAliasTests : IAsyncLifetime
{
    private const string Id = "gpt-4o-2024-05-13", Alias = "gpt-4o", Other = "llama-3.1-8b-instruct";

    private ScriptedUpstream _upstream = null!;

    public async Task InitializeAsync() => _upstream = await ScriptedUpstream.StartAsync();

    public async Task DisposeAsync() => await _upstream.DisposeAsync();

    [Theory]
    [InlineData("/v1/chat/completions", """{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData("/v1/responses", """{"model":"gpt-4o","input":"hello"}""")]
    [InlineData("/v1/messages", """{"model":"gpt-4o","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}""")]
    public async Task Alias_AskedFor_IsAnsweredByItsModelUnderItsId(string path, string body)
    {
        await using var gateway = await StartAsync();

        var answer = await gateway.PostAsync(path, body);

        answer.Status.ShouldBe(200, answer.Text);
        ((string)answer.Body["model"]!).ShouldBe(Id);
        (answer.Headers["x-router-model"], answer.Headers["x-router-reason"]).ShouldBe((Id, "requested"));
        _upstream.Bodies.Select(b => (string)b["model"]!).ShouldBe([Id]);
    }

    [Fact]
    public async Task Alias_IsListedAndFoundWithItsModelsPrice_AndLimitsADecision()
    {
        await using var gateway = await StartAsync();

        (await gateway.GetAsync("/v1/models")).Body["data"]!.AsArray().Select(m => (string)m!["id"]!).Where(id => !id.Contains("auto") && !id.Contains("router")).ShouldBe([Id, Other, Alias]);
        var found = await gateway.GetAsync("/v1/models/gpt-4o");
        ((string)found.Body["id"]!, (double)found.Body["input_price_usd_per_million"]!, (string)found.Body["description"]!).ShouldBe((Alias, 5, $"another name of {Id}"));
        ((string)(await gateway.PostAsync("/v1/router/route", """{"input":"hello","models":["gpt-4o"]}""")).Body["model"]!).ShouldBe(Id);
    }

    [Fact]
    public async Task Alias_OfAModelThatTheTenantMayNotUse_IsNoWayToIt()
    {
        await using var gateway = await StartAsync("--ApiKeys:0:Sha256", Hash("k"), "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:Scopes:0", "inference", "--Tenants:0:Name", "a", "--Tenants:0:AllowedModels:0", Other);

        (await gateway.PostAsync("/v1/chat/completions", """{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}""", Bearer("k"))).ShouldFail(403, "model_not_allowed", Id);
        (await gateway.GetAsync("/v1/models", Bearer("k"))).Text.ShouldNotContain($"\"id\":\"{Alias}\"");
        (await gateway.GetAsync("/v1/models/gpt-4o", Bearer("k"))).ShouldFail(404, "model_not_found");
    }

    [Fact]
    public async Task Alias_GivenWhileItRuns_OutlivesARestart()
    {
        using var folder = new TemporaryFolder();
        var store = "sqlite:" + folder.File("users.db");
        const string hello = """{"model":"four-o","messages":[{"role":"user","content":"hello"}]}""";
        await using (var gateway = await StartAsync("--MetaRouter:Store", store))
        {
            (await gateway.PostAsync("/v1/chat/completions", hello)).ShouldFail(404, "model_not_found", "'four-o'");
            var set = await gateway.SendAsync(HttpMethod.Put, "/v1/router/models", """{"models":[{"id":"gpt-4o-2024-05-13","input_price_usd_per_million":5,"output_price_usd_per_million":15,"aliases":["four-o"]}]}""");
            set.Status.ShouldBe(200, set.Text);
            (await gateway.PostAsync("/v1/chat/completions", hello)).Headers["x-router-model"].ShouldBe(Id);
        }

        await using var again = await StartAsync("--MetaRouter:Store", store);
        (await again.PostAsync("/v1/chat/completions", hello)).Headers["x-router-model"].ShouldBe(Id);
        (await again.PostAsync("/v1/chat/completions", hello.Replace("four-o", Alias, StringComparison.Ordinal))).ShouldFail(404, "model_not_found");
    }

    private Task<RunningGateway> StartAsync(params string[] settings) => RunningGateway.StartAsync(
    [
        "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
        "--MetaRouter:Models:0:Id", Id, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15", "--MetaRouter:Models:0:Aliases:0", Alias,
        "--MetaRouter:Models:1:Id", Other, "--MetaRouter:Models:1:InputPrice", "0.05", "--MetaRouter:Models:1:OutputPrice", "0.08", .. settings,
    ]);
}
