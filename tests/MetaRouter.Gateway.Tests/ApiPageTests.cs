using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

/// <summary>docs/api.md and the OpenAPI document say what the gateway does, and all of it.</summary>
public sealed partial class ApiPageTests
{
    private static readonly string Page = Repository.Read("docs", "api.md");

    [Fact]
    public async Task Examples_InOrder_AreAnsweredAsThePageSays()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var known = new Dictionary<string, string>();
        var examples = Example().Matches(Page);
        examples.Count.ShouldBeGreaterThan(20);
        foreach (Match example in examples)
        {
            var request = Fill(example.Groups["request"].Value).Split('\n');
            var (method, path) = (request[0].Split(' ')[0], request[0].Split(' ')[1]);
            var headers = request.Skip(1).TakeWhile(l => !l.StartsWith('{')).Where(l => l.Length > 0).Select(l => (l[..l.IndexOf(':', StringComparison.Ordinal)], l[(l.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim())).ToArray();
            var body = request.LastOrDefault(l => l.StartsWith('{'));

            var answer = await gateway.SendAsync(new HttpMethod(method), path, body ?? (method is "POST" or "PUT" ? "" : null), headers);

            answer.Status.ShouldBe(int.Parse(example.Groups["status"].Value, System.Globalization.CultureInfo.InvariantCulture), $"{method} {path}: {answer.Text}");
            ShouldHold(JsonNode.Parse(example.Groups["answer"].Value)!, answer.Body, $"{method} {path}");
            foreach (var (name, value) in new[] { ("receipt", (string?)answer.Body["receipt"]), ("record", (string?)answer.Body["record"]), ("etag", answer.Headers.TryGetValue("ETag", out var etag) ? etag : null) })
            {
                if (value is not null)
                {
                    known[name] = value;
                }
            }
        }

        string Fill(string text) => Variable().Replace(text, v => known[v.Groups[1].Value]);
    }

    /// <summary>As the page says.</summary>
    [Fact]
    public async Task Get_OfEverythingButTheStreamOfEvents_TakesHeadToo()
    {
        await using var gateway = await RunningGateway.StartAsync();

        Endpoints(gateway).Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods is var methods && methods.Contains("GET") && !methods.Contains("HEAD"))
            .Select(e => e.RoutePattern.RawText).Distinct().ShouldBe(["/v1/console/events"]);
    }

    private static IEnumerable<RouteEndpoint> Endpoints(RunningGateway gateway) =>
        gateway.App.Services.GetServices<EndpointDataSource>().Concat(((IEndpointRouteBuilder)gateway.App).DataSources).SelectMany(s => s.Endpoints).OfType<RouteEndpoint>();

    [Fact]
    public async Task Documents_HaveEveryEndpointAndNoOther()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var served = Endpoints(gateway)
            .SelectMany(e => e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Where(m => m != "HEAD").Select(m => $"{m} {e.RoutePattern.RawText!.Replace("{**", "{", StringComparison.Ordinal)}")).Distinct().Order().ToArray();

        var document = (await gateway.GetAsync("/openapi/v1.json")).Body;
        document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject().Select(o => $"{o.Key.ToUpperInvariant()} {p.Key}")).Order().ShouldBe(served);
        foreach (var path in served.Select(e => e.Split(' ')[1]).Where(p => !Page.Contains(p, StringComparison.Ordinal)))
        {
            Page.ShouldContain(path.Replace("{id}", "ada", StringComparison.Ordinal)); // else by an example
        }

        foreach (var reference in Reference().Matches(document.ToJsonString()).Select(m => m.Groups[1].Value))
        {
            document["components"]!["schemas"]!.AsObject().ShouldContainKey(reference);
        }
    }

    [Fact]
    public void Page_NamesEveryErrorAndEveryHeader()
    {
        var source = string.Concat(Directory.GetFiles(Path.Combine(Repository.Root, "src", "MetaRouter.Gateway"), "*.cs", SearchOption.AllDirectories).Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)).Select(File.ReadAllText));

        var codes = Code().Matches(source).Select(m => m.Groups[1].Value).Distinct().ToArray();
        codes.Length.ShouldBeGreaterThan(20);
        codes.Where(c => !Page.Contains($"`{c}`", StringComparison.Ordinal)).ShouldBeEmpty();
        Header().Matches(source).Select(m => m.Groups[1].Value).Distinct().Where(h => !Page.Contains($"`{h}`", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    /// <summary>Every field that the page shows is there; texts that are not "..." and flags are as shown.</summary>
    private static void ShouldHold(JsonNode shown, JsonNode? got, string where)
    {
        got.ShouldNotBeNull(where);
        if (shown is JsonObject fields)
        {
            foreach (var (name, value) in fields.Where(f => f.Value is not null))
            {
                ShouldHold(value!, got[name], $"{where} {name}");
            }
        }
        else if (shown is JsonValue value && (value.TryGetValue<string>(out var text) ? text != "..." : value.TryGetValue<bool>(out _)))
        {
            got.ToJsonString().ShouldBe(shown.ToJsonString(), where);
        }
    }

    [GeneratedRegex(@"```http\n(?<request>.*?)\n\n(?<status>\d{3})\n(?<answer>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Example();

    [GeneratedRegex(@"\$(receipt|record|etag)")]
    private static partial Regex Variable();

    [GeneratedRegex("#/components/schemas/([A-Za-z]+)")]
    private static partial Regex Reference();

    [GeneratedRegex("\\(\\s*\\d{3},\\s*[A-Za-z.\"_]+,\\s*\"([a-z_]+)\"")]
    private static partial Regex Code();

    [GeneratedRegex("\"(x-(?:router|request)-[a-z-]+)\"")]
    private static partial Regex Header();
}
