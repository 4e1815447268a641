using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MetaRouter.Gateway.Tests;

/// <summary>The official clients for Python, against the simulated upstream.</summary>
public sealed class PythonTests
{
    private const string Simulated = "[simulated] No upstream is configured";

    [PythonFact]
    public async Task Readme_PythonLines_RunAsTheyStand()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var lines = Regex.Match(Repository.Read("README.md"), "```python\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;

        var told = PythonFactAttribute.Print(lines.Replace("http://127.0.0.1:8080", Address(gateway), StringComparison.Ordinal)).Split(' ');

        told.Length.ShouldBe(3, "who answered, the receipt, and what it cost");
        (await gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = told[1], ["user"] = "ada", ["kind"] = "thumb", ["value"] = "up" }.ToJsonString())).Status.ShouldBe(200);
        double.Parse(told[2], System.Globalization.CultureInfo.InvariantCulture).ShouldBeGreaterThan(0);
    }

    [PythonFact]
    public async Task OpenAiClient_SeesWhatOpenAiWouldShowIt()
    {
        await using var gateway = await RunningGateway.StartAsync();

        var seen = Run("openai_client.py", gateway);

        ((string)seen["models"]![0]!).ShouldBe("auto");
        foreach (var text in (string[])[(string)seen["whole"]!["text"]!, (string)seen["stream"]!["text"]!, (string)seen["response"]!["text"]!, (string)seen["events_text"]!])
        {
            text.ShouldStartWith(Simulated);
        }

        ((string)seen["whole"]!["id"]!).ShouldStartWith("U");
        ((string)seen["response"]!["id"]!).ShouldStartWith("U");
        ((int)seen["stream"]!["tokens"]!).ShouldBeGreaterThan(10);
        ((int)seen["response"]!["tokens"]!).ShouldBeGreaterThan(10);
        seen["events"]!.ToJsonString().ShouldBe("""["response.created","response.in_progress","response.output_item.added","response.content_part.added","response.output_text.done","response.content_part.done","response.output_item.done","response.completed"]""");
        seen["not_found"]!.ToJsonString().ShouldBe("""["NotFoundError",404,"model_not_found"]""");
        seen["bad_request"]!.ToJsonString().ShouldStartWith("""["BadRequestError",400,""");
        ((int)seen["at_once"]!).ShouldBe(20);
    }

    [PythonFact]
    public async Task AnthropicClient_SeesWhatAnthropicWouldShowIt()
    {
        await using var gateway = await RunningGateway.StartAsync();

        var seen = Run("anthropic_client.py", gateway);

        ((string)seen["whole"]!["text"]!).ShouldStartWith(Simulated);
        string.Concat(seen["texts"]!.AsArray().Select(t => (string)t!)).ShouldStartWith(Simulated);
        ((string)seen["whole"]!["stop"]!, (string)seen["stream"]!["stop"]!).ShouldBe(("end_turn", "end_turn"));
        ((int)seen["whole"]!["tokens"]!).ShouldBeGreaterThan(10);
        ((int)seen["stream"]!["tokens"]!).ShouldBeGreaterThan(10);
        ((int)seen["counted"]!).ShouldBeGreaterThan(0);
        seen["not_found"]!.ToJsonString().ShouldBe("""["NotFoundError",404]""");
    }

    private static JsonObject Run(string program, RunningGateway gateway) =>
        JsonNode.Parse(PythonFactAttribute.Print($"BASE_URL = \"{Address(gateway)}\"\n" + Repository.Read("tests", "MetaRouter.Gateway.Tests", "python", program)))!.AsObject();

    private static string Address(RunningGateway gateway) => gateway.Client.BaseAddress!.ToString().TrimEnd('/');
}
