using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>What users may have done with their data, keys and addresses, and what must never be found anywhere.</summary>
public sealed class PrivacyTests : OneUpstream
{
    [Fact]
    public async Task UserRights_ExportImportResetErase_OneCallEachWithAReceiptThatCanBeChecked()
    {
        await using var gateway = await RunningGateway.StartAsync();
        const string user = "/v1/router/users/a%2Fb%20c";
        var late = await gateway.RouteAsync("a/b c");
        await gateway.FeedbackAsync(await gateway.RouteAsync("a/b c"), "a/b c", "thumb", "up");

        var export = await gateway.GetAsync(user + "/export");
        ((int)export.Body["signals"]!).ShouldBe(1);
        var erased = await gateway.SendAsync(HttpMethod.Delete, user);
        (await gateway.FeedbackAsync(late, "a/b c", "accept")).ShouldFail(410, "user_erased");
        ((int)(await gateway.GetAsync(user)).Body["signals"]!).ShouldBe(0);
        var imported = await gateway.PostAsync(user + "/import", new JsonObject { ["record"] = (string)export.Body["record"]! }.ToJsonString());
        ((int)imported.Body["signals"]!).ShouldBe(1);
        var reset = await gateway.PostAsync(user + "/reset", "");
        ((int)(await gateway.GetAsync(user)).Body["signals"]!).ShouldBe(0);

        foreach (var (answer, deed) in new[] { (erased, "erased"), (imported, "imported"), (reset, "reset") })
        {
            var receipt = new JsonObject { ["receipt"] = (string)answer.Body["receipt"]! }.ToJsonString();
            var verified = await gateway.PostAsync(user + "/verify", receipt);
            ((bool)verified.Body["genuine"]!).ShouldBeTrue();
            ((string)verified.Body["done"]!).ShouldBe(deed);
            ((bool)(await gateway.PostAsync("/v1/router/users/other/verify", receipt)).Body["genuine"]!).ShouldBeFalse();
        }

        (await gateway.PostAsync(user + "/import", """{"record":"AAAA"}""")).ShouldFail(400, "invalid_value", "'record'", "/export");
        (await gateway.PostAsync(user + "/import", """{"record":"not base64!"}""")).ShouldFail(400, "invalid_value", "'record'");
        (await gateway.PostAsync(user + "/import", "{}")).ShouldFail(400, "missing_field", "'record'");
    }

    /// <summary>The code speaks of one change, one user and one tenant: nobody can show a reset for an erasure.</summary>
    [Fact]
    public async Task UserRights_ReceiptOfOneChange_IsNoOthers()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--ApiKeys:0:Tenant", "acme", "--ApiKeys:0:Sha256", Hash("key-a"), "--ApiKeys:0:Scopes:0", "read", "--ApiKeys:0:Scopes:1", "admin",
            "--ApiKeys:1:Tenant", "apex", "--ApiKeys:1:Sha256", Hash("key-b"), "--ApiKeys:1:Scopes:0", "read");
        var receipt = (string)(await gateway.PostAsync("/v1/router/users/ann/reset", "", Bearer("key-a"))).Body["receipt"]!;

        (await IsGenuineAsync(receipt, "key-a")).ShouldBeTrue();
        (await IsGenuineAsync(receipt, "key-b")).ShouldBeFalse();
        (await IsGenuineAsync(receipt.Replace("reset", "erased", StringComparison.Ordinal), "key-a")).ShouldBeFalse();

        async Task<bool> IsGenuineAsync(string shown, string key) => (bool)(await gateway.PostAsync("/v1/router/users/ann/verify", $$"""{"receipt":"{{shown}}"}""", Bearer(key))).Body["genuine"]!;
    }

    [Fact]
    public async Task KeysRotated_OldReceiptsStayGoodUntilTheyExpire_AndAtOnceNoneDoes()
    {
        using var folder = new TemporaryFolder();
        Answer before, after;
        string[] store = ["--MetaRouter:Store", "sqlite:" + folder.File("users.db")];
        await using (var gateway = await StartAsync(store))
        {
            before = await gateway.RouteAsync("ann");
            var rotated = await gateway.PostAsync("/v1/router/keys/rotate", "");
            rotated.Status.ShouldBe(200, rotated.Text);
            ((DateTimeOffset)rotated.Body["earlier_until"]! - (DateTimeOffset)rotated.Body["seals_from"]!).ShouldBe(TimeSpan.FromDays(7));
            after = await gateway.RouteAsync("ann");
            (await gateway.PostAsync("/v1/router/keys/rotate", """{"at-once":true}""")).ShouldFail(400, "unknown_field", "'at-once'");
        }

        // They are the store's: another process opens both, and users are who they were.
        await using (var gateway = await StartAsync(store))
        {
            Counted(await gateway.FeedbackAsync(before, "ann", "accept")).ShouldBeTrue();
            Counted(await gateway.FeedbackAsync(after, "ann", "accept")).ShouldBeTrue();
            ((int)(await gateway.GetAsync("/v1/router/users/ann")).Body["signals"]!).ShouldBe(2);
            (await gateway.PostAsync("/v1/router/keys/rotate", """{"at_once":true}""")).Status.ShouldBe(200);
            (await gateway.FeedbackAsync(after, "ann", "thumb", "up")).ShouldFail(410, "receipt_expired", "no longer in use");
            Counted(await gateway.FeedbackAsync(await gateway.RouteAsync("ann"), "ann", "accept")).ShouldBeTrue();
        }

        static bool Counted(Answer answer) => (bool?)answer.Body["counted"] ?? throw new InvalidOperationException(answer.Text);
    }

    [Fact]
    public async Task Canary_PromptsAnswersKeysAndUsers_AreNowhere()
    {
        const string prompt = "canary-prompt-7341", answer = "canary-answer-7341", user = "canary-user-7341", key = "canary-key-7341", upstreamKey = "canary-upstream-7341", session = "canary-session-7341";
        using var folder = new TemporaryFolder();
        using var meters = new Meters();
        _upstream.Script = async (context, body) =>
        {
            if (((string)body["messages"]![0]!["content"]!).Contains("fail", StringComparison.Ordinal))
            {
                return await ScriptedUpstream.FailAsync(context, 500, $"{prompt} {upstreamKey}");
            }

            await context.Response.WriteAsync($$"""{"id":"x","model":"y","choices":[{"message":{"content":"{{answer}}"} }]}""");
            return true;
        };
        var logged = new List<string>();
        await using (var gateway = await StartAsync(
            "--MetaRouter:Store", "sqlite:" + folder.File("users.db"), "--MetaRouter:DecisionLog", folder.File("decisions.ndjson"), "--Gateway:ImplicitSignals", "true", "--Upstreams:0:ApiKey", upstreamKey,
            "--ApiKeys:0:Sha256", Hash(key), "--ApiKeys:0:Tenant", "acme", "--ApiKeys:0:Scopes:0", "inference", "--ApiKeys:0:Scopes:1", "feedback", "--ApiKeys:0:Scopes:2", "admin",
            "--Tenants:0:Name", "acme", "--Tenants:0:UserBudgetUsd", "1", "--Tenants:0:UserRequestsPerMinute", "100", "--Logging:LogLevel:Default", "Trace"))
        {
            (string, string)[] headers = [("Authorization", "Bearer " + key), ("x-router-session", session)];
            foreach (var text in new[] { prompt, prompt, prompt + " fail" })
            {
                var chat = await gateway.PostAsync(Chat, Body("auto", text, user), headers);
                if (chat.Status == 200)
                {
                    var feedback = await gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = (string)chat.Body["id"]!, ["user"] = user, ["kind"] = "accept" }.ToJsonString(), headers);
                    feedback.Status.ShouldBe(200, feedback.Text);
                }
            }

            (await gateway.PostAsync("/v1/responses", new JsonObject { ["model"] = "auto", ["user"] = user, ["instructions"] = prompt, ["input"] = prompt, ["metadata"] = new JsonObject { ["a"] = session } }.ToJsonString(), headers)).Status.ShouldBe(200);
            await gateway.PostAsync(Chat, "{\"" + prompt, headers);
            await gateway.PostAsync(Chat, Body("auto", prompt), ("Authorization", "Bearer wrong-" + key));
            await gateway.SendAsync(HttpMethod.Delete, "/v1/router/users/someone", null, headers);
            logged.AddRange(gateway.Log.Select(l => l.Text));
        }

        logged.Count.ShouldBeGreaterThan(50);
        meters.Seen.Count.ShouldBeGreaterThan(5);
        string[] places = [.. logged, .. meters.Seen, .. Directory.GetFiles(folder.Path).Select(f => Encoding.Latin1.GetString(File.ReadAllBytes(f)))];
        foreach (var canary in (string[])[prompt, answer, key, upstreamKey, session])
        {
            places.Where(p => p.Contains(canary, StringComparison.Ordinal)).ShouldBeEmpty();
        }

        // A log of requests' paths is the server's own and shows ids that clients put there; what this program keeps and counts does not.
        places.Where(p => p.Contains(user, StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("http://[64:ff9b::a9fe:a9fe]/v1")]
    [InlineData("http://[2002:a9fe:a9fe::1]/v1")]
    [InlineData("http://[::a9fe:a9fe]/v1")]
    [InlineData("http://[fe80::1]/v1")]
    [InlineData("http://0.0.0.0/v1")]
    public async Task UpstreamAddress_OfAMetadataService_IsRefusedAtSave(string url)
    {
        var refused = await Should.ThrowAsync<Configuration.GatewayConfigurationException>(async () => await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", url));

        refused.Message.ShouldContain("link-local or metadata");
    }

    [Fact]
    public async Task UpstreamAddress_ThatResolvesToOne_IsRefusedAtConnect()
    {
        using var http = new HttpClient(new SocketsHttpHandler { ConnectCallback = async (context, cancel) => await Configuration.UpstreamAddress.ConnectAsync(context.DnsEndPoint, System.Net.Dns.GetHostAddressesAsync, cancel) });

        // A name that is written as a number, and goes by every check of names.
        var refused = await Should.ThrowAsync<HttpRequestException>(async () => await http.GetAsync("http://169.254.169.254.nip.invalid./"));
        refused.Message.ShouldNotBeEmpty();
        (await Should.ThrowAsync<HttpRequestException>(async () => await http.GetAsync("http://169.254.169.254/latest"))).Message.ShouldContain("no address an upstream may have");
    }

    [Fact]
    public void NewKey_IsShownOnceWithItsHash()
    {
        var (text, problem) = NewKey.Make(["acme", "inference", "read"]);

        problem.ShouldBeNull();
        var key = text!.Split('\n').Single(l => l.TrimStart().StartsWith("mr-", StringComparison.Ordinal)).Trim();
        text.ShouldContain(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key))));
        NewKey.Make(["acme", "root"]).Problem!.ShouldContain("'root'");
        NewKey.Make(["acme"]).Problem!.ShouldContain("usage");
    }

    [Fact]
    public async Task PrivateTenant_TeachesNobody()
    {
        await using var gateway = await RunningGateway.StartAsync("--Tenants:0:Name", "default", "--Tenants:0:SharesLearning", "false");
        for (var user = 0; user < 40; user++)
        {
            for (var i = 0; i < 4; i++)
            {
                await gateway.FeedbackAsync(await gateway.RouteAsync($"u{user}", compare: true, input: $"Task {i} of {user}"), $"u{user}", "comparison", "cheaper");
            }
        }

        (await gateway.App.Services.GetRequiredService<Hosting.Learning.LearningLoop>().RefreshAsync(default)).ShouldBeFalse();
    }
}
