using System.Text.Json.Nodes;
using MetaRouter.Gateway.Configuration;
using Microsoft.Extensions.Configuration;

namespace MetaRouter.Gateway.Tests;

/// <summary>Names that clients send and cannot change, for routed ones.</summary>
public sealed class RoutedNamesTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions", Dear = "gpt-4o-2024-05-13", Cheap = "llama-3.1-8b-instruct", Vectors = "text-embedding-3-small";

    private ScriptedUpstream _upstream = null!;

    public async Task InitializeAsync() => _upstream = await ScriptedUpstream.StartAsync();

    public async Task DisposeAsync() => await _upstream.DisposeAsync();

    public static TheoryData<string, string> Doors => new()
    {
        { Chat, """{"model":"NAME","messages":[{"role":"user","content":"hello"}]}""" },
        { "/v1/responses", """{"model":"NAME","input":"hello"}""" },
        { "/v1/messages", """{"model":"NAME","max_tokens":4000,"messages":[{"role":"user","content":"hello"}]}""" },
    };

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task Name_ThatIsListed_IsRoutedAsWhatItStandsFor(string path, string body)
    {
        await using var gateway = await StartAsync("--Gateway:RoutedNames:gpt-4o", "auto:quality", "--Gateway:RoutedNames:llama3:8b", "auto:cheap");

        var dear = await gateway.PostAsync(path, Named(body, "gpt-4o"));
        var cheap = await gateway.PostAsync(path, Named(body, "llama3:8b"));

        (dear.Status, dear.Headers["x-router-model"], dear.Headers["x-router-reason"]).ShouldBe((200, Dear, "best_for_dial"), dear.Text);
        (cheap.Status, cheap.Headers["x-router-model"], cheap.Headers["x-router-reason"]).ShouldBe((200, Cheap, "best_for_dial"), cheap.Text);
        cheap.Headers.ShouldContainKey("x-router-decision");
        _upstream.Bodies.Select(b => (string)b["model"]!).ShouldBe([Dear, Cheap]);
        var other = await gateway.PostAsync(path, Named(body, "gpt-4"));
        other.Status.ShouldBe(404, other.Text);
        other.Message.ShouldContain("'gpt-4' does not exist here");
        other.Message.ShouldContain("Gateway:RoutedNames");
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task AnyOther_TakesWhatWouldBeRefused_AndNoModelsName(string path, string body)
    {
        await using var gateway = await StartAsync("--Gateway:RoutedNames:*", "auto:cheap", "--MetaRouter:Models:0:Aliases:0", "gpt-4o");

        foreach (var name in (string[])["gpt-5-turbo", "claude-3-opus:beta", "GPT 4", "router-mf-0.11593", Dear.ToUpperInvariant()])
        {
            var routed = await gateway.PostAsync(path, Named(body, name));
            (routed.Status, routed.Headers["x-router-model"], routed.Headers["x-router-reason"]).ShouldBe((200, Cheap, "best_for_dial"), name);
        }

        foreach (var name in (string[])[Dear, "gpt-4o"])
        {
            var named = await gateway.PostAsync(path, Named(body, name));
            (named.Status, named.Headers["x-router-model"], named.Headers["x-router-reason"]).ShouldBe((200, Dear, "requested"), name);
        }

        (await gateway.PostAsync(path, Named(body, "auto:quality"))).Headers["x-router-model"].ShouldBe(Dear);
        foreach (var (name, status) in new[] { ("auto:qualty", 404), (Vectors, 404), ("router-metarouter-much", 400) })
        {
            var refused = await gateway.PostAsync(path, Named(body, name));
            refused.Status.ShouldBe(status, name);
            refused.Message.ShouldContain($"'{name}'");
        }
    }

    [Fact]
    public async Task Name_OfAModelThatIsListed_IsRouted()
    {
        await using var gateway = await StartAsync($"--Gateway:RoutedNames:{Dear}", "auto:cheap");

        (await gateway.PostAsync(Chat, Named(Body, Dear))).Headers["x-router-model"].ShouldBe(Cheap);
        var all = (await gateway.GetAsync("/v1/models")).Body["data"]!.AsArray();
        ((string)all.Single(m => (string)m!["id"]! == Dear)!["description"]!).ShouldBe("another name of auto:cheap");
    }

    [Fact]
    public async Task Models_TellTheNames_AndFindEveryOneThatIsRouted()
    {
        await using var gateway = await StartAsync("--Gateway:RoutedNames:llama3:8b", "auto:cheap", "--Gateway:RoutedNames:*", "auto");

        var all = (await gateway.GetAsync("/v1/models")).Body["data"]!.AsArray();
        all.Select(m => (string)m!["id"]!).ShouldBe(["auto", "auto:quality", "auto:balanced", "auto:cheap", "router-metarouter-0.5", "llama3:8b", Dear, Cheap, Vectors]);
        var listed = (await gateway.GetAsync("/v1/models/llama3:8b")).Body;
        ((string)listed["description"]!, (double)listed["lambda_cost"]!).ShouldBe(("another name of auto:cheap", 3));
        ((string)(await gateway.GetAsync("/v1/models/anything")).Body["description"]!).ShouldBe("another name of auto");
        (await gateway.GetAsync($"/v1/models/{Dear}")).Body.ShouldContainKey("input_price_usd_per_million");
        (await gateway.GetAsync("/v1/models/auto:fast")).ShouldFail(404, "model_not_found");
    }

    /// <summary>Clients choose these names, so that there may be any number of them.</summary>
    [Fact]
    public async Task Name_ThatAClientChose_IsNoLabel()
    {
        await using var gateway = await StartAsync("--Gateway:RoutedNames:*", "auto:cheap");

        (await gateway.PostAsync(Chat, Named(Body, "automatic-7"))).Status.ShouldBe(200);

        var metrics = await gateway.Client.GetStringAsync("/metrics");
        metrics.ShouldContain("auto:cheap");
        metrics.ShouldNotContain("automatic-7");
    }

    [Fact]
    public async Task Counting_OfAListedName_IsAnswered()
    {
        await using var gateway = await StartAsync("--Gateway:RoutedNames:gpt-4", "auto");

        (await gateway.PostAsync("/v1/messages/count_tokens", Named(Body, "gpt-4"))).Status.ShouldBe(200);
        (await gateway.PostAsync("/v1/responses/input_tokens", """{"model":"gpt-4","input":"hello"}""")).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("""{"gpt-4o":"gpt-4o-2024-05-13"}""", "Gateway:RoutedNames:gpt-4o is 'gpt-4o-2024-05-13', under which nothing is routed", "auto:balanced", "Aliases")]
    [InlineData("""{"a":"b","b":"auto"}""", "Gateway:RoutedNames:a is 'b'")]
    [InlineData("""{"*":"auto:quick"}""", "Gateway:RoutedNames:* is 'auto:quick'")]
    [InlineData("""{"llama3:8b":"router-metarouter-2"}""", "Gateway:RoutedNames:llama3:8b is 'router-metarouter-2', which would be refused", "'2'")]
    [InlineData("""{"mf":"router-mf-0.2"}""", "Gateway:RoutedNames:mf is 'router-mf-0.2', which would be refused", "Gateway:RouterNames")]
    [InlineData("""{"auto":"auto:cheap"}""", "Gateway:RoutedNames:auto gives 'auto' another meaning")]
    [InlineData("\"auto\"", "Gateway:RoutedNames is 'auto'; it must be names with what they stand for")]
    [InlineData("""["gpt-4o"]""", "Gateway:RoutedNames:0 is 'gpt-4o'")]
    public void Setting_ThatStandsForNothing_IsRefusedAtTheStartByItsKey(string value, params string[] named)
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("appsettings.json", new JsonObject { ["Gateway"] = new JsonObject { ["RoutedNames"] = JsonNode.Parse(value) } }.ToJsonString());

        var problem = Should.Throw<GatewayConfigurationException>(() => SettingsReader.Read(new ConfigurationBuilder().AddJsonFile(file).Build())).Problems.ShouldHaveSingleItem();

        foreach (var one in named)
        {
            problem.ShouldContain(one);
        }
    }

    private const string Body = """{"model":"NAME","max_tokens":4000,"messages":[{"role":"user","content":"hello"}]}""";

    private static string Named(string body, string name) => body.Replace("NAME", name, StringComparison.Ordinal);

    private Task<RunningGateway> StartAsync(params string[] settings) => RunningGateway.StartAsync(
    [
        "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
        "--Upstreams:1:Model", Vectors, "--Upstreams:1:BaseUrl", _upstream.Url, "--Upstreams:1:Embeddings", "true",
        "--MetaRouter:Models:0:Id", Dear, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15",
        "--MetaRouter:Models:1:Id", Cheap, "--MetaRouter:Models:1:InputPrice", "0.05", "--MetaRouter:Models:1:OutputPrice", "0.08", .. settings,
    ]);
}
