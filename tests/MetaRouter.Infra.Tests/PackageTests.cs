using System.Diagnostics;
using System.IO.Compression;
using System.Xml.Linq;

namespace MetaRouter.Infra.Tests;

/// <summary>What <c>infra/pack.sh</c> packs, and that a stranger's program runs on it.</summary>
public sealed class PackageTests
{
    private const string Version = "0.0.1-tested";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly (string Name, XElement Project)[] Packed =
    [
        .. Repository.Files("src", "*.csproj").Select(file => (Path.GetFileNameWithoutExtension(file), XElement.Load(file))).Where(p => p.Item2.Descendants("IsPackable").Any(e => e.Value == "true")),
    ];

    [Fact]
    public void Script_PacksWhatSaysSo()
    {
        var script = Repository.Read("infra", "pack.sh");
        var named = script.Split('\n').Select(l => l.Trim()).Where(l => l.StartsWith("for name in ", StringComparison.Ordinal))
            .SelectMany(l => l["for name in ".Length..].Replace("; do", "", StringComparison.Ordinal).Split(' ')).Select(n => "MetaRouter." + n);
        Packed.Select(p => p.Name).ShouldBe(named, ignoreOrder: true);
    }

    [Fact]
    public void Packages_EachSaysWhatItIs()
    {
        Packed.Length.ShouldBe(8);
        foreach (var (name, project) in Packed)
        {
            project.Descendants("Description").Single().Value.Length.ShouldBeGreaterThan(40, name);
            Repository.Read("src", name, "PACKAGE.md").ShouldStartWith("# ", customMessage: name);
        }
    }

    /// <summary>The program of the package's own page, as it stands there.</summary>
    [Fact]
    public async Task Packages_AStrangersProgram_RoutesAndLearns()
    {
        using var folder = new TemporaryFolder();
        await PackAsync(folder, "Core", "Hosting");
        Unpacked(folder, "MetaRouter.Hosting", "PACKAGE.md", "docs/settings.md", "lib/net10.0/MetaRouter.Hosting.dll");
        folder.Write("app.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk.Web">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
              <ItemGroup><PackageReference Include="MetaRouter.Hosting" Version="{Version}" /></ItemGroup>
            </Project>
            """);
        const string last = "app.Run();";
        var page = Repository.Read("src", "MetaRouter.Hosting", "PACKAGE.md").Split("```")[1]["csharp".Length..];
        page.ShouldContain(last);
        folder.Write("Program.cs", page.Replace(last, """
            app.Urls.Add("http://127.0.0.1:0");
            await app.StartAsync();
            using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
            using var asked = await http.PostAsJsonAsync("/ask", new Question("ada", "Summarise this contract."));
            var answer = await asked.Content.ReadFromJsonAsync<System.Text.Json.Nodes.JsonObject>();
            using var judged = await http.PostAsJsonAsync("/thumb", new Thumb("ada", answer!["receipt"]!.GetValue<string>(), true));
            Console.WriteLine($"{answer["model"]} {await judged.Content.ReadAsStringAsync()}");
            using var strange = await http.PostAsJsonAsync("/thumb", new Thumb("eve", answer["receipt"]!.GetValue<string>(), true));
            Console.WriteLine($"{(int)strange.StatusCode} {await strange.Content.ReadAsStringAsync()}");
            await app.StopAsync();
            """, StringComparison.Ordinal));
        var said = await DotnetAsync(folder, "run", "--project", folder.File("app.csproj"), "-c", "Release");
        said.ShouldMatch(@"(?m)^\S+ \{""counted"":true\}$");
        said.ShouldMatch(@"(?m)^400 "".*another tenant or user.*""$");
    }

    /// <summary>One that is upgraded alone would call what the other no longer has.</summary>
    [Fact]
    public async Task Packages_NeedThoseOfTheirOwnVersion()
    {
        using var folder = new TemporaryFolder();
        await PackAsync(folder, "Core", "Hosting");

        using var package = ZipFile.OpenRead(folder.File($"packages/MetaRouter.Hosting.{Version}.nupkg"));
        var needed = XElement.Load(package.GetEntry("MetaRouter.Hosting.nuspec")!.Open()).Descendants().Where(e => e.Name.LocalName == "dependency").ToDictionary(e => e.Attribute("id")!.Value, e => e.Attribute("version")!.Value);

        needed["MetaRouter.Core"].ShouldBe($"[{Version}]");
        needed["StackExchange.Redis"].ShouldNotStartWith("[");
    }

    [Theory]
    [InlineData("Cli", "metarouter", "models list", "gpt-4o-2024-05-13")]
    [InlineData("Gateway", "metarouter-gateway", "new-key acme read", "\"Tenant\": \"acme\"")]
    public async Task Tool_IsInstalledAndRuns(string name, string command, string arguments, string says)
    {
        using var folder = new TemporaryFolder();
        await PackAsync(folder, name);
        Unpacked(folder, "MetaRouter." + name, "PACKAGE.md", "THIRD-PARTY-NOTICES.md");
        await DotnetAsync(folder, "tool", "install", "MetaRouter." + name, "--version", Version, "--tool-path", folder.File("tools"), "--add-source", folder.File("packages"));

        using var tool = Process.Start(new ProcessStartInfo(folder.File("tools/" + command), arguments) { RedirectStandardOutput = true })!;
        (await tool.StandardOutput.ReadToEndAsync()).ShouldContain(says);
        await tool.WaitForExitAsync();
        tool.ExitCode.ShouldBe(0);
        var installed = Directory.GetFiles(folder.File("tools"), "*", SearchOption.AllDirectories);
        installed.ShouldContain(f => f.EndsWith(".runtimeconfig.json", StringComparison.Ordinal));
        installed.ShouldNotContain(f => f.EndsWith(".lock.json", StringComparison.Ordinal));
        installed.Where(f => f.EndsWith(".xml", StringComparison.Ordinal) && Path.GetFileName(f) != "DotnetToolSettings.xml").ShouldBeEmpty();
    }

    /// <summary>What an error sends a reader to is there.</summary>
    [Fact]
    public async Task GatewayTool_SettingThatDoesNotExist_IsToldWithAPageThatIsThere()
    {
        using var folder = new TemporaryFolder();
        await PackAsync(folder, "Gateway");
        await DotnetAsync(folder, "tool", "install", "MetaRouter.Gateway", "--version", Version, "--tool-path", folder.File("tools"), "--add-source", folder.File("packages"));

        var (code, said) = await Programs.RunAsync(new ProcessStartInfo(folder.File("tools/metarouter-gateway"), ["--MetaRouter:Stroe", "memory"]) { WorkingDirectory = folder.Path, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true });

        code.ShouldBe(2);
        said.ShouldContain("'Stroe' (Store?)");
        var page = System.Text.RegularExpressions.Regex.Match(said, @"(/\S+settings\.md) has those that do").Groups[1].Value;
        File.ReadAllText(page).ShouldContain("`Store`");
    }

    private static async Task PackAsync(TemporaryFolder folder, params string[] names)
    {
        foreach (var name in names)
        {
            await DotnetAsync(folder, "pack", Path.Combine(Repository.Root, "src", "MetaRouter." + name), "-c", "Release", "--no-build", "-o", folder.File("packages"), "-p:Version=" + Version);
        }
    }

    private static void Unpacked(TemporaryFolder folder, string name, params string[] holds)
    {
        using var package = ZipFile.OpenRead(folder.File($"packages/{name}.{Version}.nupkg"));
        holds.ShouldBeSubsetOf(package.Entries.Select(e => e.FullName));
    }

    /// <summary>Packages of this version are the test's own: into a folder of its own, with what was restored before beside it.</summary>
    private static async Task<string> DotnetAsync(TemporaryFolder folder, params string[] arguments)
    {
        var before = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = folder.Path, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            Environment = { ["MSBUILDDISABLENODEREUSE"] = "1", ["DOTNET_CLI_UI_LANGUAGE"] = "en" },
        };
        if (arguments[0] != "pack")
        {
            start.Environment["NUGET_PACKAGES"] = folder.File("restored");
            start.Environment["RestoreFallbackFolders"] = before;
            start.Environment["RestoreAdditionalProjectSources"] = folder.File("packages");
        }

        var (code, said) = await Programs.RunAsync(start, Patience);
        code.ShouldBe(0, $"dotnet {string.Join(' ', arguments)}\n{said}");
        return said;
    }
}
