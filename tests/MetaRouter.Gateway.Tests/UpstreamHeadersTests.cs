using MetaRouter.Gateway.Configuration;
using Microsoft.Extensions.Configuration;

namespace MetaRouter.Gateway.Tests;

/// <summary>Providers that want more than a bearer token: Azure's key and version, OpenRouter's attribution, OpenAI's organisation.</summary>
public sealed class UpstreamHeadersTests
{
    private const string Chat = "/v1/chat/completions", Secret = "the-secret-of-azure", Variable = "METAROUTER_TEST_HEADER";

    private const string Hello = """{"model":"auto","messages":[{"role":"user","content":"hello"}]}""";

    [Fact]
    public async Task Chat_ToAzure_HasItsKeyAndVersionAndNoBearer()
    {
        Environment.SetEnvironmentVariable(Variable, Secret);
        await using var upstream = await EchoUpstream.StartAsync();
        await using var gateway = await StartAsync($"{upstream.Url}/deployments/gpt/?api-version=2024-10-21", ("HeadersEnv:api-key", Variable), ("ApiKey", "left-over"));

        (await gateway.PostAsync(Chat, Hello)).Status.ShouldBe(200);

        upstream.Asked.Url.ShouldBe("/v1/deployments/gpt/chat/completions?api-version=2024-10-21");
        upstream.Asked.Headers["api-key"].ShouldBe(Secret);
        upstream.Asked.Headers.ShouldNotContainKey("Authorization");
    }

    [Fact]
    public async Task Chat_HeadersBesideAKey_AreSentAsTheyAre()
    {
        await using var upstream = await EchoUpstream.StartAsync();
        await using var gateway = await StartAsync(upstream.Url, ("Headers:HTTP-Referer", "https://example.com/app"), ("Headers:X-Title", "An app, with; signs"), ("Headers:OpenAI-Organization", "org-1"), ("Headers:User-Agent", "mine (not a product)"), ("ApiKey", "k"));

        (await gateway.PostAsync(Chat, Hello)).Status.ShouldBe(200);

        upstream.Asked.Url.ShouldBe(Chat);
        foreach (var (name, value) in ((string, string)[])[("HTTP-Referer", "https://example.com/app"), ("X-Title", "An app, with; signs"), ("OpenAI-Organization", "org-1"), ("User-Agent", "mine (not a product)"), ("Authorization", "Bearer k")])
        {
            upstream.Asked.Headers[name].ShouldBe(value);
        }
    }

    [Fact]
    public async Task Chat_AuthorizationOfAnotherKind_TakesTheBearersPlace()
    {
        await using var upstream = await EchoUpstream.StartAsync();
        await using var gateway = await StartAsync(upstream.Url, ("Headers:authorization", "Basic YTpi"), ("ApiKey", "k"));

        (await gateway.PostAsync(Chat, Hello)).Status.ShouldBe(200);

        upstream.Asked.Headers["Authorization"].ShouldBe("Basic YTpi");
    }

    /// <summary>Anthropic takes a bearer token for that of a person who signed in, and refuses a key in its place; others look for the key under either name.</summary>
    [Theory]
    [InlineData("https://api.anthropic.com/v1", null, "x-api-key: k")]
    [InlineData("https://openrouter.ai/api/v1", null, "x-api-key: k", "Authorization: Bearer k")]
    [InlineData("https://openrouter.ai/api/v1", "X-Api-Key", "X-Api-Key: own")]
    [InlineData("https://openrouter.ai/api/v1", "authorization", "authorization: own")]
    [InlineData("https://api.anthropic.com/v1", "x-other", "x-api-key: k", "x-other: own")]
    public void Messages_HaveTheKeyAsItIsLookedFor(string url, string? header, params string[] expected)
    {
        var upstream = new UpstreamOptions { BaseUrl = url, ApiKey = "k" };
        if (header is not null)
        {
            upstream.Headers[header] = "own";
        }

        UpstreamHeaders.OfMessages(upstream).Select(h => $"{h.Key}: {h.Value}").ShouldBe(expected);
    }

    [Fact]
    public void Messages_OfEmbeddings_AreRefused() =>
        ProblemsOf(("../1:Model", "embedder"), ("../1:BaseUrl", "http://127.0.0.1:1/v1"), ("../1:Embeddings", "true"), ("../1:Messages", "true"))
            .ShouldHaveSingleItem().ShouldBe("Upstreams:1 (embedder) makes embeddings, which are not asked for by Messages; leave one of the two out");

    [Theory]
    [InlineData(500)]
    [InlineData(404)]
    [InlineData(429)]
    public async Task Chat_UpstreamThatFails_TellsNeitherHeadersNorQuery(int status)
    {
        await using var upstream = await EchoUpstream.StartAsync();
        await using var gateway = await StartAsync(upstream.Url + "?key=" + Secret, ("Headers:x-key", Secret));
        (upstream.Status, upstream.Answer) = (status, """{"error":{"message":"no"}}""");

        for (var i = 0; i < 5; i++)
        {
            var answer = await gateway.PostAsync(Chat, Hello);
            answer.Status.ShouldNotBe(200);
            answer.Text.ShouldNotContain(Secret);
        }

        upstream.Asked.Url.ShouldEndWith("?key=" + Secret);
        gateway.Log.ShouldContain(l => l.Text.Contains(upstream.Url, StringComparison.Ordinal));
        gateway.Log.Any(l => l.Text.Contains($"{upstream.Url} is left alone", StringComparison.Ordinal)).ShouldBe(status == 500);
        gateway.Log.ShouldAllBe(l => !l.Text.Contains(Secret));
        Welcome.Text(gateway.App).ShouldNotContain(Secret);
        (await gateway.GetAsync("/v1/console/models")).Text.ShouldNotContain(Secret);
    }

    [Fact]
    public async Task Chat_StreamThatBreaksOff_TellsNoQuery()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        await using var gateway = await StartAsync(upstream.Url + "?key=" + Secret);

        await Should.ThrowAsync<HttpRequestException>(gateway.Client.PostAsync(Chat, new StringContent("""{"model":"auto","stream":true,"messages":[{"role":"user","content":"break"}]}""")));

        gateway.Log.ShouldContain(l => l.Text.Contains($"{upstream.Url} failed", StringComparison.Ordinal));
        gateway.Log.ShouldAllBe(l => !l.Text.Contains(Secret));
    }

    [Theory]
    [InlineData("Headers:Host", Secret, "Upstreams:0 (*) has the header 'Host', which the gateway sets by itself; leave it out")]
    [InlineData("Headers:content-type", Secret, "has the header 'content-type', which the gateway sets by itself")]
    [InlineData("Headers:Transfer-Encoding", Secret, "has the header 'Transfer-Encoding', which the gateway sets by itself")]
    [InlineData("Headers:my key", Secret, "has the header 'my key', which no request can have")]
    [InlineData("Headers:Expires", Secret, "has the header 'Expires', which no request can have")]
    [InlineData("Headers:x-key", Secret + "\r\nX-Other: 1", "has a value of the header 'x-key' with a character that cannot be sent")]
    [InlineData("Headers:x-key", Secret + "é", "has a value of the header 'x-key' with a character that cannot be sent")]
    [InlineData("Headers:x-key", " ", "has the header 'x-key' without a value")]
    [InlineData("HeadersEnv:x-key", "NO_SUCH_VARIABLE_HERE", "takes the header 'x-key' from the environment variable 'NO_SUCH_VARIABLE_HERE', which is not set")]
    [InlineData("Headers", Secret, "Upstreams:0:Headers must be names with their values, { \"name\": \"value\" } in JSON")]
    [InlineData("Headers:x-key:0", Secret, "Upstreams")]
    [InlineData("BaseUrl", "https://api.example.com/v1/chat/completions?key=" + Secret, "leave /chat/completions away")]
    [InlineData("BaseUrl", "https://api.example.com/v1#" + Secret, "has a user or a fragment in its BaseUrl")]
    [InlineData("BaseUrl", "ftp://api.example.com/v1?key=" + Secret, "has BaseUrl 'ftp://api.example.com/v1'")]
    public void Settings_ThatNoRequestCanHave_AreRefusedWithoutTheirValue(string setting, string value, string told)
    {
        var problems = ProblemsOf((setting, value));

        problems.ShouldContain(p => p.Contains(told, StringComparison.Ordinal), string.Join('\n', problems));
        problems.ShouldAllBe(p => !p.Contains(Secret));
    }

    [Fact]
    public void Settings_HeaderInBothPlaces_IsToldOnce() =>
        ProblemsOf(("Headers:X-Key", "1"), ("HeadersEnv:x-key", "PATH")).ShouldHaveSingleItem().ShouldBe("Upstreams:0 (*) has the header 'X-Key' in Headers and in HeadersEnv; keep one");

    [Fact]
    public void Settings_TwiceTheSame_AreToldWithoutTheQuery() =>
        ProblemsOf(("BaseUrl", "http://127.0.0.1:1/v1?key=" + Secret), ("../1:Model", "*"), ("../1:BaseUrl", "http://127.0.0.1:1/v1?key=" + Secret)).ShouldHaveSingleItem().ShouldContain("'http://127.0.0.1:1/v1' 2 times");

    private static IReadOnlyList<string> ProblemsOf(params (string Name, string Value)[] settings) =>
        Should.Throw<GatewayConfigurationException>(() => SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(Upstream("http://127.0.0.1:1/v1", settings)).Build())).Problems;

    private static Task<RunningGateway> StartAsync(string url, params (string Name, string Value)[] settings) =>
        RunningGateway.StartAsync([.. Upstream(url, settings).SelectMany(s => (string[])["--" + s.Key, s.Value!])]);

    private static Dictionary<string, string?> Upstream(string url, (string Name, string Value)[] settings)
    {
        var all = new Dictionary<string, string?> { ["Upstreams:0:Model"] = "*", ["Upstreams:0:BaseUrl"] = url };
        foreach (var (name, value) in settings)
        {
            all[name.StartsWith("../", StringComparison.Ordinal) ? "Upstreams:" + name[3..] : "Upstreams:0:" + name] = value;
        }

        return all;
    }
}
