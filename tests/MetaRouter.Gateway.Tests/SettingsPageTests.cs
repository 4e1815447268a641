using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Demo;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Telemetry;
using Microsoft.Extensions.Configuration;

namespace MetaRouter.Gateway.Tests;

/// <summary>docs/settings.md: every setting with its default, and a file that a gateway starts with.</summary>
public sealed partial class SettingsPageTests
{
    private static readonly string s_page = Repository.Read("docs", "settings.md");

    private static readonly Dictionary<string, Type> s_sections = new()
    {
        ["MetaRouter"] = typeof(MetaRouterOptions),
        ["MetaRouter:Models"] = typeof(MetaRouterOptions.ModelOptions),
        ["Upstreams"] = typeof(UpstreamOptions),
        ["ApiKeys"] = typeof(ApiKeyOptions),
        ["Tenants"] = typeof(TenantOptions),
        ["Gateway"] = typeof(GatewayOptions),
        ["Telemetry"] = typeof(TelemetryOptions),
        ["Demo"] = typeof(DemoOptions),
    };

    public static TheoryData<string> Sections => [.. s_sections.Keys];

    [Theory]
    [MemberData(nameof(Sections))]
    public void Table_OfASection_HasEverySettingWithItsDefaultAndNoOther(string section)
    {
        var type = s_sections[section];
        var options = Activator.CreateInstance(type)!;
        var settings = type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(p => (p.SetMethod is { IsPublic: true } || p.GetValue(options) is IList or IDictionary) && p.Name != "Cluster").ToDictionary(p => p.Name, p => Told(p.GetValue(options)));

        var rows = Rows(section);

        rows.Keys.Order().ShouldBe(settings.Keys.Order());
        foreach (var (name, value) in settings)
        {
            (rows[name] == "required" && value is "empty" or "none" or "required" || rows[name] == value).ShouldBeTrue($"{section}:{name} is {value} by default, and the page says {rows[name]}");
        }
    }

    /// <summary>Of the cluster's code only a build with Orleans has anything to ask.</summary>
    [Fact]
    public void Table_OfTheCluster_HasEverySetting()
    {
        var code = Repository.Read("src", "MetaRouter.Orleans", "MetaRouterClusterOptions.cs");
        var settings = Property().Matches(code).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value.Trim('"').Replace("_", "", StringComparison.Ordinal) is { Length: > 0 } value ? $"`{value}`" : "empty");
        settings.Count.ShouldBeGreaterThan(5);
        Rows("MetaRouter:Cluster").ShouldBe(settings, ignoreOrder: true);
    }

    [Fact]
    public void File_OfThePage_IsOneThatAGatewayStartsWith()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("appsettings.json", Whole().Match(s_page).Groups[1].Value);
        Environment.SetEnvironmentVariable("OPENAI_API_KEY", Environment.GetEnvironmentVariable("OPENAI_API_KEY") ?? "one");
        Environment.SetEnvironmentVariable("OPENROUTER_API_KEY", Environment.GetEnvironmentVariable("OPENROUTER_API_KEY") ?? "other");

        var settings = SettingsReader.Read(new ConfigurationBuilder().AddJsonFile(file).Build());

        settings.Upstreams.Count(u => u.Model == "gpt-4o").ShouldBe(2);
        settings.ApiKeys.Select(k => k.Tenant).ShouldBe(["acme", "ops"]);
        settings.Tenants.Select(t => t.BudgetUsd).ShouldBe([500, 5]);
        settings.Gateway.Pins["private"].Select(m => m.Value).ShouldBe(["my-llama"]);
    }

    [Fact]
    public void File_OfAnthropicsOwnModels_IsOneThatAGatewayStartsWith()
    {
        using var folder = new TemporaryFolder();
        var page = Repository.Read("docs", "api.md");
        var file = folder.Write("appsettings.json", Whole().Match(page, page.IndexOf("### Anthropic's own models", StringComparison.Ordinal)).Groups[1].Value);
        Environment.SetEnvironmentVariable("ANTHROPIC_API_KEY", Environment.GetEnvironmentVariable("ANTHROPIC_API_KEY") ?? "one");

        SettingsReader.Read(new ConfigurationBuilder().AddJsonFile(file).Build()).Upstreams.Select(u => (u.Model, u.Messages)).ShouldBe([("claude-opus", true), ("claude-sonnet", true)]);
    }

    private static Dictionary<string, string> Rows(string section)
    {
        var part = Regex.Match(s_page, $@"^##+ {Regex.Escape(section)}\n(.*?)(?=^##|\z)", RegexOptions.Multiline | RegexOptions.Singleline);
        part.Success.ShouldBeTrue($"the page has no section {section}");
        return Row().Matches(part.Groups[1].Value).ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
    }

    private static string Told(object? value) => value switch
    {
        null => "none",
        "" => "empty",
        bool yes => yes ? "`true`" : "`false`",
        string text => $"`{text}`",
        IEnumerable => "empty",
        IFormattable number => $"`{number.ToString(null, CultureInfo.InvariantCulture)}`",
        _ => throw new InvalidOperationException($"no default is told of {value}"),
    };

    [GeneratedRegex(@"^\| `(\w+)` \| ([^|]+?) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"public (?:string|int|double) (\w+) \{ get; set; \} = ([^;]+);")]
    private static partial Regex Property();

    [GeneratedRegex(@"```json\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Whole();
}
