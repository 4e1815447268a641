using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using YamlDotNet.RepresentationModel;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary><c>/metrics</c>, and that whatever is written against its names finds them there.</summary>
[Collection(TelemetryAlone.Name)]
public sealed partial class MetricsTests
{
    private const string Chat = "/v1/chat/completions";
    private static readonly string Root = Repository.Root;

    /// <summary>Prometheus adds these to what it scrapes, or makes them.</summary>
    private static readonly string[] OfPrometheus = ["job", "instance", "severity", "value", "version"];

    [Fact]
    public async Task Page_NeedsAKeyOfItsScope()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--ApiKeys:0:Sha256", Hash("scrapes"), "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:Scopes:0", "metrics",
            "--ApiKeys:1:Sha256", Hash("reads"), "--ApiKeys:1:Tenant", "a", "--ApiKeys:1:Scopes:0", "read", "--ApiKeys:1:Scopes:1", "inference", "--ApiKeys:1:Scopes:2", "feedback",
            "--ApiKeys:2:Sha256", Hash("rules"), "--ApiKeys:2:Tenant", "a", "--ApiKeys:2:Scopes:0", "admin");

        (await ScrapeAsync(gateway, null)).Status.ShouldBe(HttpStatusCode.Unauthorized);
        (await ScrapeAsync(gateway, "wrong")).Status.ShouldBe(HttpStatusCode.Unauthorized);
        var refused = await ScrapeAsync(gateway, "reads");
        refused.Status.ShouldBe(HttpStatusCode.Forbidden);
        refused.Text.ShouldContain("metrics or operator or admin");
        (await ScrapeAsync(gateway, "rules")).Status.ShouldBe(HttpStatusCode.OK);
        (await ScrapeAsync(gateway, "scrapes")).Text.ShouldContain("# TYPE metarouter_decision_log_dropped_total counter");
        (await gateway.GetAsync("/v1/router/mode", ("Authorization", "Bearer scrapes"))).ShouldFail(403, "insufficient_scope");
    }

    [Fact]
    public async Task Page_SwitchedOff_IsNotThere()
    {
        await using var gateway = await RunningGateway.StartAsync("--Telemetry:Metrics", "false");

        (await gateway.GetAsync("/metrics")).ShouldFail(404, "unknown_url");
    }

    [Fact]
    public async Task Names_OfDashboardAlertsAndPage_AreTheEmittedOnes()
    {
        var families = Families(await LivedInAsync());

        // Nobody is on it: no user, no tenant, no text, no path with one.
        families.Values.SelectMany(f => f.Labels.Keys).Distinct().ShouldNotContain(l => l.Contains("user", StringComparison.Ordinal) || l.Contains("tenant", StringComparison.Ordinal));
        families.Values.SelectMany(f => f.Labels.Values).SelectMany(v => v).ShouldNotContain(v => v.Contains("canary", StringComparison.Ordinal));

        var expressions = Dashboard().Concat(Alerts()).ToArray();
        expressions.Length.ShouldBeGreaterThan(60);
        expressions.SelectMany(e => Problems(e, families)).Distinct().ShouldBeEmpty();

        // And an operator sees everything that this program counts.
        var used = expressions.SelectMany(e => Selectors(e).Select(s => FamilyOf(s.Metric, families))).ToHashSet();
        families.Keys.Where(f => f.StartsWith("metarouter_", StringComparison.Ordinal) || f.StartsWith("gen_ai_", StringComparison.Ordinal)).Where(f => !used.Contains(f)).ShouldBeEmpty("shown nowhere");

        var page = File.ReadAllText(Path.Combine(Root, "docs", "telemetry.md"));
        var rows = families.Where(f => f.Key.StartsWith("metarouter_", StringComparison.Ordinal) || f.Key.StartsWith("gen_ai_", StringComparison.Ordinal)).Order(Comparer<KeyValuePair<string, Family>>.Create((a, b) => string.CompareOrdinal(a.Key, b.Key)))
            .Select(f => $"| `{f.Key}` | {f.Value.Type} | {string.Join(", ", f.Value.Labels.Keys.Order(StringComparer.Ordinal).Select(l => $"`{l}`"))} | {f.Value.Help} |");
        var table = string.Join('\n', rows);
        page.ShouldContain(table, Case.Sensitive, $"the table of docs/telemetry.md should be\n{table}");
        foreach (var name in new[] { typeof(Hosting.Telemetry.SpanNames), typeof(Hosting.Telemetry.GenAiNames) }.SelectMany(t => t.GetFields()).Where(f => f.IsLiteral && !f.Name.StartsWith("Server", StringComparison.Ordinal) && !f.Name.StartsWith("Client", StringComparison.Ordinal)).Select(f => (string)f.GetRawConstantValue()!))
        {
            page.ShouldContain($"`{name}`");
        }
    }

    /// <summary>The metrics of a gateway to which everything has happened that the dashboard shows.</summary>
    private static async Task<string> LivedInAsync()
    {
        await using var upstream = await ScriptedUpstream.StartAsync();
        upstream.Script = async (context, body) => ((string)body["messages"]![0]!["content"]!).Contains("fail", StringComparison.Ordinal) && ((string)body["model"]!).StartsWith("gemini", StringComparison.Ordinal)
            ? await ScriptedUpstream.FailAsync(context, 500) : false;
        await using var gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", upstream.Url, "--Gateway:CircuitFailures", "1", "--Gateway:ImplicitSignals", "true", "--MetaRouter:RefreshSeconds", "0");
        for (var i = 0; i < 2; i++)
        {
            (await gateway.PostAsync(Chat, Body("hello", stream: false))).Status.ShouldBe(200); // the same again is a signal
        }

        using (var stream = await gateway.Client.PostAsync(Chat, new StringContent(Body("hello", stream: true), Encoding.UTF8, "application/json")))
        {
            (await stream.Content.ReadAsStringAsync()).ShouldContain("[DONE]");
        }

        foreach (var model in new[] { "auto", "auto:cheap" })
        {
            await gateway.PostAsync(Chat, Body("fail", stream: false, model)); // who was to answer first is one of those that fail
        }

        await gateway.PostAsync(Chat, Body("fail", stream: false, "gemini-1.5-flash-002"));
        for (var user = 0; user < 3; user++)
        {
            await gateway.FeedbackAsync(await gateway.RouteAsync($"canary-{user}", compare: true), $"canary-{user}", "comparison", "cheaper");
        }

        await gateway.App.Services.GetRequiredService<Hosting.Learning.LearningLoop>().RefreshAsync(default);
        await gateway.GetAsync("/v1/router/users/canary-0");
        return (await ScrapeAsync(gateway, null)).Text;
    }

    private static async Task<(HttpStatusCode Status, string Text)> ScrapeAsync(RunningGateway gateway, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Authorization = key is null ? null : new("Bearer", key);
        using var response = await gateway.Client.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Prometheus' text: a family has its type and help, and every sample its labels.</summary>
    private static Dictionary<string, Family> Families(string text)
    {
        var families = new Dictionary<string, Family>();
        foreach (var line in text.Split('\n'))
        {
            if (TypeLine().Match(line) is { Success: true } type)
            {
                families.TryAdd(type.Groups[1].Value, new Family());
                families[type.Groups[1].Value].Type = type.Groups[2].Value;
            }
            else if (HelpLine().Match(line) is { Success: true } help)
            {
                families.TryAdd(help.Groups[1].Value, new Family());
                families[help.Groups[1].Value].Help = help.Groups[2].Value;
            }
            else if (Sample().Match(line) is { Success: true } sample)
            {
                var labels = families[FamilyOf(sample.Groups[1].Value, families)!].Labels;
                foreach (Match label in Label().Matches(sample.Groups[2].Value))
                {
                    if (label.Groups[1].Value is not ("le" or "otel_scope_name"))
                    {
                        labels.TryAdd(label.Groups[1].Value, []);
                        labels[label.Groups[1].Value].Add(label.Groups[2].Value);
                    }
                }
            }
        }

        return families;
    }

    /// <summary>Null: nobody emits it.</summary>
    private static string? FamilyOf(string metric, Dictionary<string, Family> families) =>
        families.ContainsKey(metric) ? metric : Suffix().Replace(metric, "") is var family && families.TryGetValue(family, out var found) && found.Type == "histogram" ? family : null;

    /// <summary>Every expression of the dashboard: of its panels, its annotations and its variables.</summary>
    private static IEnumerable<string> Dashboard()
    {
        var dashboard = JsonNode.Parse(File.ReadAllText(Path.Combine(Root, "infra", "grafana", "metarouter.json")))!;
        dashboard["panels"]!.AsArray().Select(p => (int)p!["id"]!).ShouldBeUnique();
        return dashboard["panels"]!.AsArray().SelectMany(p => p!["targets"]?.AsArray() ?? []).Concat(dashboard["annotations"]!["list"]!.AsArray()).Select(t => (string?)t!["expr"]).OfType<string>()
            .Concat(dashboard["templating"]!["list"]!.AsArray().Select(v => (string?)v!["definition"]).OfType<string>().Select(d => LabelValues().Replace(d, "$1")));
    }

    private static IEnumerable<string> Alerts()
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(Path.Combine(Root, "infra", "prometheus", "alerts.yaml"))));
        return ((YamlSequenceNode)yaml.Documents[0].RootNode["groups"]).SelectMany(g => (YamlSequenceNode)g["rules"]).Select(r => (string)r["expr"]!).Where(e => !e.Contains("up{", StringComparison.Ordinal)); // Prometheus' own
    }

    private static IEnumerable<string> Problems(string expression, Dictionary<string, Family> families)
    {
        var known = OfPrometheus.ToHashSet();
        foreach (var (metric, labels) in Selectors(expression))
        {
            if (Recorded().IsMatch(metric))
            {
                if (!File.ReadAllText(Path.Combine(Root, "infra", "prometheus", "alerts.yaml")).Contains($"record: {metric}\n", StringComparison.Ordinal))
                {
                    yield return $"{metric} is recorded nowhere: {expression}";
                }

                continue;
            }

            if (FamilyOf(metric, families) is not { } family)
            {
                yield return $"{metric} is emitted by nobody: {expression}";
                continue;
            }

            known.UnionWith(families[family].Labels.Keys);
            known.UnionWith(metric.EndsWith("_bucket", StringComparison.Ordinal) ? ["le"] : []);
            foreach (var (label, value) in labels.Where(l => !OfPrometheus.Contains(l.Label)))
            {
                if (!families[family].Labels.TryGetValue(label, out var values))
                {
                    yield return $"{metric} has no label {label}: {expression}";
                }
                else if (label is "source" or "result" && !values.Contains(value))
                {
                    yield return $"{metric} has no {label} '{value}', it has {string.Join(", ", values)}: {expression}";
                }
            }
        }

        foreach (var label in Grouping().Matches(expression).SelectMany(g => g.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries)).Where(l => !known.Contains(l)))
        {
            yield return $"nothing here has a label {label}: {expression}";
        }
    }

    /// <summary>Metrics and what their selectors ask of labels.</summary>
    private static IEnumerable<(string Metric, IEnumerable<(string Label, string Value)> Labels)> Selectors(string expression)
    {
        var bare = Grouping().Replace(expression, " ");
        return Selector().Matches(bare).Where(m => m.Groups["labels"].Success || !Keywords.Contains(m.Groups["name"].Value))
            .Select(m => (m.Groups["name"].Value, Matcher().Matches(m.Groups["labels"].Value).Select(l => (l.Groups[1].Value, l.Groups[2].Value))));
    }

    private static readonly string[] Keywords = ["or", "and", "unless", "offset", "bool"];

    private static string Body(string content, bool stream, string model = "auto") =>
        new JsonObject { ["model"] = model, ["user"] = "canary-user", ["stream"] = stream, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content }) }.ToJsonString();

    private sealed class Family
    {
        public string Type { get; set; } = "";

        public string Help { get; set; } = "";

        /// <summary>Each label with the values it had.</summary>
        public Dictionary<string, HashSet<string>> Labels { get; } = [];
    }

    [GeneratedRegex("^# TYPE (\\S+) (\\S+)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex("^# HELP (\\S+) (.*)$")]
    private static partial Regex HelpLine();

    [GeneratedRegex("^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{(.*)\\})? ")]
    private static partial Regex Sample();

    [GeneratedRegex("([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\\]|\\\\.)*)\"")]
    private static partial Regex Label();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();

    [GeneratedRegex("^label_values\\((.*), [a-z_]+\\)$")]
    private static partial Regex LabelValues();

    [GeneratedRegex("^[a-z]+:")]
    private static partial Regex Recorded();

    [GeneratedRegex("\\b(?:by|without|on|ignoring|group_left|group_right) ?\\(([^)]*)\\)")]
    private static partial Regex Grouping();

    [GeneratedRegex("(?<![$\"\\w:.])(?<name>[a-zA-Z_][a-zA-Z0-9_:]*)(?![\\w:]*\\s*\\()(?:\\{(?<labels>[^}]*)\\})?(?=[^\"]*(?:\"[^\"]*\"[^\"]*)*$)")]
    private static partial Regex Selector();

    [GeneratedRegex("([a-zA-Z_][a-zA-Z0-9_]*)(?:=~|!~|!=|=)\"([^\"]*)\"")]
    private static partial Regex Matcher();
}
