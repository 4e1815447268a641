namespace MetaRouter.Gateway.Tests;

/// <summary>The dial at any place, by a header of a completion.</summary>
public sealed class LambdaHeaderTests : OneGateway
{
    private const string Cost = "x-router-lambda-cost", Latency = "x-router-lambda-latency", Slow = "gpt-4o-2024-05-13", Fast = "llama-3.1-8b-instruct";

    public static TheoryData<string, string> Doors => new()
    {
        { "/v1/chat/completions", """{"model":"NAME","messages":[{"role":"user","content":"What is 7 times 8?"}]}""" },
        { "/v1/responses", """{"model":"NAME","input":"What is 7 times 8?"}""" },
        { "/v1/messages", """{"model":"NAME","max_tokens":4000,"messages":[{"role":"user","content":"What is 7 times 8?"}]}""" },
    };

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task Cost_ByHand_IsThePlaceOnTheDial(string path, string body)
    {
        var seen = new HashSet<string>();
        foreach (var (lambda, place) in new[] { ("0", "auto:quality"), ("0.3", "auto:balanced"), ("3e0", "auto:cheap") })
        {
            var model = (await AskAsync(path, body, place)).Headers["x-router-model"];
            foreach (var name in (string[])["auto", "auto:quality", "auto:cheap"])
            {
                var answer = await AskAsync(path, body, name, (Cost, lambda));
                (answer.Status, answer.Headers["x-router-model"], answer.Headers["x-router-reason"]).ShouldBe((200, model, "best_for_dial"), $"{name} at {lambda}");
            }

            seen.Add(model);
        }

        seen.Count.ShouldBeGreaterThan(1);
        (await AskAsync(path, body, "gpt-4o-2024-05-13", (Cost, "1000"))).Headers["x-router-reason"].ShouldBe("requested");
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task Latency_ByHand_GoesToWhoeverAnswersSooner(string path, string body)
    {
        var set = await _gateway.SendAsync(
            HttpMethod.Put, "/v1/router/models",
            $$"""{"models":[{"id":"{{Slow}}","input_price_usd_per_million":5,"output_price_usd_per_million":15,"latency_seconds":20},{"id":"{{Fast}}","input_price_usd_per_million":5,"output_price_usd_per_million":15,"latency_seconds":0.5}]}""");
        set.Status.ShouldBe(200, set.Text);

        (await AskAsync(path, body, "auto:quality", (Latency, "0"))).Headers["x-router-model"].ShouldBe(Slow);
        (await AskAsync(path, body, "auto:quality", (Latency, "1"))).Headers["x-router-model"].ShouldBe(Fast);
    }

    [Theory]
    [MemberData(nameof(Doors))]
    public async Task Value_ThatIsNoWeight_IsRefused(string path, string body)
    {
        foreach (var header in (string[])[Cost, Latency])
        {
            foreach (var value in (string[])["-1", "NaN", "Infinity", "1e999", "much", "0,3"])
            {
                var refused = await AskAsync(path, body, "auto", (header, value));
                refused.Status.ShouldBe(400, value);
                refused.Message.ShouldContain($"The header {header} is '{value}'; it must be a finite number, 0 or more");
            }

            var threshold = await AskAsync(path, body, "router-metarouter-0.5", (header, "1"));
            threshold.Status.ShouldBe(400, threshold.Text);
            threshold.Message.ShouldContain($"The header {header} moves the dial, and the model 'router-metarouter-0.5' goes by a threshold");
        }

        _upstream.Calls.ShouldBe(0);
    }

    private Task<Answer> AskAsync(string path, string body, string name, params (string, string)[] headers) =>
        _gateway.PostAsync(path, body.Replace("NAME", name, StringComparison.Ordinal), headers);
}
