using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MetaRouter.Infra.Tests;

/// <summary>The bill of materials and the notices name what the lock files lock, all of it and nothing else; <c>node infra/supply-chain.mjs</c> writes both.</summary>
public sealed partial class SupplyChainTests
{
    private const string Remedy = "run node infra/supply-chain.mjs and commit docs/";

    private static readonly string[] Accepted = ["MIT", "Apache-2.0", "BSD-3-Clause"];
    private static readonly JsonElement[] Components = [.. Json("docs", "sbom.cdx.json").GetProperty("components").EnumerateArray()];

    [Fact]
    public void Sbom_NamesEveryLockedPackageWithItsHash_AndNoOther()
    {
        var locked = new HashSet<string>();
        foreach (var file in (string[])[.. Repository.Files("src", "packages*.lock.json"), .. Repository.Files("aspire/MetaRouter.ServiceDefaults", "packages*.lock.json")])
        {
            foreach (var package in Json(file).GetProperty("dependencies").EnumerateObject().SelectMany(f => f.Value.EnumerateObject()).Where(p => p.Value.GetProperty("type").GetString() != "Project"))
            {
                locked.Add(Line("nuget", package.Name, package.Value.GetProperty("resolved").GetString()!, package.Value.GetProperty("contentHash").GetString()!));
            }
        }

        foreach (var (name, package) in Npm())
        {
            locked.Add(Line("npm", name.Replace("@", "%40", StringComparison.Ordinal), package.GetProperty("version").GetString()!, package.GetProperty("integrity").GetString()!["sha512-".Length..]));
        }

        var named = Components.Where(c => c.TryGetProperty("purl", out _)).Select(c => $"{c.GetProperty("purl").GetString()} {c.GetProperty("hashes")[0].GetProperty("content").GetString()}").ToArray();
        locked.Count.ShouldBeGreaterThan(80);
        named.Except(locked).ShouldBeEmpty(Remedy);
        locked.Except(named).ShouldBeEmpty(Remedy);
        named.ShouldBeUnique();
    }

    [Fact]
    public void Sbom_WhatItDependsOn_IsNamed()
    {
        var names = Components.Select(c => c.GetProperty("bom-ref").GetString()).ToHashSet();
        var edges = Json("docs", "sbom.cdx.json").GetProperty("dependencies").EnumerateArray().SelectMany(d => d.GetProperty("dependsOn").EnumerateArray().Select(o => o.GetString())).ToArray();
        edges.Length.ShouldBeGreaterThan(50);
        edges.ShouldAllBe(e => names.Contains(e));
    }

    [Fact]
    public void Sbom_Snapshot_IsTheOneThatShips()
    {
        var model = Components.Single(c => c.GetProperty("type").GetString() == "machine-learning-model");
        model.GetProperty("hashes")[0].GetProperty("content").GetString()
            .ShouldBe(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(Repository.Root, "src", "MetaRouter.Core", "Snapshots", "default.mrsnap")))), Remedy);
        Repository.Read("src", "MetaRouter.Core", "Snapshots", "default.txt").ShouldContain($"version  {model.GetProperty("version").GetString()}");
    }

    [Fact]
    public void Notices_EveryShippedPackage_HasAnAcceptedLicenceWithItsText()
    {
        var notices = Repository.Read("docs", "THIRD-PARTY-NOTICES.md");
        var rows = Row().Matches(notices).Select(m => (m.Groups["name"].Value, m.Groups["version"].Value, m.Groups["licence"].Value)).Skip(1).ToArray();
        var shipped = Components.Where(c => c.TryGetProperty("purl", out _) && c.GetProperty("scope").GetString() == "required")
            .Select(c => (c.GetProperty("name").GetString()!, c.GetProperty("version").GetString()!, c.GetProperty("licenses")[0].GetProperty("license").GetProperty("id").GetString()!)).ToArray();

        rows.ShouldBe(shipped, ignoreOrder: true, Remedy);
        var texts = notices.Split("\n## ").Skip(1).Where(t => !t.StartsWith("Notices", StringComparison.Ordinal)).ToArray();
        foreach (var (name, version, licence) in shipped)
        {
            Accepted.ShouldContain(licence, $"{name} {version}: a licence nobody looked at; read it, and add it to what is accepted");
            var text = texts.Single(t => t.Split('\n')[0] is var head && head.StartsWith(licence + ": ", StringComparison.Ordinal) && head[(licence.Length + 2)..].Split(", ").Contains($"{name} {version}"));
            text.Length.ShouldBeGreaterThan(900, $"{name} {version}: where is its licence?");
        }
    }

    /// <summary>What is bundled carries its licence with it.</summary>
    [Fact]
    public void Console_EveryBundledPackage_IsInTheScriptsHead()
    {
        var script = File.ReadAllText(Repository.Files("src/MetaRouter.Gateway/Console/dist", "console-*.js").Single());
        var bundled = Npm().Where(p => !p.Package.TryGetProperty("dev", out _)).Select(p => p.Name).ToArray();
        bundled.ShouldNotBeEmpty();
        bundled.ShouldAllBe(name => script.Contains($"/*! {name}\n", StringComparison.Ordinal));
    }

    /// <summary>Each threat's tests are there.</summary>
    [Fact]
    public void Security_TestsItNames_Exist()
    {
        var code = Repository.Code("tests");
        var named = Threat().Matches(Repository.Read("docs", "SECURITY.md")).SelectMany(m => Quoted().Matches(m.Groups[1].Value)).Select(m => m.Groups[1].Value).Distinct().ToArray();
        named.Length.ShouldBeGreaterThan(15);
        named.ShouldAllBe(name => Regex.IsMatch(code, $@"\bclass {name}\b"));
    }

    private static string Line(string kind, string name, string version, string sha512) => $"pkg:{kind}/{name}@{version} {Convert.ToHexStringLower(Convert.FromBase64String(sha512))}";

    private static IEnumerable<(string Name, JsonElement Package)> Npm() =>
        Json("src", "MetaRouter.Gateway", "Console", "app", "package-lock.json").GetProperty("packages").EnumerateObject().Where(p => p.Name.Length > 0).Select(p => (p.Name[(p.Name.LastIndexOf("node_modules/", StringComparison.Ordinal) + 13)..], p.Value));

    private static JsonElement Json(params string[] path)
    {
        using var document = JsonDocument.Parse(Repository.Read(path));
        return document.RootElement.Clone();
    }

    [GeneratedRegex(@"^\| \[?(?<name>[^\]| ]+)(?:\]\([^)]*\))? \| (?<version>\S+) \| (?<licence>\S+) \| [^|]+ \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^\|[^|]+\|[^|]+\| (`\w+Tests`.*|`RouterContract`.*) \|$", RegexOptions.Multiline)]
    private static partial Regex Threat();

    [GeneratedRegex(@"`(\w+)`")]
    private static partial Regex Quoted();
}
