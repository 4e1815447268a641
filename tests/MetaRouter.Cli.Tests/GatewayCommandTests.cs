using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MetaRouter.Cli.Gateways;
using MetaRouter.Client;

namespace MetaRouter.Cli.Tests;

/// <summary>top, user show, decisions show and decisions tail against a gateway that runs, with simulated users.</summary>
public sealed partial class GatewayCommandTests(GatewayProcess gateway) : IClassFixture<GatewayProcess>
{
    private const int Seconds = 30;

    [Fact]
    public async Task Top_Once_TellsWhatTheApiTells()
    {
        await UntilAsync(async () => (int)(await OverviewAsync())["totals"]!["requests"]! > 50);

        var (code, output, error) = await Run("top", "--once");

        code.ShouldBe(0, error);
        foreach (var named in new[] { "requests", "a second", "spent", "always strongest", "best single model", "quality", "95 % normal interval", "p50", "p99", "errors", "snapshot", "mode apply" })
        {
            output.ShouldContain(named);
        }

        foreach (var model in (await OverviewAsync())["models"]!.AsArray())
        {
            output.ShouldContain((string)model!["name"]!);
        }

        output.ShouldNotContain('\x1b');
    }

    [Fact]
    public async Task Top_Json_HasEveryFieldOfTheApi()
    {
        var (code, output, error) = await Run("top", "--once", "--json", "--minutes", "60");

        code.ShouldBe(0, error);
        Names(JsonNode.Parse(output)!).ShouldBe(Names(await OverviewAsync()), ignoreOrder: true);

        static string[] Names(JsonNode node) => [.. new[] { node, node["totals"]!, node["totals"]!["latency_ms"]!, node["series"]![0]!, node["models"]![0]!, node["snapshot"]! }.SelectMany(n => n.AsObject().Select(p => p.Key))];
    }

    [Fact]
    public async Task Top_NotATerminal_WritesALineForEachOverviewUntilStopped()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(3));

        var (code, output, error) = await RunUntil(stop.Token, "top");

        code.ShouldBe(ExitCodes.Cancelled, error);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBeInRange(2, 3); // at once, and every two seconds
        lines.ShouldAllBe(l => PlainTop().IsMatch(l));
    }

    [Theory]
    [InlineData(80, 24)]
    [InlineData(60, 12)]
    [InlineData(61, 13)]
    [InlineData(100, 30)]
    [InlineData(132, 43)]
    [InlineData(200, 20)]
    [InlineData(10, 3)]
    public async Task Screen_AnySize_FitsAndShowsWhoAnswers(int width, int height)
    {
        using var http = new HttpClient { BaseAddress = new Uri(gateway.Url), DefaultRequestHeaders = { Authorization = new("Bearer", GatewayProcess.Key) } };
        var client = new MetaRouterClient(http);
        await UntilAsync(async () => (await client.GetOverviewAsync(15)).Totals.Requests > 20);
        var (overview, session, latest) = (await client.GetOverviewAsync(15), await client.GetSessionAsync(), (await client.GetDecisionsAsync(100)).Decisions);
        // What a name may not do to a screen.
        overview = overview with { Models = [overview.Models[0] with { Name = "[red]" + overview.Models[0].Name + "\x1b[2J\r\n" }, .. overview.Models.Skip(1)] };
        foreach (var ascii in new[] { false, true })
        {
            foreach (var notice in new[] { null, new string('x', 300) })
            {
                var lines = new TopScreen(gateway.Url, session, TimeZoneInfo.Utc, ascii).Lines(overview, latest, notice, width, height).Select(Spectre.Console.Markup.Remove).ToArray();

                lines.Length.ShouldBeLessThanOrEqualTo(height);
                lines.ShouldAllBe(l => l.Length <= Math.Max(width, 1) && l.All(c => c >= ' ' && (!ascii || c <= '~')));
                if (width >= TopScreen.LeastWidth)
                {
                    lines.ShouldContain(l => l.Contains("who answers"));
                    lines.ShouldContain(l => l.Contains("/s "));
                    lines[0].ShouldContain(notice is null ? "SIMULATED USERS" : "xxx");
                }
            }
        }
    }

    [Theory]
    [InlineData("decisions tail")]
    [InlineData("top --json")]
    public async Task WhatFollowsAGateway_EndsWithWhoReadsIt(string command)
    {
        var start = new ProcessStartInfo("bash", ["-c", $"dotnet '{Path.Combine(AppContext.BaseDirectory, "metarouter.dll")}' {command} | head -1; echo ${{PIPESTATUS[0]}}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["METAROUTER_URL"] = gateway.Url, ["METAROUTER_KEY"] = GatewayProcess.Key },
        };
        using var process = Process.Start(start)!;
        try
        {
            var said = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(Seconds));
            said.TrimEnd().Split('\n').ShouldSatisfyAllConditions(l => l.Length.ShouldBe(2), l => l[1].ShouldBe("141"));
            (await process.StandardError.ReadToEndAsync()).ShouldBeEmpty();
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task Top_InATerminal_RedrawsInPlaceAndLeavesTheScreenAsItWas()
    {
        var start = new ProcessStartInfo("script", ["-qec", $"stty cols 80 rows 24; exec dotnet '{Path.Combine(AppContext.BaseDirectory, "metarouter.dll")}' top", "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { ["TERM"] = "xterm-256color", ["LANG"] = "C.UTF-8", ["METAROUTER_URL"] = gateway.Url, ["METAROUTER_KEY"] = GatewayProcess.Key },
        };
        using var process = Process.Start(start)!;
        var (shown, part) = (new StringBuilder(), new char[4096]);
        while (FrameEnd().Count(shown.ToString()) < 3)
        {
            var read = await process.StandardOutput.ReadAsync(part).AsTask().WaitAsync(TimeSpan.FromSeconds(Seconds));
            read.ShouldBeGreaterThan(0, shown.ToString());
            shown.Append(part, 0, read);
        }

        await process.StandardInput.WriteAsync('q');
        await process.StandardInput.FlushAsync();
        shown.Append(await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(Seconds)));
        await process.WaitForExitAsync();

        process.ExitCode.ShouldBe(0, shown.ToString());
        var text = shown.ToString();
        text.IndexOf("\x1b[?1049h", StringComparison.Ordinal).ShouldBeInRange(0, text.IndexOf("MetaRouter", StringComparison.Ordinal));
        text.TrimEnd().ShouldEndWith("\x1b[?25h\x1b[?1049l");
        var frame = text[(text.LastIndexOf("\x1b[H", StringComparison.Ordinal) + 3)..text.LastIndexOf("\x1b[J", StringComparison.Ordinal)];
        var lines = Escape().Replace(frame, "").Split("\r\n");
        lines.Length.ShouldBeLessThanOrEqualTo(24);
        lines.ShouldAllBe(l => l.Length <= 80);
        lines[0].ShouldContain("MetaRouter");
        frame.ShouldContain("\x1b[38;5;"); // colours
    }

    [Fact]
    public async Task DecisionsTail_Count_FollowsAndNamesEachDecisionOnce()
    {
        var (code, output, error) = await Run("decisions", "tail", "--lines", "3", "--count", "12", "--json");

        code.ShouldBe(0, error);
        var decisions = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!).ToArray();
        decisions.Length.ShouldBe(12);
        decisions.Select(d => (string)d["id"]!).Distinct().Count().ShouldBe(12);
        var known = (await GetAsync("/v1/console/decisions?limit=1000"))["decisions"]!.AsArray().ToDictionary(d => (string)d!["id"]!, d => (string)d!["model"]!);
        decisions.ShouldAllBe(d => known[(string)d["id"]!] == (string)d["model"]!);
        decisions.Select(d => (DateTimeOffset)d["t"]!).Max().ShouldBeGreaterThan((DateTimeOffset)decisions[2]["t"]!, "what follows is later than what was there");
    }

    [Fact]
    public async Task DecisionsTail_Once_EndsWithTheLatestInColumns()
    {
        await UntilAsync(async () => (int)(await GetAsync("/v1/console/decisions?limit=4"))["total"]! >= 4);

        var (code, output, error) = await Run("decisions", "tail", "--once", "--lines", "4", "--plain");

        code.ShouldBe(0, error);
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(5);
        lines[0].ShouldStartWith("time ");
        var why = lines[0].IndexOf("why", StringComparison.Ordinal);
        lines.Skip(1).ShouldAllBe(l => l[why - 1] == ' ' && l[why] != ' ');
    }

    [Fact]
    public async Task DecisionsShow_OfAnAnswersId_TellsWhoAnsweredAndWhyAndWhatElseWasPredicted()
    {
        using var http = new HttpClient { BaseAddress = new Uri(gateway.Url) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", GatewayProcess.InferenceKey);
        var said = JsonNode.Parse(await (await http.PostAsync("v1/chat/completions", new StringContent("""{"model":"auto","user":"ann of the tests","messages":[{"role":"user","content":"What is 7 times 8?"}]}"""))).Content.ReadAsStringAsync())!;
        var id = (string)said["id"]!;

        var (code, output, error) = await Run("decisions", "show", id, "--plain");
        var (_, json, _) = await Run("decisions", "show", id, "--user", "ann of the tests", "--json");
        var (refused, _, why) = await Run("decisions", "show", id, "--user", "bob");

        code.ShouldBe(0, error);
        var found = JsonNode.Parse(json)!;
        output.ShouldStartWith((string)said["model"]!);
        foreach (var named in found["candidates"]!.AsArray().Select(c => (string)c!["model"]!).Append((string)found["explanation"]!).Append((string)found["decision"]!))
        {
            output.ShouldContain(named);
        }

        ((string)found["model"]!).ShouldBe((string)said["model"]!);
        (refused, why.Contains("another tenant or user", StringComparison.Ordinal)).ShouldBe((ExitCodes.BadInput, true));
        output.ShouldAllBe(c => c <= '~');
    }

    [Fact]
    public async Task UserShow_KnownUser_TellsBeliefAndHowItWasLearned()
    {
        JsonNode? known = null;
        await UntilAsync(async () => (known = (await GetAsync("/v1/console/users?limit=50"))["users"]!.AsArray().FirstOrDefault(u => (int)u!["signals"]! > 1)) is not null);
        var pseudonym = "~" + (string)known!["user"]!;

        var (code, output, error) = await Run("user", "show", pseudonym, "--plain");

        code.ShouldBe(0, error);
        foreach (var named in new[] { (string)known["name"]!, pseudonym, "right answer on average", "90 % sure", "everybody", "how it was learned" })
        {
            output.ShouldContain(named);
        }

        output.ShouldAllBe(c => c <= '~');
        var (_, json, _) = await Run("user", "show", pseudonym, "--json");
        ((int)JsonNode.Parse(json)!["signals"]!).ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task UserShow_SomebodyNew_SaysThatNothingIsKnown()
    {
        var (code, output, _) = await Run("user", "show", "nobody/ever?[bold]");

        code.ShouldBe(0);
        output.ShouldContain("nobody/ever?[bold]");
        output.ShouldContain("Nothing is known yet");
    }

    [Fact]
    public async Task KeysRotate_SaysFromWhenAndUntilWhen()
    {
        var (code, output, error) = await Run("keys", "rotate", "--key", GatewayProcess.AdminKey);

        code.ShouldBe(0, error);
        output.ShouldMatch(@"^Receipt key \d+ seals from \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ; receipts sealed before are accepted until \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\.\n$");
        (await Run("keys", "rotate")).ShouldSatisfyAllConditions(r => r.Code.ShouldBe(2), r => r.Error.ShouldContain("the scope operator"));
    }

    /// <summary>A backup that is made: docs/operating.md, whose commands a test runs.</summary>
    [Fact]
    public async Task Backup_OfAGatewayInMemory_IsRefusedWithWhatToDo()
    {
        var (code, output, error) = await Run("backup", "--key", GatewayProcess.AdminKey);

        code.ShouldBe(2);
        output.ShouldBeEmpty();
        error.ShouldContain("name a file: MetaRouter:Store sqlite:PATH");
    }

    [Theory]
    [InlineData(3, new[] { "top", "--once" }, "http://127.0.0.1:1", null, "No gateway answers at http://127.0.0.1:1", "--url", "dotnet run")]
    [InlineData(2, new[] { "top" }, null, "mr-wrong", "refused the key", "METAROUTER_KEY", "new-key")]
    [InlineData(2, new[] { "decisions", "tail" }, null, GatewayProcess.InferenceKey, "the scope read", "METAROUTER_KEY")]
    [InlineData(2, new[] { "user", "show", "~0123456789" }, null, GatewayProcess.Key, "'~0123456789'", "/v1/console/users")]
    [InlineData(2, new[] { "top" }, "ftp://127.0.0.1", null, "'ftp://127.0.0.1'", "http://127.0.0.1:8080")]
    [InlineData(2, new[] { "top" }, null, "two words", "new-key")]
    [InlineData(2, new[] { "top", "--minutes", "0" }, null, GatewayProcess.Key, "--minutes 0", "1 to 1440")]
    [InlineData(2, new[] { "decisions", "tail", "--count", "0" }, null, GatewayProcess.Key, "--count 0", "at least 1")]
    [InlineData(2, new[] { "decisions", "tail", "--lines", "1001" }, null, GatewayProcess.Key, "--lines 1001", "0 to 1000")]
    public async Task Failures_NameTheThingTheValueAndTheRemedy(int expected, string[] args, string? url, string? key, params string[] named)
    {
        var (code, output, error) = await Run([.. args, "--url", url ?? gateway.Url, .. key is null ? (string[])[] : ["--key", key]]);

        code.ShouldBe(expected, error);
        output.ShouldBeEmpty();
        foreach (var one in named)
        {
            error.ShouldContain(one);
        }

        error.ShouldNotContain("two words");
        error.ShouldNotContain("mr-wrong");
    }

    [Fact]
    public async Task Top_AtWhatIsNoGateway_SaysSo()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var answering = Task.Run(async () =>
        {
            using var other = await listener.AcceptTcpClientAsync();
            var read = await other.GetStream().ReadAsync(new byte[4096]);
            await other.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<html"u8.ToArray());
            return read;
        });

        var (code, _, error) = await Run("top", "--once", "--url", $"http://{listener.LocalEndpoint}");

        code.ShouldBe(2);
        error.ShouldContain("not as a gateway");
        (await answering).ShouldBeGreaterThan(0);
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await isSo())
        {
            Stopwatch.GetElapsedTime(started).TotalSeconds.ShouldBeLessThan(Seconds);
            await Task.Delay(100);
        }
    }

    private Task<JsonNode> OverviewAsync() => GetAsync("/v1/console/overview?minutes=60");

    private async Task<JsonNode> GetAsync(string path)
    {
        using var http = new HttpClient { BaseAddress = new Uri(gateway.Url), DefaultRequestHeaders = { Authorization = new("Bearer", GatewayProcess.Key) } };
        return JsonNode.Parse(await http.GetStringAsync(path))!;
    }

    private Task<(int Code, string Output, string Error)> Run(params string[] args) => RunUntil(CancellationToken.None, args);

    private async Task<(int Code, string Output, string Error)> RunUntil(CancellationToken stop, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal(output, error, RichOut: false, RichError: false)
        {
            Variable = name => name == GatewayOptions.UrlVariable ? gateway.Url : name == GatewayOptions.KeyVariable ? GatewayProcess.Key : null,
        };
        var code = await CommandLine.RunAsync(args, terminal, stop).WaitAsync(TimeSpan.FromSeconds(Seconds));
        return (code, output.ToString(), error.ToString());
    }

    [GeneratedRegex(@"^\d\d:\d\d:\d\d [\d.,]+ requests/s; in 15 min [\d,]+ requests?, \$\S+, .* quality \S+, p50 \S+")]
    private static partial Regex PlainTop();

    [GeneratedRegex(@"\x1b\[J")]
    private static partial Regex FrameEnd();

    [GeneratedRegex(@"\x1b\[[0-9;?]*[A-Za-z]")]
    private static partial Regex Escape();
}
