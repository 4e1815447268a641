using System.Text.Json.Nodes;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>The console as people use it: npm/console.mjs goes through every view of a gateway with users, history and names that hold HTML.</summary>
public sealed class BrowserTests(ITestOutputHelper output)
{
    private const string Evil = "<img src=x onerror=\"window.pwned=1\">";
    private const int Decisions = 100_000;

    [BrowserFact]
    public async Task Console_DoesInABrowserWhatItSays()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--ApiKeys:0:Sha256", Hash("all"), "--ApiKeys:0:Tenant", "acme", "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:0:Scopes:1", "feedback", "--ApiKeys:0:Scopes:2", "read", "--ApiKeys:0:Scopes:3", "admin",
            "--ApiKeys:1:Sha256", Hash("reads"), "--ApiKeys:1:Tenant", "acme", "--ApiKeys:1:Scopes:0", "read");
        FillJournal(gateway);
        await FillUsersAsync(gateway);

        var asked = new JsonObject
        {
            ["url"] = gateway.Client.BaseAddress!.ToString(),
            ["keys"] = new JsonObject { ["admin"] = "all", ["read"] = "reads" },
            ["chromium"] = BrowserFactAttribute.Chromium,
            ["users"] = new JsonArray("user-0", "user-1"),
            ["evil"] = Evil,
            ["total"] = Decisions,
        };
        var seen = await NodeFactAttribute.RunAsync("console.mjs", asked.ToJsonString());

        output.WriteLine(seen["figures"]!.ToJsonString());
        var claims = seen["claims"]!.AsObject();
        claims.Count.ShouldBe(23);
        claims.Where(c => c.Value is not null).Select(c => $"{c.Key}: {c.Value}").ShouldBeEmpty();
    }

    /// <summary>What is committed is what the sources give, byte for byte: nobody edits a bundle.</summary>
    [NodeFact]
    public async Task CommittedBundle_IsWhatItsSourcesGive()
    {
        var app = Path.Combine(Repository.Root, "src/MetaRouter.Gateway/Console/app");
        using var copy = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(app, "src"), "*", SearchOption.AllDirectories).Concat(Directory.EnumerateFiles(app)))
        {
            var to = Path.Combine(copy.Path, "app", Path.GetRelativePath(app, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        var dist = Path.Combine(copy.Path, "dist");
        Directory.CreateDirectory(dist);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src/MetaRouter.Gateway/Console/dist")))
        {
            File.Copy(file, Path.Combine(dist, Path.GetFileName(file)));
        }

        await NodeFactAttribute.RunInAsync(Path.Combine(copy.Path, "app"), "npm", "ci", "--no-audit", "--no-fund");
        var built = await NodeFactAttribute.RunInAsync(Path.Combine(copy.Path, "app"), "node", "build.mjs", "--check");

        built.ShouldContain("index.html");
    }

    /// <summary>As many decisions as the console keeps, of some hours.</summary>
    private static void FillJournal(RunningGateway gateway)
    {
        var recorder = gateway.App.Services.GetRequiredService<ConsoleRecorder>();
        var models = gateway.App.Services.GetRequiredService<PoolHolder>().Current.Catalog.Models;
        for (var i = 0; i < Decisions; i++)
        {
            var model = models[i % models.Length].Id;
            recorder.Unrouted("acme", $"user-{i % 40}", model, isAuto: i % 2 == 0, new ServedCall("apply", model, false) { CostUsd = 1e-4 * (i % 7), CostSource = "simulated", LatencySeconds = 0.1 * (i % 11) }, i % 500 == 0 ? 502 : 200);
        }
    }

    private static async Task FillUsersAsync(RunningGateway gateway)
    {
        var key = ("Authorization", "Bearer all");
        string[] users = [.. Enumerable.Range(0, 30).Select(i => $"user-{i}"), Evil];
        for (var round = 0; round < 4; round++)
        {
            // All of one mind, so that what they teach is promoted and there is something to roll back from.
            foreach (var user in users)
            {
                var route = await gateway.PostAsync("/v1/router/route", new JsonObject { ["user"] = user, ["compare"] = true, ["input"] = $"<b>Prove</b> that the square root of {round + 2} is irrational." }.ToJsonString(), key);
                var told = await gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = (string)route.Body["receipt"]!, ["user"] = user, ["kind"] = "comparison", ["value"] = "cheaper" }.ToJsonString(), key);
                told.Status.ShouldBe(200, told.Text);
            }
        }

        foreach (var user in users)
        {
            var chat = await gateway.PostAsync("/v1/chat/completions", new JsonObject { ["model"] = "auto", ["user"] = user, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = $"What is {Evil}?" }) }.ToJsonString(), key);
            chat.Status.ShouldBe(200, chat.Text);
        }
    }
}
