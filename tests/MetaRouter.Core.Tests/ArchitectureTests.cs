using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace MetaRouter.Core.Tests;

/// <summary>References run one way, and every package is pinned. Read from the project files, so that it holds of projects nobody has built.</summary>
public partial class ArchitectureTests
{
    /// <summary>What each project of src and aspire may reference. A new project belongs in this table.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["MetaRouter.Core"] = [],
        ["MetaRouter.Evaluation"] = ["MetaRouter.Core"],
        ["MetaRouter.Cli"] = ["MetaRouter.Core", "MetaRouter.Evaluation", "MetaRouter.Client"],
        ["MetaRouter.Hosting"] = ["MetaRouter.Core"],
        ["MetaRouter.Extensions.AI"] = ["MetaRouter.Core", "MetaRouter.Hosting"],
        ["MetaRouter.Client"] = [],
        ["MetaRouter.Orleans.Abstractions"] = ["MetaRouter.Core"],
        ["MetaRouter.Orleans"] = ["MetaRouter.Core", "MetaRouter.Hosting", "MetaRouter.Orleans.Abstractions"],
        ["MetaRouter.Silo"] = ["MetaRouter.Core", "MetaRouter.Hosting", "MetaRouter.Orleans", "MetaRouter.Orleans.Abstractions", "MetaRouter.ServiceDefaults"],
        ["MetaRouter.Gateway"] = ["MetaRouter.Core", "MetaRouter.Hosting", "MetaRouter.Orleans", "MetaRouter.Orleans.Abstractions", "MetaRouter.ServiceDefaults"],
        ["MetaRouter.ServiceDefaults"] = [],
        ["MetaRouter.AppHost"] = ["MetaRouter.Gateway", "MetaRouter.Silo", "MetaRouter.ServiceDefaults"],
    };

    private static readonly string Root = Repository.Root;
    private static readonly string[] Projects = [.. new[] { "src", "aspire", "tests" }.Select(f => Path.Combine(Root, f)).Where(Directory.Exists).SelectMany(f => Files(f, "*.csproj")).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Shipped => [.. Projects.Where(p => !Folder(p).StartsWith("tests", StringComparison.Ordinal)).Select(Name)];

    public static TheoryData<string> All => [.. Projects.Select(Name)];

    [Fact]
    public void Projects_EveryRow_IsLookedFor() => Projects.Select(Name).Intersect(Allowed.Keys).Count().ShouldBeGreaterThanOrEqualTo(3, "Core, Evaluation and Cli at the least: else these tests look in the wrong place");

    [Theory]
    [MemberData(nameof(Shipped))]
    public void ProjectReferences_OfEachProject_RunOneWay(string project)
    {
        Allowed.Keys.ShouldContain(project, "a new project needs a row in the table of allowed references");
        foreach (var reference in References(project))
        {
            Allowed[project].ShouldContain(reference.Name, $"{project} may not reference {reference.Name}");
        }
    }

    [Theory]
    [MemberData(nameof(Shipped))]
    public void ProjectReferences_ToOrleans_AreBehindTheProperty(string project)
    {
        if (!project.Contains("Orleans", StringComparison.Ordinal) && project != "MetaRouter.Silo" && project != "MetaRouter.AppHost")
        {
            foreach (var reference in References(project).Where(r => r.Name.Contains("Orleans", StringComparison.Ordinal)))
            {
                reference.Condition.ShouldContain("$(UseOrleans)", customMessage: $"{project} -> {reference.Name}: the solution must build without Orleans");
            }
        }
    }

    [Fact]
    public void Allowed_References_HaveNoCycle()
    {
        var placed = new HashSet<string>();
        while (placed.Count < Allowed.Count)
        {
            var next = Allowed.Where(p => !placed.Contains(p.Key) && p.Value.All(placed.Contains)).Select(p => p.Key).ToArray();
            next.ShouldNotBeEmpty("what is left references itself in a circle");
            placed.UnionWith(next);
        }
    }

    [Fact]
    public void ProjectReferences_ToTests_ComeFromTestsOnly()
    {
        var tests = Projects.Where(p => Folder(p).StartsWith("tests", StringComparison.Ordinal)).Select(Name).ToHashSet();
        foreach (var project in Projects.Select(Name).Except(tests))
        {
            References(project).Select(r => r.Name).ShouldNotContain(r => tests.Contains(r), $"{project} is shipped");
        }
    }

    /// <summary>One that a test makes by itself stays behind when the test fails, and thousands of them fill a disk.</summary>
    [Fact]
    public void TemporaryFolders_OfTests_AreTheSharedOneThatGoes() =>
        Repository.Files("tests", "*.cs").Where(f => !f.EndsWith("TemporaryFolder.cs", StringComparison.Ordinal) && MakesItsOwn().IsMatch(File.ReadAllText(f))).ShouldBeEmpty();

    [Fact]
    public void Packages_EveryOne_HasItsVersionCentrallyAndExactly()
    {
        var central = Load(Path.Combine(Root, "Directory.Packages.props"));
        Elements(central, "ManagePackageVersionsCentrally").Single().Value.ShouldBe("true");
        var versions = Elements(central, "PackageVersion").Concat(Elements(central, "GlobalPackageReference")).ToLookup(e => (string)e.Attribute("Include")!, e => (string?)e.Attribute("Version") ?? "");
        foreach (var version in versions)
        {
            version.ShouldAllBe(v => ExactVersion().IsMatch(v), $"{version.Key}: a floating version restores something else tomorrow");
        }

        foreach (var file in Projects.Concat(Files(Root, "*.props")).Concat(Files(Root, "*.targets")).Distinct())
        {
            foreach (var reference in Elements(Load(file), "PackageReference").Where(e => e.Attribute("Include") is not null))
            {
                var (name, where) = ((string)reference.Attribute("Include")!, Path.GetFileName(file));
                versions.Contains(name).ShouldBeTrue($"{where}: {name} has no version in Directory.Packages.props");
                (reference.Attribute("Version") ?? reference.Attribute("VersionOverride")).ShouldBeNull($"{where}: {name} has a version of its own");
                reference.Elements().Select(e => e.Name.LocalName).ShouldNotContain(n => n.StartsWith("Version", StringComparison.Ordinal), $"{where}: {name} has a version of its own");
            }
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Packages_OfEachProject_AreLocked(string project) =>
        File.Exists(Path.Combine(Path.GetDirectoryName(FileOf(project))!, "packages.lock.json")).ShouldBeTrue($"{project} restores packages without a lock file; restore it and commit packages.lock.json");

    [Fact]
    public void Packages_OfCore_AreTensorsAndAnalyzersOnly()
    {
        var references = Elements(Load(FileOf("MetaRouter.Core")), "PackageReference").ToArray();
        references.Where(e => (string?)e.Attribute("PrivateAssets") != "all").Select(e => (string?)e.Attribute("Include")).ShouldBe(["System.Numerics.Tensors"]);
        references.Where(e => (string?)e.Attribute("PrivateAssets") == "all").ShouldAllBe(e => ((string)e.Attribute("Include")!).EndsWith("Analyzers"));

        // Nor does anything come with them.
        using var locked = JsonDocument.Parse(File.ReadAllText(Path.Combine(Path.GetDirectoryName(FileOf("MetaRouter.Core"))!, "packages.lock.json")));
        locked.RootElement.GetProperty("dependencies").EnumerateObject().SelectMany(f => f.Value.EnumerateObject()).Select(p => p.Name).Where(n => !n.EndsWith("Analyzers", StringComparison.Ordinal))
            .ShouldBe(["System.Numerics.Tensors"]);
    }

    [GeneratedRegex(@"\.(CreateTempSubdirectory|GetTempFileName)\(")]
    private static partial Regex MakesItsOwn();

    [GeneratedRegex(@"^\d+(\.\d+){1,3}(-[0-9A-Za-z.-]+)?$")]
    private static partial Regex ExactVersion();

    private static (string Name, string Condition)[] References(string project) =>
        [.. Elements(Load(FileOf(project)), "ProjectReference").Where(e => e.Attribute("Include") is not null)
            .Select(e => (Path.GetFileNameWithoutExtension(((string)e.Attribute("Include")!).Replace('\\', '/')), (string?)e.Attribute("Condition") + (string?)e.Parent!.Attribute("Condition")))];

    private static IEnumerable<XElement> Elements(XDocument document, string name) => document.Descendants().Where(e => e.Name.LocalName == name);

    private static XDocument Load(string file) => XDocument.Load(file);

    private static string Name(string file) => Path.GetFileNameWithoutExtension(file);

    private static string Folder(string file) => Path.GetRelativePath(Root, file);

    private static string FileOf(string project) => Projects.Single(p => Name(p) == project);

    private static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories)
            .Where(f => !Path.GetRelativePath(folder, f).Split('/', '\\').Any(part => part is "bin" or "obj" || part.StartsWith('.')));
}
