using System.Globalization;
using System.Text.Json.Nodes;
using MetaRouter.Core.Routing;

namespace MetaRouter.Gateway.Tests;

/// <summary>RouteLLM's names: two models and a threshold in the model's name.</summary>
public sealed class RouterAliasTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions", Strong = "gpt-4o-2024-05-13", Weak = "llama-3.1-8b-instruct";

    private static readonly string[] s_questions =
    [
        "What is the capital of Mongolia?", "Prove that the square root of 2 is irrational.", "Write a haiku about rain.",
        "A chemist mixes 200 ml of 0.5 M HCl with 300 ml of 0.2 M NaOH. What is the pH of the mixture?", "Translate 'good morning' into French.",
        "Implement a lock-free queue in C++ and argue that it is linearizable.", "List three fruits.", "Find all integers n for which n^2 + 1 is divisible by 5.",
    ];

    private ScriptedUpstream _upstream = null!;
    private RunningGateway _gateway = null!;

    public async Task InitializeAsync()
    {
        _upstream = await ScriptedUpstream.StartAsync();
        _gateway = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, "--Gateway:StrongModel", Strong, "--Gateway:WeakModel", Weak, "--Gateway:RouterNames:0", "mf");
    }

    public async Task DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task Alias_EachThreshold_SendsToTheStrongModelWhereItsChanceReachesIt()
    {
        var scores = new List<double>();
        foreach (var question in s_questions)
        {
            var ranking = (await _gateway.PostAsync("/v1/router/route", new JsonObject { ["input"] = question }.ToJsonString())).Body["ranking"]!.AsArray();
            scores.Add(Deferral.Score(Of(Strong), Of(Weak)));

            Outcome Of(string model) => new((float)ranking.Single(r => (string)r!["model"]! == model)!["quality"]!, 0, 0);
        }

        // Between two neighbouring scores, so that rounding decides nothing.
        double[] sorted = [.. scores.Order()];
        double[] thresholds = [0, (sorted[2] + sorted[3]) / 2, (sorted[5] + sorted[6]) / 2, 1];
        foreach (var threshold in thresholds)
        {
            for (var i = 0; i < s_questions.Length; i++)
            {
                var answer = await AskAsync("router-metarouter-" + threshold.ToString("0.################", CultureInfo.InvariantCulture), s_questions[i]);

                answer.Status.ShouldBe(200, answer.Text);
                answer.Headers["x-router-model"].ShouldBe(scores[i] >= threshold ? Strong : Weak, $"{s_questions[i]} {scores[i]} {threshold}");
                answer.Headers["x-router-reason"].ShouldBe("best_for_dial");
                ((string)answer.Body["id"]!).ShouldBe(answer.Headers["x-router-decision"]);
            }
        }

        sorted[2].ShouldBeLessThan(sorted[3]);
        sorted[5].ShouldBeLessThan(sorted[6]);
    }

    [Fact]
    public async Task Alias_StrongModelFails_OnlyTheWeakOneTakesOver()
    {
        _upstream.Script = (context, body) => (string)body["model"]! == Strong ? ScriptedUpstream.FailAsync(context, 500) : Task.FromResult(false);

        var answer = await AskAsync("router-mf-0", "List three fruits.");

        (answer.Status, answer.Headers["x-router-model"], answer.Headers["x-router-reason"]).ShouldBe((200, Weak, "fail_over"));
        _upstream.Bodies.Select(b => (string)b["model"]!).ShouldBe([Strong, Weak]);
    }

    [Fact]
    public async Task Alias_OneModelNotAllowed_TheOtherAnswers()
    {
        var answer = await AskAsync("router-metarouter-0", "List three fruits.", ("x-router-max-cost-usd", "0.0001"));

        (answer.Status, answer.Headers["x-router-model"], answer.Headers["x-router-reason"]).ShouldBe((200, Weak, "only_allowed"));
    }

    [Theory]
    [InlineData("router-bert-0.5", 404, "model_not_found", "'router-bert-0.5'", "'bert'", "metarouter, mf", "against metarouter's score", "calibrate --strong-share")]
    [InlineData("router-metarouter-1.5", 400, "invalid_value", "'router-metarouter-1.5'", "'1.5'", "from 0", "calibrate --strong-share")]
    [InlineData("router-metarouter-much", 400, "invalid_value", "'much'", "router-metarouter-0.5")]
    [InlineData("router-metarouter-", 400, "invalid_value", "''", "router-metarouter-0.5")]
    [InlineData("router-metarouter-NaN", 400, "invalid_value", "'NaN'")]
    [InlineData("router-metarouter--0.5", 404, "model_not_found", "'metarouter-'")]
    [InlineData("router-mf", 400, "invalid_value", "''", "router-mf-0.5")]
    [InlineData("router-", 404, "model_not_found", "''")]
    public async Task Alias_WrongOnes_AreRefusedByNameWithTheRemedy(string model, int status, string code, params string[] named)
    {
        (await AskAsync(model, "hello")).ShouldFail(status, code, named);
        _upstream.Calls.ShouldBe(0);
    }

    [Fact]
    public async Task Alias_IsListed_AndNeedsTwoModels()
    {
        var listed = (await _gateway.GetAsync("/v1/models")).Body["data"]!.AsArray().Single(m => (string)m!["id"]! == "router-metarouter-0.5")!;
        ((string)listed["description"]!).ShouldSatisfyAllConditions(d => d.ShouldContain(Strong), d => d.ShouldContain(Weak));

        await using var alone = await RunningGateway.StartAsync("--MetaRouter:Models:0:Id", Strong, "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15", "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url);
        (await alone.PostAsync(Chat, Body("router-metarouter-0.5", "hello"))).ShouldFail(400, "invalid_value", "Gateway:StrongModel", Strong);
        (await alone.GetAsync("/v1/models")).Text.ShouldNotContain("router-metarouter");
    }

    /// <summary>A model's own name comes before RouteLLM's form.</summary>
    [Fact]
    public async Task Alias_OfAModelCalledAsARouter_IsTheModel()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--MetaRouter:Models:0:Id", "router-mini-2", "--MetaRouter:Models:0:InputPrice", "5", "--MetaRouter:Models:0:OutputPrice", "15",
            "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "0.6", "--MetaRouter:Models:1:OutputPrice", "0.6", "--MetaRouter:Models:1:Aliases:0", "router-metarouter-0");

        foreach (var (name, model) in ((string, string)[])[("router-mini-2", "router-mini-2"), ("router-metarouter-0", Weak)])
        {
            var answer = await gateway.PostAsync(Chat, Body(name, "hello"));
            (answer.Status, answer.Headers["x-router-model"], answer.Headers["x-router-reason"]).ShouldBe((200, model, "requested"));
        }
    }

    /// <summary>A model that is switched off is not the dearest, nor the strong one of two.</summary>
    [Fact]
    public async Task Strongest_IsNoneThatIsSwitchedOff()
    {
        await using var gateway = await RunningGateway.StartAsync(
            "--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url,
            "--MetaRouter:Models:0:Id", "dear", "--MetaRouter:Models:0:InputPrice", "50", "--MetaRouter:Models:0:OutputPrice", "50", "--MetaRouter:Models:0:Enabled", "false",
            "--MetaRouter:Models:1:Id", Strong, "--MetaRouter:Models:1:InputPrice", "5", "--MetaRouter:Models:1:OutputPrice", "15",
            "--MetaRouter:Models:2:Id", Weak, "--MetaRouter:Models:2:InputPrice", "0.6", "--MetaRouter:Models:2:OutputPrice", "0.6",
            "--Gateway:CategoryPins:some:0", "dear", "--Gateway:CategoryPins:some:1", Weak);

        (await gateway.PostAsync(Chat, Body("auto", "hello"), ("x-router-mode", "off"))).Headers["x-router-model"].ShouldBe(Strong);
        (await gateway.PostAsync(Chat, Body("auto", "hello"), ("x-router-mode", "off"), ("x-router-category", "some"))).Headers["x-router-model"].ShouldBe(Weak);
        (await gateway.PostAsync(Chat, Body("router-metarouter-0", "hello"))).Headers["x-router-model"].ShouldBe(Strong);
    }

    [Fact]
    public async Task Settings_WrongPair_IsRefusedAtStart()
    {
        (await Should.ThrowAsync<MetaRouter.Gateway.Configuration.GatewayConfigurationException>(() => RunningGateway.StartAsync("--Gateway:StrongModel", "gpt-9", "--Gateway:WeakModel", "gpt-9")))
            .Message.ShouldSatisfyAllConditions(m => m.ShouldContain("Gateway:StrongModel is 'gpt-9', which is not in the catalog"), m => m.ShouldContain("StrongModel and WeakModel are both 'gpt-9'"));
    }

    private static string Body(string model, string question) => new JsonObject { ["model"] = model, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = question }) }.ToJsonString();

    private Task<Answer> AskAsync(string model, string question, params (string, string)[] headers) => _gateway.PostAsync(Chat, Body(model, question), headers);
}
