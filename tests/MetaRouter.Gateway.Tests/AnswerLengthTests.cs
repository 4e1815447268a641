using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MetaRouter.Core.Text;
using MetaRouter.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Gateway.Tests;

/// <summary>A model whose answers are far longer than predicted is told of, with what to set; and set, its costs are predicted as they come.</summary>
public sealed partial class AnswerLengthTests : OneUpstream
{
    private const string Thinker = "gpt-5", Question = "What is the largest prime below 100, and why?";

    /// <summary>Tokens of each answer of <see cref="Thinker"/>; the other model's are as long as predicted.</summary>
    private const int Thought = 2000;

    [Theory]
    [InlineData("whole")]
    [InlineData("streamed")]
    [InlineData("compared")]
    [InlineData("observed")]
    public async Task AnswersFarLongerThanPredicted_AreToldOnceAnHourWithTheValueThatMendsThem(string how)
    {
        await using var gateway = await ServeAsync(how == "observed" ? ["--Gateway:Mode", "observe", "--Gateway:OffModel", Thinker] : []);
        AnswerAtLength(gateway, finish: "stop");

        await AskAsync(gateway, how, 49);
        Warnings(gateway).ShouldBeEmpty();
        (await RatioAsync(gateway, Thinker)).ShouldBeNull();
        await AskAsync(gateway, how, 21);

        var warning = Warnings(gateway).ShouldHaveSingleItem();
        warning.ShouldContain($"Answers of {Thinker} are ");
        var predicted = Predicted(gateway, Thinker);
        (await RatioAsync(gateway, Thinker)).ShouldNotBeNull().ShouldBe(Thought / predicted, 0.02 * Thought / predicted);
        var right = double.Parse(Remedy().Match(warning).Groups[1].Value, CultureInfo.InvariantCulture);
        right.ShouldBe(Thought / predicted, 0.05 * Thought / predicted);

        gateway.Time.Ahead += TimeSpan.FromMinutes(61);
        await AskAsync(gateway, how, 2);
        Warnings(gateway).Count.ShouldBe(2);

        await SetAsync(gateway, right);
        gateway.Time.Ahead += TimeSpan.FromMinutes(61);
        await AskAsync(gateway, how, 60);

        (await RatioAsync(gateway, Thinker)).ShouldNotBeNull().ShouldBe(1, 0.1);
        Warnings(gateway).Count.ShouldBe(2);
    }

    /// <summary>The buyer's case: a cent of answer was predicted at a tenth, and the dear model stayed the favourite.</summary>
    [Fact]
    public async Task CostOfLongAnswers_OnceSet_IsPredictedAndDecides()
    {
        await using var gateway = await ServeAsync();
        AnswerAtLength(gateway, finish: "stop");
        var counted = Usd(await gateway.PostAsync(Chat, Body(Thinker, Question)));
        var before = await RankAsync(gateway);

        await SetAsync(gateway, Thought / Predicted(gateway, Thinker));

        var after = await RankAsync(gateway);
        before[Thinker].ShouldBeLessThan(counted / 4);
        after[Thinker].ShouldBe(counted, 0.05 * counted);
        after[Weak].ShouldBe(before[Weak]);
    }

    [Theory]
    [InlineData("length", 0)] // cut by a limit, the request's or the upstream's
    [InlineData("stop", 1.5)] // of answers within a limit near the prediction only the short ones are whole
    public async Task AnswersUnderALimit_AreNoMeasure(string finish, double ofPredicted)
    {
        await using var gateway = await ServeAsync();
        AnswerAtLength(gateway, finish);
        var limit = (int)(ofPredicted * Predicted(gateway, Thinker));

        await AskAsync(gateway, "whole", 55, limit);
        await AskAsync(gateway, "streamed", 55, limit);

        (await RatioAsync(gateway, Thinker)).ShouldBeNull();
        Warnings(gateway).ShouldBeEmpty();
    }

    /// <summary>What came of an answer that broke off is not its length.</summary>
    [Fact]
    public async Task AnswerThatBreaksOff_IsNoMeasure()
    {
        await using var gateway = await ServeAsync();
        using var counted = new Meters(gateway.App.Services.GetRequiredService<GatewayMetrics>().AnswerTokens);
        _upstream.Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("""data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":10,"completion_tokens":1}}""" + "\n\n");
            return true; // and ends there
        };

        await Should.ThrowAsync<HttpRequestException>(gateway.Client.PostAsync(Chat, new StringContent(Body("auto", Question, streams: true))));

        counted.Sum.ShouldBe(0);
    }

    /// <summary>What this side counts by the bytes says nothing of what the model thought.</summary>
    [Fact]
    public async Task AnswersThatTheUpstreamDidNotCount_AreNoMeasure()
    {
        await using var gateway = await ServeAsync();
        _upstream.Script = async (context, _) =>
        {
            await context.Response.WriteAsync("""{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"97"},"finish_reason":"stop"}]}""");
            return true;
        };

        await AskAsync(gateway, "whole", 55);

        (await RatioAsync(gateway, Thinker)).ShouldBeNull();
        Warnings(gateway).ShouldBeEmpty();
    }

    [Fact]
    public async Task AnswersOfTheBuiltInModel_AreNoMeasure()
    {
        await using var gateway = await RunningGateway.StartAsync();

        await AskAsync(gateway, "whole", 55);

        Warnings(gateway).ShouldBeEmpty();
        (await gateway.GetAsync("/v1/console/models")).Body["models"]!.AsArray().ShouldAllBe(m => m!["length_ratio"] == null);
    }

    private Task<RunningGateway> ServeAsync(params string[] settings) => StartAsync(
    [
        "--MetaRouter:Models:0:Id", Thinker, "--MetaRouter:Models:0:InputPrice", "1.25", "--MetaRouter:Models:0:OutputPrice", "10",
        "--MetaRouter:Models:1:Id", Weak, "--MetaRouter:Models:1:InputPrice", "0.5", "--MetaRouter:Models:1:OutputPrice", "0.5", .. settings,
    ]);

    /// <summary>Has the upstream count each answer of the one model as long as it thinks, of the other as long as predicted.</summary>
    private void AnswerAtLength(RunningGateway gateway, string finish)
    {
        var plain = (int)Math.Round(Predicted(gateway, Weak));
        _upstream.Script = async (context, body) =>
        {
            var usage = $$"""{"prompt_tokens":20,"completion_tokens":{{((string)body["model"]! == Thinker ? Thought : plain)}} }""";
            if ((bool?)body["stream"] == true)
            {
                await _upstream.EventAsync(context, "97");
                await _upstream.EventAsync(context, null, finish);
                await context.Response.WriteAsync($$"""data: {"id":"x","model":"m","choices":[],"usage":{{usage}} }""" + "\n\ndata: [DONE]\n\n");
            }
            else
            {
                await context.Response.WriteAsync($$"""{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"97"},"finish_reason":"{{finish}}"}],"usage":{{usage}} }""");
            }

            return true;
        };
    }

    /// <summary>So many answers of each model; in observe mode of the one that answers, while the other is chosen.</summary>
    private static async Task AskAsync(RunningGateway gateway, string how, int times, int limit = 0)
    {
        string[] models = how switch { "compared" => ["auto:quality"], "observed" => ["auto:cheap"], _ => ["auto:quality", "auto:cheap"] };
        for (var i = 0; i < times; i++)
        {
            foreach (var model in models)
            {
                var body = JsonNode.Parse(Body(model, Question, how == "compared" ? "ann" : null, how == "streamed"))!;
                if (limit > 0)
                {
                    body["max_tokens"] = limit;
                }

                using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new StringContent(body.ToJsonString()) };
                if (how == "compared")
                {
                    request.Headers.Add("x-router-compare", "always");
                }

                using var answer = await gateway.Client.SendAsync(request);
                var text = await answer.Content.ReadAsStringAsync();
                ((int)answer.StatusCode).ShouldBe(200, text);
            }
        }
    }

    private static double Predicted(RunningGateway gateway, string model) =>
        gateway.App.Services.GetRequiredService<PoolHolder>().Current.PredictOutputTokens(Question, new(model), 0, new RequestEncoding());

    /// <summary>US dollars predicted, by model.</summary>
    private static async Task<Dictionary<string, double>> RankAsync(RunningGateway gateway) =>
        (await gateway.RouteAsync("ann", input: Question)).Body["ranking"]!.AsArray().ToDictionary(m => (string)m!["model"]!, m => (double)m!["cost_usd"]!);

    private static async Task<double?> RatioAsync(RunningGateway gateway, string model) =>
        (double?)(await gateway.GetAsync("/v1/console/models")).Body["models"]!.AsArray().Single(m => (string)m!["id"]! == model)!["length_ratio"];

    private static async Task SetAsync(RunningGateway gateway, double scale)
    {
        var models = (await gateway.GetAsync("/v1/router/models")).Body;
        models["models"]!.AsArray().Single(m => (string)m!["id"]! == Thinker)!["output_scale"] = scale;
        var put = await gateway.SendAsync(HttpMethod.Put, "/v1/router/models", models.ToJsonString());
        put.Status.ShouldBe(200, put.Text);
        ((double)put.Body["models"]!.AsArray().Single(m => (string)m!["id"]! == Thinker)!["output_scale"]!).ShouldBe(scale);
    }

    private static List<string> Warnings(RunningGateway gateway) =>
        [.. gateway.Log.Where(l => l.Level == LogLevel.Warning && l.Text.Contains("times as long as predicted", StringComparison.Ordinal)).Select(l => l.Text)];

    [GeneratedRegex("OutputScale to ([0-9.]+),")]
    private static partial Regex Remedy();
}
