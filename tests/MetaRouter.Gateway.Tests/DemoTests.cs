using System.Diagnostics;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Demo;

namespace MetaRouter.Gateway.Tests;

public sealed class DemoTests
{
    [Fact]
    public async Task Demo_WithinAMinute_GivesDifferentUsersDifferentModelsAndSaves()
    {
        await using var gateway = await RunningGateway.StartAsync("--demo", "--MetaRouter:Store", "memory");
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var users = (await gateway.GetAsync("/v1/console/users?limit=50")).Body["users"]!.AsArray().Where(u => (int)u!["requests"]! >= 5).ToArray();
            var totals = (await gateway.GetAsync("/v1/console/overview?minutes=5")).Body["totals"]!;
            if (users.Select(u => (string)u!["top_model"]!).Distinct().Count() > 1 && (double?)totals["always_strongest"]?["saved_share"] > 0.1)
            {
                users.ShouldAllBe(u => (string?)u!["name"] != null);
                break;
            }

            Stopwatch.GetElapsedTime(started).TotalSeconds.ShouldBeLessThan(60, totals.ToJsonString());
            await Task.Delay(500);
        }

        var session = (await gateway.GetAsync("/v1/console/session")).Body;
        ((bool)session["demo"]!, (bool)session["simulated"]!).ShouldBe((true, true));
        Welcome.Text(gateway.App).ShouldContain("SIMULATED");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Demo_OfThreeMinutes_LearnsWhoIsThriftyAndGivesUsersMoreThanAnyOneModel(int seed)
    {
        var played = await DemoPlay.StartAsync(seed);
        await using var gateway = played.Gateway;

        await played.RunAsync(minutes: 1);
        var (early, newcomer) = (await played.WidthAsync(), DemoPlay.Width(played.Newcomer));
        var learning = played.Spent;
        await played.RunAsync(minutes: 2);
        var late = await played.WidthAsync();

        early.ShouldBeLessThan(0.85 * newcomer);
        late.ShouldBeLessThan(early);

        // Once the first minute's learning is paid.
        var traffic = played.Since(minute: 1);
        traffic.Models.Count(m => m.Value >= 0.1).ShouldBeGreaterThanOrEqualTo(3, string.Join(", ", traffic.Models));
        traffic.Models.Values.Max().ShouldBeLessThan(0.6);
        traffic.Demanding.Cost.ShouldBeGreaterThan(2.5 * traffic.Thrifty.Cost);
        traffic.Demanding.Quality.ShouldBeGreaterThan(traffic.Thrifty.Quality + 0.05);
        traffic.Worth.ShouldBeGreaterThan(traffic.Singles.Max(s => s.Worth));
        traffic.Quality.ShouldBeGreaterThan(traffic.SingleModelLine - 0.008); // on it or above; what chance does to 2,400 requests is left out
        traffic.SavedShare.ShouldBeGreaterThan(0.5);
        traffic.SavedShare.ShouldBeGreaterThan(learning.SavedShare);
    }

    [Fact]
    public void Users_OfOneSeed_AreTheSame_AndSpreadOverTheTradeOff()
    {
        var users = DemoUser.Make(50, new Random(1));

        users.ShouldBe(DemoUser.Make(50, new Random(1)));
        users.Select(u => u.Id).Distinct().Count().ShouldBe(50);
        users.Count(u => u.Preference.LambdaCost < 0.1).ShouldBeInRange(14, 15); // ln 5 of ln 250
        users.Min(u => u.Preference.LambdaCost).ShouldBeGreaterThanOrEqualTo(0.02);
        users.Max(u => u.Preference.LambdaCost).ShouldBeLessThanOrEqualTo(5);
    }

    [Fact]
    public async Task Demo_WithUpstreams_IsRefused()
    {
        var e = await Should.ThrowAsync<GatewayConfigurationException>(() => RunningGateway.StartAsync("--demo", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", "http://127.0.0.1:9/v1"));

        e.Message.ShouldContain("--demo simulates users, but Upstreams has 1");
    }

    [Fact]
    public async Task Demo_DataWithoutAUsableRow_IsRefusedAtTheStart()
    {
        using var folder = new TemporaryFolder();
        folder.Write("others.jsonl", """{"query":"one","models":{"unheard-of":{"score":1,"cost_usd":0.5}}}""");

        var e = await Should.ThrowAsync<GatewayConfigurationException>(() => RunningGateway.StartAsync("--demo", "--Demo:Data", folder.Path));

        e.Message.ShouldContain($"Demo:Data is '{folder.Path}'");
        e.Message.ShouldContain("Offer models that the files have");
    }

    [Fact]
    public void OutcomeFolder_ReadsRowsThatEveryModelAnswered()
    {
        using var folder = new TemporaryFolder();
        folder.Write(
            "some.jsonl.gz",
            """{"query":"one","models":{"m":{"score":1,"cost_usd":0.5},"n":{"score":0,"cost_usd":0.25}}}""",
            """{"query":"two","models":{"m":{"score":1,"cost_usd":null},"n":{"score":0,"cost_usd":0.25}}}""",
            """{"query":"three","models":{"n":{"score":0,"cost_usd":0.25}}}""");
        folder.Write("plain.jsonl", """{"query":"four","models":{"m":{"score":1,"cost_usd":0.5},"n":{"score":0,"cost_usd":0.25}}}""");
        var price = new PricePerMillionTokens(1);

        var rows = OutcomeFolder.Read(folder.Path, new ModelCatalog([new ModelProfile(new ModelId("m"), price, price), new ModelProfile(new ModelId("n"), price, price)]));

        rows.Select(r => r.Text).ShouldBe(["four", "one"]);
        rows[1].Outcomes![new ModelId("m")].CostUsd.ShouldBe(0.5f);
        Should.Throw<InvalidDataException>(() => OutcomeFolder.Read(folder.Path, new ModelCatalog([new ModelProfile(new ModelId("x"), price, price)]))).Message.ShouldContain("x");
    }
}
