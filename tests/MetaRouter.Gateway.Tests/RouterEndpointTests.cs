using System.Text.Json.Nodes;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

public sealed class RouterEndpointTests : IAsyncLifetime
{
    private const string Route = "/v1/router/route", Feedback = "/v1/router/feedback";
    private RunningGateway _gateway = null!;

    public async Task InitializeAsync() => _gateway = await RunningGateway.StartAsync();

    public async Task DisposeAsync() => await _gateway.DisposeAsync();

    [Fact]
    public async Task Route_KnownUser_TellsModelReceiptAndRanking()
    {
        var answer = (await _gateway.RouteAsync("ann")).Body;

        var ranking = answer["ranking"]!.AsArray();
        ((string)answer["receipt"]!).Length.ShouldBeGreaterThan(100);
        ranking.Select(r => (string)r!["model"]!).ShouldContain((string)answer["model"]!);
        ranking.Sum(r => (double)r!["propensity"]!).ShouldBe(1, 1e-5);
        ranking.Select(r => (double)r!["utility"]!).ShouldBeInOrder(SortDirection.Descending);
        ((string)answer["reason"]!).ShouldBe("best_for_user");
        ((string)answer["explanation"]!).ShouldContain((string)answer["model"]!);
        ((string)answer["snapshot"]!).Length.ShouldBe(16);
    }

    /// <summary>Whoever reads an answer can see why the first was chosen.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("zxq vlorp")]
    [InlineData("A chemist mixes 200 ml of 0.5 M HCl with 300 ml of 0.2 M NaOH. What is the pH of the mixture?")]
    public async Task Route_Ranking_TellsWhatItsUtilitiesCameFromAndItsTextTheSame(string input)
    {
        var answer = (await _gateway.PostAsync(Route, $$"""{"user":"ann","input":"{{input}}"}""")).Body;
        var (lambda, scale, text) = ((double)answer["lambda_cost"]!, (double)answer["cost_scale_usd"]!, (string)answer["explanation"]!);

        foreach (var model in answer["ranking"]!.AsArray())
        {
            (((double)model!["counted_quality"]! - lambda * (double)model["cost_usd"]! / scale) / (1 + lambda)).ShouldBe((double)model["utility"]!, 1e-4);
        }

        foreach (var model in answer["ranking"]!.AsArray().Take(2))
        {
            var (quality, counted) = (Percent(model!["quality"]), Percent(model["counted_quality"]));
            text.ShouldContain(quality == counted ? $" {quality}, " : $" {quality} (counted as {counted}), ");
        }

        static string Percent(System.Text.Json.Nodes.JsonNode? value) => FormattableString.Invariant($"{(float)value!:P0}");
    }

    [Fact]
    public async Task Route_ModelsThatNothingIsKnownOfButTheirPrice_SaysSo()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--MetaRouter:Models:0:Id", "gpt-5", "--MetaRouter:Models:0:InputPrice", "1.25", "--MetaRouter:Models:0:OutputPrice", "10", "--MetaRouter:Models:1:Id", "gemini-2.5-flash", "--MetaRouter:Models:1:InputPrice", "0.3",
            "--MetaRouter:Models:1:OutputPrice", "2.5", "--MetaRouter:Models:2:Id", "gpt-4o-2024-05-13", "--MetaRouter:Models:2:InputPrice", "5", "--MetaRouter:Models:2:OutputPrice", "15");

        var answer = (await gateway.PostAsync(Route, """{"input":"What is 7 times 8?","models":["gpt-5","gemini-2.5-flash"]}""")).Body;

        answer["ranking"]!.AsArray().Where(r => (string?)r!["judged_by"] == "price").Select(r => (string)r!["model"]!).ShouldBe(["gpt-5", "gemini-2.5-flash"], ignoreOrder: true);
        ((string)answer["explanation"]!).ShouldMatch(@"\. Judged by price alone: (gpt-5, gemini-2\.5-flash|gemini-2\.5-flash, gpt-5)\.$");
        (await gateway.GetAsync("/v1/console/models")).Body["models"]!.AsArray().Where(m => (bool)m!["by_price"]!).Select(m => (string)m!["id"]!).ShouldBe(["gpt-5", "gemini-2.5-flash"]);
    }

    [Fact]
    public async Task Route_WithoutUser_StoresNothing()
    {
        var answer = await _gateway.PostAsync(Route, """{"input":"hello"}""");

        answer.Status.ShouldBe(200);
        (await _gateway.App.Services.GetRequiredService<IUserStore>().ChangedAsync(0, 10)).ShouldBeEmpty();
    }

    /// <summary>A service that names its user in the header, as for completions, is no stranger here: its feedback would be refused as somebody else's.</summary>
    [Fact]
    public async Task Route_UserInTheHeader_IsWhoTheReceiptIsFor()
    {
        var receipt = (string)(await _gateway.PostAsync(Route, """{"input":"hello"}""", ("x-router-user", "ann"))).Body["receipt"]!;

        var answer = await _gateway.PostAsync(Feedback, $$"""{"receipt":"{{receipt}}","user":"","kind":"thumb","value":"up"}""", ("x-router-user", "ann"));

        ((bool?)answer.Body["counted"]).ShouldBe(true, answer.Text);
        (await _gateway.PostAsync(Route, """{"input":"hello"}""", ("x-router-user", new string('a', 257)))).ShouldFail(400, "invalid_value", "'x-router-user' has 257 characters");
    }

    [Fact]
    public async Task Route_AllowedModels_ExcludesTheOthersAndSaysWhy()
    {
        var answer = (await _gateway.PostAsync(Route, """{"input":"hello","models":["mixtral-8x7b-instruct"]}""")).Body;

        ((string)answer["model"]!).ShouldBe("mixtral-8x7b-instruct");
        ((string)answer["reason"]!).ShouldBe("only_allowed");
        answer["ranking"]!.AsArray().Count(r => (string?)r!["excluded"] == "not_allowed").ShouldBe(7);
    }

    [Fact]
    public async Task Route_LambdaCost_MovesTheDial()
    {
        const string input = "Which clause of the contract governs liability for late delivery?";
        var quality = (await _gateway.PostAsync(Route, $$"""{"input":"{{input}}","lambda_cost":0}""")).Body;
        var cheap = (await _gateway.PostAsync(Route, $$"""{"input":"{{input}}","lambda_cost":30}""")).Body;

        ((string)quality["model"]!).ShouldNotBe((string)cheap["model"]!);
        ((string)cheap["reason"]!).ShouldBe("best_for_dial");
    }

    [Fact]
    public async Task Route_Messages_RoutesTheLastUserMessage()
    {
        var answer = await _gateway.PostAsync(Route, """{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"hello"}]}]}""");

        answer.Status.ShouldBe(200, answer.Text);
    }

    [Theory]
    [InlineData("", "invalid_json", "empty")]
    [InlineData("{\"input\":\n\"a\" \"b\"}", "invalid_json", "line 2", "byte 5")]
    [InlineData("[1]", "invalid_json", "not an object")]
    [InlineData("{}", "missing_field", "'input'", "'messages'")]
    [InlineData("""{"input":"a","messages":[]}""", "invalid_value", "one of the two")]
    [InlineData("""{"input":5}""", "invalid_value", "'input' is 5", "a string")]
    [InlineData("""{"input":"\ud800"}""", "invalid_value", "'input'", "surrogate")]
    [InlineData("""{"messages":[]}""", "invalid_value", "'messages' is []", "at least one")]
    [InlineData("""{"input":"a","tenant":"b"}""", "unknown_field", "'tenant'", "API key")]
    [InlineData("""{"input":"a","lamda_cost":1}""", "unknown_field", "'lamda_cost'", "lambda_cost")]
    [InlineData("""{"input":"a","lambda_cost":-1}""", "invalid_value", "'lambda_cost' is -1", "0 or more")]
    [InlineData("""{"input":"a","lambda_cost":1e999}""", "invalid_value", "'lambda_cost' is 1e999", "finite")]
    [InlineData("""{"input":"a","max_cost_usd":"x"}""", "invalid_value", "'max_cost_usd' is \"x\"", "0 or more")]
    [InlineData("""{"input":"a","compare":1}""", "invalid_value", "'compare' is 1", "true or false")]
    [InlineData("""{"input":"a","models":[]}""", "invalid_value", "'models' is []", "leave it out")]
    [InlineData("""{"input":"a","input":"b"}""", "invalid_json", "input")]
    public async Task Route_BadBody_SaysWhatIsWrong(string body, string code, params string[] named) =>
        (await _gateway.PostAsync(Route, body)).ShouldFail(400, code, named);

    /// <summary>Nobody could ask for such a user, nor erase one: clients and servers take the dots of the address for folders.</summary>
    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    public async Task UserIdThatNoAddressCanName_IsRefused(string user)
    {
        (await _gateway.PostAsync(Route, $$"""{"input":"a","user":"{{user}}"}""")).ShouldFail(400, "invalid_value", "'user'", $"'{user}'", "URL");
        (await _gateway.PostAsync("/v1/chat/completions", """{"model":"auto","messages":[{"role":"user","content":"hi"}]}""", ("x-router-user", user))).ShouldFail(400, "invalid_value", "'x-router-user'", "URL");
    }

    [Fact]
    public async Task Route_UserIdTooLong_IsRefused() =>
        (await _gateway.PostAsync(Route, $$"""{"input":"a","user":"{{new string('u', 257)}}"}""")).ShouldFail(400, "invalid_value", "'user'", "257", "256");

    [Fact]
    public async Task Route_UnknownModel_ListsTheModels() =>
        (await _gateway.PostAsync(Route, """{"input":"a","models":["gpt-9"]}""")).ShouldFail(404, "model_not_found", "'gpt-9'", "gemini-1.5-pro-002");

    [Fact]
    public async Task Route_NoModelUnderTheLimit_Is422() =>
        (await _gateway.PostAsync(Route, """{"input":"a","max_cost_usd":0}""")).ShouldFail(422, "no_model_allowed", "over the limit", "Raise the cost limit");

    [Fact]
    public async Task Route_BodyTooLarge_Is413() =>
        (await _gateway.PostAsync(Route, $$"""{"input":"{{new string('a', 1_000_000)}}"}""")).ShouldFail(413, "body_too_large", "1,000,000", "Gateway:RouterBodyBytes");

    [Fact]
    public async Task UnknownUrl_AndWrongMethod_AreToldInTheErrorShape()
    {
        (await _gateway.GetAsync("/v1/nothing")).ShouldFail(404, "unknown_url", "/v1/nothing");
        (await _gateway.PostAsync("/chat/completions", "{}")).ShouldFail(404, "unknown_url", "there is /v1/chat/completions", "base URL");
        (await _gateway.GetAsync(Route)).ShouldFail(405, "method_not_allowed", "GET", "POST");
    }

    [Fact]
    public async Task RequestId_OfTheCaller_IsKept() =>
        (await _gateway.GetAsync("/alive", ("x-request-id", "abc-1"))).Headers["x-request-id"].ShouldBe("abc-1");

    [Fact]
    public async Task Demo_TwoUsersWithinTenCalls_AreServedByDifferentModels()
    {
        for (var i = 0; i < 10; i++)
        {
            (await _gateway.FeedbackAsync(await _gateway.RouteAsync("frugal", compare: true), "frugal", "comparison", "cheaper")).Status.ShouldBe(200);
            (await _gateway.FeedbackAsync(await _gateway.RouteAsync("picky", compare: true), "picky", "comparison", "dearer")).Status.ShouldBe(200);
        }

        var (frugal, picky) = ((await _gateway.RouteAsync("frugal")).Body, (await _gateway.RouteAsync("picky")).Body);
        ((string)frugal["model"]!).ShouldNotBe((string)picky["model"]!);
        CostOf(frugal).ShouldBeLessThan(CostOf(picky) / 3);

        static double CostOf(JsonObject route) => (double)route["ranking"]!.AsArray().Single(r => (string)r!["model"]! == (string)route["model"]!)!["cost_usd"]!;
    }

    [Theory]
    [InlineData("comparison", "\"chosen\"")]
    [InlineData("comparison", "\"offered\"")]
    [InlineData("comparison", "0")]
    [InlineData("thumb", "\"up\"")]
    [InlineData("thumb", "false")]
    [InlineData("rating", "5")]
    [InlineData("regenerate", null)]
    [InlineData("switch_model", "\"dearer\"")]
    [InlineData("accept", null)]
    [InlineData("edit", null)]
    [InlineData("abandon", null)]
    [InlineData("task_success", "true")]
    public async Task Feedback_EachKind_CountsOnceAndSaysSo(string kind, string? value)
    {
        var route = await _gateway.RouteAsync("bob", compare: kind == "comparison");
        var json = value is null ? null : JsonNode.Parse(value);
        var at = _gateway.Time.GetUtcNow().ToUnixTimeSeconds() + 1;
        var body = new JsonObject { ["receipt"] = (string)route.Body["receipt"]!, ["user"] = "bob", ["kind"] = kind, ["value"] = json, ["occurred_at"] = at }.ToJsonString();

        var (first, second) = (await _gateway.PostAsync(Feedback, body), await _gateway.PostAsync(Feedback, body));

        first.Status.ShouldBe(200, first.Text);
        ((bool)first.Body["counted"]!).ShouldBeTrue();
        ((string)first.Body["preference"]!["explanation"]!).ShouldContain("signal");
        ((bool)second.Body["counted"]!).ShouldBeFalse();
        ((string)second.Body["outcome"]!).ShouldBe("repeat");
    }

    [Fact]
    public async Task Feedback_ComparisonByModelId_IsTheSameAsBySide()
    {
        var route = await _gateway.RouteAsync("carl", compare: true);

        var answer = await _gateway.FeedbackAsync(route, "carl", "comparison", (string)route.Body["offered"]!);

        ((bool)answer.Body["counted"]!).ShouldBeTrue();
        (await _gateway.FeedbackAsync(route, "carl", "comparison", "gpt-9")).ShouldFail(400, "invalid_value", "'gpt-9'", (string)route.Body["offered"]!, (string)route.Body["model"]!);
    }

    [Fact]
    public async Task Feedback_ComparisonOfOneAnswer_IsRefused() =>
        (await _gateway.FeedbackAsync(await _gateway.RouteAsync("carl"), "carl", "comparison", "chosen")).ShouldFail(400, "not_a_comparison", "one answer", "compare");

    [Fact]
    public async Task Feedback_Withdrawn_TakesTheSignalBack()
    {
        var route = await _gateway.RouteAsync("dora");
        await _gateway.FeedbackAsync(route, "dora", "thumb", "up");
        _gateway.Time.Ahead += TimeSpan.FromSeconds(1);

        var answer = await _gateway.FeedbackAsync(route, "dora", "thumb", withdrawn: true);

        ((string)answer.Body["outcome"]!).ShouldBe("withdrawn");
        ((int)answer.Body["preference"]!["signals"]!).ShouldBe(0);
    }

    [Theory]
    [InlineData("""{"user":"u","kind":"thumb","value":1}""", "missing_field", "'receipt'")]
    [InlineData("""{"receipt":"r","kind":"thumb","value":1}""", "missing_field", "'user'")]
    [InlineData("""{"receipt":"r","user":"u"}""", "missing_field", "'kind'", "switch_model")]
    [InlineData("""{"receipt":"r","user":"u","kind":"like"}""", "unknown_kind", "'like'", "comparison, thumb, rating, regenerate, switch_model, accept, edit, abandon, task_success")]
    [InlineData("""{"receipt":"r","user":"u","kind":"thumb"}""", "missing_field", "'value'", "\"up\"")]
    [InlineData("""{"receipt":"r","user":"u","kind":"thumb","value":2}""", "invalid_value", "'value' is 2", "\"up\" or \"down\"", "'thumb'")]
    [InlineData("""{"receipt":"r","user":"u","kind":"rating","value":6}""", "invalid_value", "'value' is 6", "1 to 5")]
    [InlineData("""{"receipt":"r","user":"u","kind":"rating","value":2.5}""", "invalid_value", "'value' is 2.5", "1 to 5")]
    [InlineData("""{"receipt":"r","user":"u","kind":"regenerate","value":1}""", "invalid_value", "'value' is 1", "left out")]
    [InlineData("""{"receipt":"r","user":"u","kind":"switch_model","value":"better"}""", "invalid_value", "\"better\"", "\"cheaper\" or \"dearer\"")]
    [InlineData("""{"receipt":"r","user":"u","kind":"task_success","value":"yes"}""", "invalid_value", "\"yes\"", "true or false")]
    [InlineData("""{"receipt":"r","user":"u","kind":"edit","occurred_at":"soon"}""", "invalid_value", "'occurred_at' is \"soon\"", "2026-01-31")]
    [InlineData("""{"receipt":"r","user":"u","kind":"edit","occurred_at":"2999-01-01T00:00:00Z"}""", "invalid_value", "2999", "clock")]
    [InlineData("""{"receipt":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","user":"u","kind":"edit"}""", "receipt_malformed", "asked for by name", "off or static", "ask for auto")]
    public async Task Feedback_BadBody_SaysWhatIsWrong(string body, string code, params string[] named) =>
        (await _gateway.PostAsync(Feedback, body)).ShouldFail(400, code, named);

    [Fact]
    public async Task Feedback_ForgedReceipt_Is400()
    {
        var route = await _gateway.RouteAsync("eve");
        var receipt = (string)route.Body["receipt"]!;
        route.Body["receipt"] = receipt[..100] + (receipt[100] == 'A' ? 'B' : 'A') + receipt[101..];

        (await _gateway.FeedbackAsync(route, "eve", "accept")).ShouldFail(400, "receipt_forged", "not genuine");
    }

    [Fact]
    public async Task Feedback_ForeignReceipt_Is403() =>
        (await _gateway.FeedbackAsync(await _gateway.RouteAsync("eve"), "mallory", "accept")).ShouldFail(403, "receipt_foreign", "another tenant or user");

    [Fact]
    public async Task Feedback_ExpiredReceipt_Is410()
    {
        var route = await _gateway.RouteAsync("fay");
        _gateway.Time.Ahead += TimeSpan.FromDays(8);

        (await _gateway.FeedbackAsync(route, "fay", "accept")).ShouldFail(410, "receipt_expired");
    }

    [Fact]
    public async Task Feedback_AfterErasure_Is410AndNewDecisionsAreLearnedFrom()
    {
        var before = await _gateway.RouteAsync("gus");
        var erased = await _gateway.SendAsync(HttpMethod.Delete, "/v1/router/users/gus");
        ((bool)erased.Body["erased"]!).ShouldBeTrue();
        DateTimeOffset.Parse((string)erased.Body["at"]!, System.Globalization.CultureInfo.InvariantCulture).ShouldBe(_gateway.Time.GetUtcNow(), TimeSpan.FromMinutes(1));

        (await _gateway.FeedbackAsync(before, "gus", "accept")).ShouldFail(410, "user_erased", "erased");
        _gateway.Time.Ahead += TimeSpan.FromSeconds(1);
        ((bool)(await _gateway.FeedbackAsync(await _gateway.RouteAsync("gus"), "gus", "accept")).Body["counted"]!).ShouldBeTrue();
    }

    [Fact]
    public async Task Users_Get_TellsWhatWasLearned()
    {
        await _gateway.FeedbackAsync(await _gateway.RouteAsync("a/b é"), "a/b é", "thumb", "down");

        var user = (await _gateway.GetAsync("/v1/router/users/" + Uri.EscapeDataString("a/b é"))).Body;

        ((string)user["user"]!).ShouldBe("a/b é");
        ((int)user["signals"]!).ShouldBe(1);
        ((int)user["kinds"]!["thumb"]!).ShouldBe(1);
        user["marginal"]!.AsArray().Sum(p => (double)p!["probability"]!).ShouldBe(1, 1e-4);
        ((double)user["lambda_cost"]!["p05"]!).ShouldBeLessThan((double)user["lambda_cost"]!["p95"]!);
    }

    [Fact]
    public async Task StoreGone_Is503WithRetryAfter()
    {
        var route = await _gateway.RouteAsync("hal");
        await _gateway.App.Services.GetRequiredService<IUserStore>().DisposeAsync();

        var answer = await _gateway.FeedbackAsync(route, "hal", "accept");

        answer.ShouldFail(503, "store_unavailable", "users.db");
        answer.Headers["Retry-After"].ShouldBe("1");
    }

    [Fact]
    public async Task ModelsHealthAlive_Answer()
    {
        var models = (await _gateway.GetAsync("/v1/models")).Body;
        models["data"]!.AsArray().Take(4).Select(m => (string)m!["id"]!).ShouldBe("auto auto:quality auto:balanced auto:cheap".Split(' '));
        ((double)models["data"]!.AsArray().Single(m => (string)m!["id"]! == "gpt-4o-2024-05-13")!["input_price_usd_per_million"]!).ShouldBe(5);
        ((string)(await _gateway.GetAsync("/health")).Body["status"]!).ShouldBe("ok");
        ((string)(await _gateway.GetAsync("/alive")).Body["status"]!).ShouldBe("ok");
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/v1/models")]
    [InlineData("/v1/router/mode")]
    [InlineData("/v1/router/budget?user=ada")]
    [InlineData("/v1/console/session")]
    [InlineData("/v1/router/users/ada")]
    [InlineData("/v1/console/decisions/0-000000")]
    [InlineData("/v1/nothing")]
    public async Task Answer_AskedForPretty_IsTheSameIndented(string path)
    {
        await using var gateway = await RunningGateway.StartAsync();

        var (plain, pretty) = (await gateway.GetAsync(path), await gateway.GetAsync(path + (path.Contains('?', StringComparison.Ordinal) ? "&pretty" : "?pretty")));

        plain.Text.ShouldNotContain("\n");
        pretty.Text.ShouldStartWith("{\n  \"");
        (pretty.Status, pretty.Body.ToJsonString()).ShouldBe((plain.Status, plain.Body.ToJsonString()));
    }

    /// <summary>OpenAI's clients escape no slash in a model's id, others do.</summary>
    [Theory]
    [InlineData("auto", "auto")]
    [InlineData("auto:cheap", "auto:cheap")]
    [InlineData("auto%3Acheap", "auto:cheap")]
    [InlineData("router-metarouter-0.5", "router-metarouter-0.5")]
    [InlineData("meta/llama-3.1/8b", "meta/llama-3.1/8b")]
    [InlineData("meta%2Fllama-3.1%2F8b?pretty", "meta/llama-3.1/8b")]
    [InlineData("a%252Fb%20", null)]
    [InlineData("a%252Fb", "a%2Fb")]
    [InlineData("auto:dear", null)]
    [InlineData("meta", null)]
    public async Task Models_One_IsAsTheListHasIt(string path, string? id)
    {
        string[] Model(int i, string name) => [$"--MetaRouter:Models:{i}:Id", name, $"--MetaRouter:Models:{i}:InputPrice", "1", $"--MetaRouter:Models:{i}:OutputPrice", $"{i + 1}"];
        await using var gateway = await RunningGateway.StartAsync([.. Model(0, "meta/llama-3.1/8b"), .. Model(1, "a%2Fb")]);

        var answer = await gateway.GetAsync("/v1/models/" + path);

        if (id is null)
        {
            answer.ShouldFail(404, "model_not_found", $"'{Uri.UnescapeDataString(path)}'", "meta/llama-3.1/8b", "a%2Fb");
            return;
        }

        answer.Status.ShouldBe(200, answer.Text);
        var listed = (await gateway.GetAsync("/v1/models")).Body["data"]!.AsArray().Single(m => (string)m!["id"]! == id)!;
        System.Text.Json.Nodes.JsonNode.DeepEquals(answer.Body, listed).ShouldBeTrue(answer.Text);
    }

    [Fact]
    public async Task Models_OneWithAnotherThreshold_IsThereAndAWrongOneIsRefusedAsAChatIs()
    {
        ((string)(await _gateway.GetAsync("/v1/models/router-metarouter-0.75")).Body["description"]!).ShouldContain("at least 0.75");
        (await _gateway.GetAsync("/v1/models/router-metarouter-2")).ShouldFail(400, "invalid_value", "threshold '2'");
        (await _gateway.GetAsync("/v1/models/router-mf-0.1")).ShouldFail(404, "model_not_found", "'mf'");
    }

    [Fact]
    public async Task Models_ThatTheTenantMayNotUse_AreNotThereForIt()
    {
        const string may = "gpt-4o-2024-05-13", mayNot = "mixtral-8x7b-instruct";
        await using var gateway = await RunningGateway.StartAsync("--Tenants:0:Name", "default", "--Tenants:0:AllowedModels:0", may);

        var refused = await gateway.GetAsync("/v1/models/" + mayNot);

        refused.ShouldFail(404, "model_not_found", mayNot, may);
        (await gateway.GetAsync("/v1/models/" + may)).Status.ShouldBe(200);
        (await gateway.GetAsync("/v1/models")).Body["data"]!.AsArray().Select(m => (string)m!["id"]!).ShouldNotContain(mayNot);
    }
}
