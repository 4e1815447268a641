using System.Text.Json.Nodes;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Router;
using MetaRouter.Hosting;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

/// <summary>Routing that is followed for a share of the users, and what the report of savings says of the two sides.</summary>
public sealed class RollOutTests : IDisposable
{
    private const string Chat = "/v1/chat/completions", OffModel = "gpt-4o-2024-05-13";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Share_HasAboutSoManyUsers_AndALargerOneHasAllOfASmallerOne()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var secrets = gateway.App.Services.GetRequiredService<RouterSecrets>();
        RollOut Of(double share) => new(gateway.App.Services.GetRequiredService<GatewaySettings>() with { Gateway = new GatewayOptions { ApplyShare = share } }, secrets);
        var (none, few, many, all) = (Of(0), Of(0.1), Of(0.4), Of(1));
        string[] users = [.. Enumerable.Range(0, 5000).Select(i => $"user {i}")];

        users.Count(u => few.Includes("t", u)).ShouldBeInRange(420, 580); // 500 with a deviation of 21
        users.Count(u => many.Includes("t", u)).ShouldBeInRange(1860, 2140);
        users.Where(u => few.Includes("t", u)).ShouldAllBe(u => many.Includes("t", u));
        users.ShouldAllBe(u => !none.Includes("t", u) && all.Includes("t", u));
        users.Where(u => few.Includes("t", u)).Count(u => few.Includes("other", u)).ShouldBeLessThan(100); // tenants are drawn apart
        users.ShouldAllBe(u => few.Includes("t", u) == few.Includes("t", u));
        Enumerable.Range(0, 5000).Count(_ => few.Includes("t", null)).ShouldBeInRange(400, 600);
    }

    [Fact]
    public async Task Users_OfTheShareAreRouted_TheOthersAreAnsweredAsBefore_AndTheReportSetsThemBesideEachOther()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--MetaRouter:DecisionLog", _folder.File("decisions.ndjson"), "--Gateway:ApplyShare", "0.5", "--Gateway:OffModel", OffModel, "--Gateway:Mode", "observe");
        (await AskAsync("early")).Headers.ShouldContainKey("x-router-observed"); // not drawn: nobody is routed yet
        (await gateway.SendAsync(HttpMethod.Put, "/v1/router/mode", """{"mode":"apply"}""")).Text.ShouldBe("""{"mode":"apply","apply_share":0.5}""");
        (await AskAsync("careful", ("x-router-mode", "observe"))).Headers.ShouldContainKey("x-router-observed"); // nor this one: it asked for less

        var followed = new List<string>();
        for (var i = 0; i < 40; i++)
        {
            var answer = await AskAsync($"u{i}");
            var isFollowed = !answer.Headers.ContainsKey("x-router-observed");
            (await AskAsync($"u{i}")).Headers.ContainsKey("x-router-observed").ShouldBe(!isFollowed);
            if (isFollowed)
            {
                followed.Add($"u{i}");
            }
            else
            {
                ((string)answer.Body["model"]!).ShouldBe(OffModel);
            }

            if (i % 2 == 0)
            {
                var thumb = new JsonObject { ["receipt"] = (string)answer.Body["id"]!, ["user"] = $"u{i}", ["kind"] = "thumb", ["value"] = isFollowed ? "up" : "down" };
                (await gateway.PostAsync("/v1/router/feedback", thumb.ToJsonString())).Status.ShouldBe(200);
            }
        }

        followed.Count.ShouldBeInRange(8, 32);
        JsonObject sides = [];
        await Eventually.TrueAsync(
            async () =>
            {
                sides = (await gateway.GetAsync("/v1/router/savings")).Body["roll_out"]!.AsObject();
                return (int)sides["followed"]!["requests"]! + (int)sides["noted"]!["requests"]! == 80 && (int)sides["followed"]!["thumbs"]! + (int)sides["noted"]!["thumbs"]! == 20;
            },
            TimeSpan.FromSeconds(20));

        ((double)sides["apply_share"]!, (int)sides["followed"]!["requests"]!, (int)sides["noted"]!["requests"]!).ShouldBe((0.5, 2 * followed.Count, 80 - (2 * followed.Count)));
        ((double)sides["followed"]!["thumbs_up"]!["value"]!, (double)sides["noted"]!["thumbs_up"]!["value"]!, (double)sides["thumbs_up_change"]!["value"]!).ShouldBe((1, 0, 1));
        ((double)sides["thumbs_up_change"]!["low"]!).ShouldBeInRange(0.2, 0.95); // ten thumbs a side leave much open
        ((double)sides["followed"]!["usd_per_request"]!["value"]!).ShouldBeLessThan((double)sides["noted"]!["usd_per_request"]!["value"]!);

        Task<Answer> AskAsync(string user, params (string, string)[] headers) =>
            gateway.PostAsync(Chat, $$"""{"model":"auto:cheap","user":"{{user}}","messages":[{"role":"user","content":"What is 7 times 8?"}]}""", headers);
    }

    /// <summary>The first share's requests would be of other days, and who crossed over on both sides.</summary>
    [Fact]
    public async Task Report_CountsTheLastShareAlone_AndTheLastWordOfEachThumb()
    {
        string[] log =
        [
            Line(1, "apply", 0.1, 5), Line(2, "observe", 0.1, 5), Thumb(1, 1),
            Line(3, "apply", 0.5, 1), Line(4, "observe", 0.5, 3), Line(5, "observe", 0.5, 5), Line(6, "observe", null, 100), Line(7, "apply", 0.5, null),
            Thumb(3, 1), Thumb(4, 1), Thumb(4, 0), Thumb(5, 1, withdrawn: true), Thumb(6, 1), "torn",
        ];

        var report = (await SavingsReport.ReadAsync(log.ToAsyncEnumerable(), new HashSet<ModelId>())).RollOut!;

        (report.ApplyShare, report.Followed.Requests, report.Followed.SpentUsd, report.Noted.Requests, report.Noted.UsdPerRequest?.Value).ShouldBe((0.5, 1, 1.0, 2, 4.0));
        (report.Followed.Thumbs, report.Followed.ThumbsUp?.Value, report.Noted.Thumbs, report.Noted.ThumbsUp?.Value).ShouldBe((1, 1.0, 1, 0.0));
        (report.ThumbsUpChange?.Low < 0).ShouldBeTrue(); // one thumb a side says nothing yet
        (await SavingsReport.ReadAsync(log[^1..].ToAsyncEnumerable(), new HashSet<ModelId>())).RollOut.ShouldBeNull();

        static string Line(int nonce, string mode, double? share, double? usd) => string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $$"""{"time":"2026-01-01T00:00:00.0000000+00:00","nonce":{{nonce}},"chosen":"a","mode":"{{mode}}","apply_share":{{share?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null"}},"served":{{(usd is null ? "null" : "\"a\"")}},"cost_usd":{{usd?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null"}},"candidates":[]}""");
        static string Thumb(int nonce, int value, bool withdrawn = false) =>
            $$"""{"time":"2026-01-01T00:00:00.0000000+00:00","nonce":{{nonce}},"feedback":"Thumb","value":{{value}},"withdrawn":{{(withdrawn ? "true" : "false")}}}""";
    }
}
