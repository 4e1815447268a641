using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>A tenant whose completions are always routed, beside one that may name models.</summary>
public sealed class RoutedOnlyTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions", Dear = "gpt-4o-2024-05-13", Vectors = "text-embedding-3-small";

    private ScriptedUpstream _upstream = null!;
    private RunningGateway _gateway = null!;

    public async Task InitializeAsync()
    {
        _upstream = await ScriptedUpstream.StartAsync();
        _gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, "--Upstreams:1:Model", Vectors, "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:Embeddings", "true",
            "--ApiKeys:0:Sha256", Hash("bound"), "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:1:Sha256", Hash("free"), "--ApiKeys:1:Tenant", "b", "--ApiKeys:1:Scopes:0", "inference",
            "--Tenants:0:Name", "*", "--Tenants:0:RoutedOnly", "true", "--Tenants:1:Name", "b", "--Gateway:RoutedNames:gpt-4o", "router-metarouter-0.5");
    }

    public async Task DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    public static TheoryData<string, string> Doors => new()
    {
        { Chat, """{"model":"NAME","messages":[{"role":"user","content":"hello"}]}""" },
        { "/v1/responses", """{"model":"NAME","input":"hello"}""" },
        { "/v1/messages", """{"model":"NAME","max_tokens":99,"messages":[{"role":"user","content":"hello"}]}""" },
    };

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task Name_OfAModelOrAThreshold_IsRefused(string path, string body)
    {
        foreach (var name in (string[])[Dear, "router-metarouter-0"])
        {
            var refused = await AskAsync("bound", path, body, name);
            (refused.Status, (string)refused.Body["error"]!["code"]!).ShouldBe((403, "routed_only"), refused.Text);
            refused.Message.ShouldContain($"always routed (RoutedOnly), and the model '{name}' would");
            refused.Message.ShouldContain("Ask for auto, auto:quality");
        }

        _upstream.Calls.ShouldBe(0);
        foreach (var name in (string[])["auto", "auto:quality", "gpt-4o"])
        {
            (await AskAsync("bound", path, body, name)).Status.ShouldBe(200, name);
        }

        (await AskAsync("free", path, body, Dear)).Headers["x-router-model"].ShouldBe(Dear);
        (await AskAsync("free", path, body, "router-metarouter-0")).Status.ShouldBe(200);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task Mode_ThatLeavesRouting_IsRefused(string path, string body)
    {
        foreach (var mode in (string[])["off", "observe"])
        {
            var refused = await AskAsync("bound", path, body, "auto", ("x-router-mode", mode));
            (refused.Status, (string)refused.Body["error"]!["code"]!).ShouldBe((403, "routed_only"), refused.Text);
            refused.Message.ShouldContain($"x-router-mode is '{mode}'");
            refused.Message.ShouldContain("send apply");
            (await AskAsync("free", path, body, "auto", ("x-router-mode", mode))).Status.ShouldBe(200);
        }

        (await AskAsync("bound", path, body, "auto", ("x-router-mode", "apply"))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Models_AreThoseThatMayBeAskedFor()
    {
        var bound = (await _gateway.GetAsync("/v1/models", Bearer("bound"))).Body["data"]!.AsArray().Select(m => (string)m!["id"]!);
        var free = (await _gateway.GetAsync("/v1/models", Bearer("free"))).Body["data"]!.AsArray().Select(m => (string)m!["id"]!);

        bound.ShouldBe(["auto", "auto:quality", "auto:balanced", "auto:cheap", "gpt-4o", Vectors]);
        free.ShouldContain(Dear);
        free.ShouldContain("router-metarouter-0.5");
        foreach (var name in (string[])[Dear, "router-metarouter-0.5", "router-metarouter-0"])
        {
            (await _gateway.GetAsync($"/v1/models/{name}", Bearer("bound"))).ShouldFail(404, "model_not_found", name);
        }
    }

    private Task<Answer> AskAsync(string key, string path, string body, string name, params (string, string)[] headers) =>
        _gateway.PostAsync(path, body.Replace("NAME", name, StringComparison.Ordinal), [Bearer(key), .. headers]);
}
