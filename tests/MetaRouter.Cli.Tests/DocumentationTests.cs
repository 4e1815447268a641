using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace MetaRouter.Cli.Tests;

/// <summary>
/// Every command of docs/*.md is run: the bash blocks of a page one after the other, in one shell in an empty folder, against the programs themselves. A block that cannot
/// be begins with "# not run by the tests: WHY"; "# prints: A, B" at its end names what must come out. Only ports differ, and dotnet run starts what is built already.
/// </summary>
public sealed partial class DocumentationTests
{
    private const string NotRun = "# not run by the tests", Prints = "# prints: ";
    private const int Seconds = 300, MostNotRun = 6; // operating.md starts eight programs one after the other, for which a busy machine takes about a minute

    private static readonly string Root = Repository.Root;

    public static TheoryData<string> Pages => [.. Directory.GetFiles(Path.Combine(Root, "docs"), "*.md").Where(p => Blocks(p).Any(b => !IsLeftOut(b))).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Commands_OfAPage_RunAndPrintWhatItSays(string page)
    {
        var blocks = Blocks(Path.Combine(Root, "docs", page)).Where(b => !IsLeftOut(b)).ToArray();
        using var folder = new TemporaryFolder();
        var (gateway, redis) = (Loopback.FreePort(), Loopback.FreePort());
        var script = new StringBuilder("set -eo pipefail\n");
        if (!blocks.Any(b => b.Contains("src/MetaRouter.Gateway", StringComparison.Ordinal)))
        {
            script.Append("dotnet run -c Release --project src/MetaRouter.Gateway -- --demo &\nuntil curl -sf http://127.0.0.1:8080/alive >/dev/null; do sleep 0.1; done\n");
        }

        foreach (var (i, block) in blocks.Index())
        {
            script.Append(IsServer(block) ? $"{{\n{block}}} &\nuntil curl -sf http://127.0.0.1:8080/alive >/dev/null; do sleep 0.1; done\nsleep 2\n" : block).Append("echo \"=== ran ").Append(i).Append("\"\n");
        }

        var text = script.ToString().Replace("8080", $"{gateway}", StringComparison.Ordinal).Replace("6379", $"{redis}", StringComparison.Ordinal);
        var bin = Directory.CreateDirectory(folder.File("bin")).FullName;
        var work = Directory.CreateDirectory(folder.File("work")).FullName;
        await File.WriteAllTextAsync(folder.File("page.sh"), text);
        await File.WriteAllTextAsync(Path.Combine(bin, "dotnet"), Shim());

        var (code, output) = await RunAsync(folder.File("page.sh"), work, bin, $"http://127.0.0.1:{gateway}");

        code.ShouldBe(0, output);
        var parts = Ran().Split(output);
        parts.Length.ShouldBe(blocks.Length + 1, output);
        foreach (var (i, block) in blocks.Index())
        {
            foreach (var said in block.Split('\n').Where(l => l.StartsWith(Prints, StringComparison.Ordinal)).SelectMany(l => l[Prints.Length..].Split(", ")))
            {
                parts[i].ShouldContain(said, Case.Sensitive, $"block {i + 1} of {page}: {block}\n{output}");
            }
        }
    }

    /// <summary>The tests start programs where the reader stands; the SDK starts a web project's in the project's folder unless that says otherwise, and settings and stores would be looked for there.</summary>
    [Theory]
    [InlineData("MetaRouter.Gateway")]
    [InlineData("MetaRouter.Silo")]
    [InlineData("MetaRouter.Cli")]
    public async Task Run_OfAProgram_WorksInTheReadersFolder(string project)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", ["msbuild", Path.Combine(Root, "src", project), "-getProperty:RunWorkingDirectory", "-nodeReuse:false"]) { RedirectStandardOutput = true })!;
        var said = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(Seconds));

        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(Seconds));
        process.ExitCode.ShouldBe(0, said);
        said.Trim().ShouldBeEmpty();
    }

    [Fact]
    public void Commands_LeftOut_AreFewAndSayWhy()
    {
        var leftOut = Directory.GetFiles(Path.Combine(Root, "docs"), "*.md").SelectMany(Blocks).Where(IsLeftOut).ToArray();

        leftOut.Length.ShouldBeLessThanOrEqualTo(MostNotRun);
        leftOut.ShouldAllBe(b => Reason().IsMatch(b.Split('\n')[0]));
        Pages.Count.ShouldBeGreaterThan(3);
    }

    /// <summary>Else a command could stand on a page in a block that is not run.</summary>
    [Fact]
    public void Blocks_OfAllPages_AreCommandsOrKnownToBeNone()
    {
        foreach (var page in Directory.GetFiles(Path.Combine(Root, "docs"), "*.md").Where(p => Path.GetFileName(p) != "THIRD-PARTY-NOTICES.md"))
        {
            var kinds = AnyFence().Matches(File.ReadAllText(page)).Select(m => m.Groups[1].Value).Where((_, i) => i % 2 == 0).ToArray();
            kinds.ShouldBeSubsetOf(["bash", "http", "json", "csharp", "javascript", "toml"], page);
            kinds.Count(k => k == "bash").ShouldBe(Blocks(page).Count(), page);
        }
    }

    [Fact]
    public void Links_OfAllPages_LeadSomewhere()
    {
        foreach (var page in Directory.GetFiles(Path.Combine(Root, "docs"), "*.md").Append(Path.Combine(Root, "README.md")))
        {
            foreach (var link in Link().Matches(File.ReadAllText(page)).Select(m => m.Groups[1].Value).Where(l => !l.StartsWith("http", StringComparison.Ordinal) && !l.StartsWith('#')))
            {
                Path.Exists(Path.Combine(Path.GetDirectoryName(page)!, link.Split('#')[0])).ShouldBeTrue($"{page}: {link}");
            }

            var name = Path.GetFileName(page);
            (name == "README.md" || File.ReadAllText(Path.Combine(Root, "README.md")).Contains($"docs/{name}", StringComparison.Ordinal)).ShouldBeTrue($"README does not lead to {name}");
        }
    }

    private static bool IsLeftOut(string block) => block.StartsWith(NotRun, StringComparison.Ordinal);

    /// <summary>Its last command is a gateway in the foreground, which a reader leaves running.</summary>
    private static bool IsServer(string block) =>
        block.Split('\n', StringSplitOptions.RemoveEmptyEntries).Last(l => !l.StartsWith('#')) is var last && last.Contains("--project src/MetaRouter.Gateway", StringComparison.Ordinal) && !last.TrimEnd().EndsWith('&') && !last.Contains("new-key", StringComparison.Ordinal);

    private static IEnumerable<string> Blocks(string page) => Fence().Matches(File.ReadAllText(page)).Select(m => m.Groups[1].Value);

    /// <summary>Starts what is built instead of building it once more.</summary>
    private static string Shim() => $$"""
        #!/bin/bash
        if [[ $1 == run ]]; then
          shift
          while (($# > 0)); do
            case $1 in
              --project) project=$2; shift 2 ;;
              -c) shift 2 ;;
              --) shift; break ;;
              *) echo "docs: dotnet run $1?" >&2; exit 1 ;;
            esac
          done
          case $project in
            src/MetaRouter.Gateway) program=MetaRouter.Gateway ;;
            src/MetaRouter.Cli) program=metarouter ;;
            *) echo "docs: which program is $project?" >&2; exit 1 ;;
          esac
          PATH=${PATH#*:} exec dotnet "{{AppContext.BaseDirectory}}/$program.dll" "$@"
        fi
        PATH=${PATH#*:} exec dotnet "$@"
        """;

    private static async Task<(int Code, string Output)> RunAsync(string script, string folder, string bin, string url)
    {
        // A group of its own: whatever a page leaves running ends with it.
        var start = new ProcessStartInfo("setsid", ["--wait", "bash", "-c", $"trap 'trap - EXIT TERM; kill -- -$$' EXIT TERM; chmod +x '{bin}/dotnet'; bash '{script}' 2>&1; code=$?; trap - EXIT; trap '' TERM; kill -- -$$; exit $code"])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            Environment = { ["PATH"] = bin + ":" + Environment.GetEnvironmentVariable("PATH"), ["ASPNETCORE_URLS"] = url, ["METAROUTER_URL"] = url },
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(Seconds));
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            return (-1, $"{await output.WaitAsync(TimeSpan.FromSeconds(Seconds))}\nIt was not done within {Seconds} s.");
        }

        return (process.ExitCode, await output.WaitAsync(TimeSpan.FromSeconds(Seconds)));
    }

    [GeneratedRegex(@"^```(?:bash|sh|console)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^[ >\t]*(?:```|~~~)[ \t]*(.*?)[ \t]*$", RegexOptions.Multiline)]
    private static partial Regex AnyFence();

    [GeneratedRegex(@"=== ran \d+\n")]
    private static partial Regex Ran();

    [GeneratedRegex(@"^# not run by the tests[^:]*: \S+ \S+")]
    private static partial Regex Reason();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
