using System.Text.Json.Nodes;
using static MetaRouter.Gateway.Tests.Keys;

namespace MetaRouter.Gateway.Tests;

/// <summary>Which model answered, and why, by the answer's id.</summary>
public sealed class DecisionTests
{
    private const string Chat = "/v1/chat/completions", Of = "/v1/router/decisions/";

    private const string Ann = """{"model":"auto","user":"ann","messages":[{"role":"user","content":"A chemist mixes 200 ml of 0.5 M HCl with 300 ml of 0.2 M NaOH. What is the pH of the mixture?"}]}""";

    [Fact]
    public async Task Receipt_OfACompletion_TellsModelReasonAlternativesCostAndFeedback()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var said = await gateway.PostAsync(Chat, Ann);
        await gateway.PostAsync("/v1/router/feedback", $$"""{"receipt":"{{said.Body["id"]}}","user":"ann","kind":"thumb","value":"up"}""");

        var found = await gateway.GetAsync(Of + said.Body["id"] + "?user=ann");

        found.Status.ShouldBe(200, found.Text);
        var answer = found.Body;
        ((string)answer["known_from"]!, (string)answer["model"]!, (string)answer["chosen"]!, (string)answer["reason"]!)
            .ShouldBe(("memory", (string)said.Body["model"]!, (string)said.Body["model"]!, said.Headers["x-router-reason"]));
        ((string)answer["explanation"]!).ShouldContain((string)said.Body["model"]!);
        ((double)answer["cost_usd"]!).ShouldBe(double.Parse(said.Headers["x-router-cost-usd"], System.Globalization.CultureInfo.InvariantCulture), 1e-9);
        var candidates = answer["candidates"]!.AsArray();
        candidates.Count.ShouldBe(8);
        candidates.Sum(c => (double)c!["propensity"]!).ShouldBe(1, 1e-5);
        candidates.Select(c => (double)c!["utility"]!).ShouldBeInOrder(SortDirection.Descending);
        candidates.Select(c => (string)c!["model"]!).ShouldContain((string)said.Body["model"]!);
        answer["feedback"]!.AsArray().Select(f => ((string)f!["kind"]!, (string)f["value"]!, (bool)f["counted"]!)).ShouldBe([("thumb", "up", true)]);
        answer["note"].ShouldBeNull();
    }

    /// <summary>A key for an application's own calls is enough, for its own tenant's receipts and the user it names, as for feedback.</summary>
    [Fact]
    public async Task Receipt_OfAnotherTenantOrUser_IsRefusedAsFeedbackRefusesIt()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--ApiKeys:0:Sha256", Hash("asks"), "--ApiKeys:0:Tenant", "a", "--ApiKeys:0:Scopes:0", "inference",
            "--ApiKeys:1:Sha256", Hash("reads"), "--ApiKeys:1:Tenant", "a", "--ApiKeys:1:Scopes:0", "read",
            "--ApiKeys:2:Sha256", Hash("other"), "--ApiKeys:2:Tenant", "b", "--ApiKeys:2:Scopes:0", "inference", "--ApiKeys:2:Scopes:1", "read",
            "--ApiKeys:3:Sha256", Hash("counts"), "--ApiKeys:3:Tenant", "a", "--ApiKeys:3:Scopes:0", "metrics");
        var id = (string)(await gateway.PostAsync(Chat, Ann, Bearer("asks"))).Body["id"]!;
        var nobodys = (string)(await gateway.PostAsync(Chat, Ann.Replace("\"user\":\"ann\",", "", StringComparison.Ordinal), Bearer("asks"))).Body["id"]!;

        (await gateway.GetAsync(Of + id, Bearer("asks"), ("x-router-user", "ann"))).Status.ShouldBe(200);
        (await gateway.GetAsync(Of + id, Bearer("reads"))).Status.ShouldBe(200);
        (await gateway.GetAsync(Of + nobodys, Bearer("asks"))).Status.ShouldBe(200);
        (await gateway.GetAsync(Of + id, Bearer("asks"))).ShouldFail(403, "receipt_foreign", "user");
        (await gateway.GetAsync(Of + id + "?user=bob", Bearer("asks"))).ShouldFail(403, "receipt_foreign");
        (await gateway.GetAsync(Of + id + "?user=bob", Bearer("reads"))).ShouldFail(403, "receipt_foreign");
        (await gateway.GetAsync(Of + id + "?user=ann", Bearer("other"))).ShouldFail(403, "receipt_foreign");
        (await gateway.GetAsync(Of + id, Bearer("other"))).ShouldFail(403, "receipt_foreign");
        (await gateway.GetAsync("/v1/console/decisions/" + id, Bearer("other"))).ShouldFail(403, "receipt_foreign");
        (await gateway.GetAsync(Of + id + "?user=ann", Bearer("counts"))).ShouldFail(403, "insufficient_scope");
        (await gateway.GetAsync(Of + id + "?user=ann")).ShouldFail(401, "invalid_api_key");
    }

    [Fact]
    public async Task Receipt_ForgedMalformedOrTooOld_IsRefused()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var id = (string)(await gateway.PostAsync(Chat, Ann)).Body["id"]!;

        (await gateway.GetAsync(Of + id[..100] + (id[100] == 'A' ? 'B' : 'A') + id[101..] + "?user=ann")).ShouldFail(400, "receipt_forged");
        (await gateway.GetAsync(Of + "chatcmpl-123")).ShouldFail(400, "receipt_malformed", "auto");
        gateway.Time.Ahead = TimeSpan.FromDays(8);
        (await gateway.GetAsync(Of + id + "?user=ann")).ShouldFail(410, "receipt_expired");
    }

    /// <summary>Rows and lines name no user; the receipt of an erased one must not tell which were that user's.</summary>
    [Theory]
    [InlineData(Of)]
    [InlineData("/v1/console/decisions/")]
    public async Task Receipt_OfAnErasedUser_TellsNothing(string path)
    {
        await using var gateway = await RunningGateway.StartAsync();
        var id = (string)(await gateway.PostAsync(Chat, Ann)).Body["id"]!;
        (await gateway.GetAsync(path + id)).Status.ShouldBe(200);

        await gateway.SendAsync(HttpMethod.Delete, "/v1/router/users/ann");

        (await gateway.GetAsync(path + id)).ShouldFail(410, "user_erased");
    }

    [Fact]
    public async Task Receipt_WhereMemoryHasItNot_TellsWhatTheLogHas()
    {
        using var folder = new TemporaryFolder();
        await using var gateway = await RunningGateway.StartAsync("--MetaRouter:DecisionLog", folder.File("log"), "--Gateway:ConsoleDecisions", "0");
        var before = await gateway.RouteAsync("bob");
        var said = await gateway.PostAsync(Chat, Ann);
        await gateway.FeedbackAsync(before, "bob", "thumb", "up");

        var answer = await LoggedAsync(gateway, (string)said.Body["id"]!);
        var decided = await LoggedAsync(gateway, (string)before.Body["receipt"]!);

        ((string)answer["model"]!, (string)answer["chosen"]!, (string)answer["reason"]!).ShouldBe(((string)said.Body["model"]!, (string)said.Body["model"]!, said.Headers["x-router-reason"]));
        ((double)answer["cost_usd"]!).ShouldBe(double.Parse(said.Headers["x-router-cost-usd"], System.Globalization.CultureInfo.InvariantCulture), 1e-9);
        answer["candidates"]!.AsArray().Sum(c => (double)c!["propensity"]!).ShouldBe(1, 1e-5);
        ((string)decided["model"]!, (string)decided["reason"]!).ShouldBe(((string)before.Body["model"]!, (string)before.Body["reason"]!));
        decided["candidates"]!.AsArray().Select(c => (string)c!["model"]!).ShouldBe(before.Body["ranking"]!.AsArray().Select(r => (string)r!["model"]!));
        decided["cost_usd"].ShouldBeNull();
    }

    [Fact]
    public async Task Receipt_WhereNothingElseIsLeft_SaysSoAndTellsWhatItHolds()
    {
        using var folder = new TemporaryFolder();
        await using var gateway = await RunningGateway.StartAsync("--Gateway:ConsoleDecisions", "0");
        await using var logs = await RunningGateway.StartAsync("--MetaRouter:DecisionLog", folder.File("log"), "--Gateway:ConsoleDecisions", "0");
        var (unlogged, rotated) = (await gateway.RouteAsync("ann", compare: true), await logs.RouteAsync("ann"));
        await LoggedAsync(logs, (string)rotated.Body["receipt"]!);
        File.Delete(folder.File("log"));

        var answer = (await gateway.GetAsync(Of + unlogged.Body["receipt"])).Body;
        var lost = (await logs.GetAsync(Of + rotated.Body["receipt"])).Body;

        ((string)answer["known_from"]!, (string)answer["model"]!, (string)answer["offered"]!, (string)answer["reason"]!)
            .ShouldBe(("receipt", (string)unlogged.Body["model"]!, (string)unlogged.Body["offered"]!, "comparison"));
        ((string)answer["note"]!).ShouldContain("no decisions are logged");
        foreach (var candidate in answer["candidates"]!.AsArray())
        {
            var ranked = unlogged.Body["ranking"]!.AsArray().Single(r => (string)r!["model"]! == (string)candidate!["model"]!)!;
            ((float)candidate!["quality"]!, (float)candidate["cost_usd"]!).ShouldBe(((float)ranked["quality"]!, (float)ranked["cost_usd"]!));
        }

        answer["candidates"]!.AsArray().Count.ShouldBe(2);
        ((string)lost["known_from"]!, (string)lost["model"]!).ShouldBe(("receipt", (string)rotated.Body["model"]!));
        ((string)lost["note"]!).ShouldContain("the decision log does not have it");
        lost["reason"].ShouldBeNull();
    }

    [Fact]
    public async Task Console_TakesAReceiptInThePlaceOfItsOwnId()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var id = (string)(await gateway.PostAsync(Chat, Ann)).Body["id"]!;
        await gateway.PostAsync(Chat, Ann.Replace("ann", "bob", StringComparison.Ordinal));
        var row = (await gateway.GetAsync("/v1/console/decisions")).Body["decisions"]!.AsArray().Last()!;

        var found = (await gateway.GetAsync("/v1/console/decisions/" + id)).Body;

        ((string)found["id"]!).ShouldBe((string)row["id"]!);
        ((string)(await gateway.GetAsync(Of + id)).Body["decision"]!).ShouldBe((string)row["id"]!);
    }

    /// <summary>The log is written behind.</summary>
    private static async Task<JsonObject> LoggedAsync(RunningGateway gateway, string receipt)
    {
        for (var i = 0; i < 500; i++)
        {
            var answer = await gateway.GetAsync(Of + receipt);
            answer.Status.ShouldBe(200, answer.Text);
            if ((string)answer.Body["known_from"]! == "log")
            {
                return answer.Body;
            }

            await Task.Delay(20);
        }

        throw new InvalidOperationException("The log never had it.");
    }
}
