using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Tests;

/// <summary>What answers where no upstream is configured: a newcomer's own code must run with it as it would with a model.</summary>
public sealed class SimulatedTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions", Tools = """
        "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":3}},"required":["city","days"]}}},{"type":"custom","custom":{"name":"c"}},{"type":"function","function":{"name":"bare"}}]
        """;

    private RunningGateway _gateway = null!;

    public async Task InitializeAsync() => _gateway = await RunningGateway.StartAsync();

    public async Task DisposeAsync() => await _gateway.DisposeAsync();

    [Theory]
    [InlineData("\"required\"", "f", """{"city":"simulated","days":3}""")]
    [InlineData("""{"type":"function","function":{"name":"f"}}""", "f", """{"city":"simulated","days":3}""")]
    [InlineData("""{"type":"function","function":{"name":"bare"}}""", "bare", "{}")]
    [InlineData("""{"type":"custom","custom":{"name":"c"}}""", "c", "[simulated]")]
    [InlineData("""{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"bare"}}]}}""", "bare", "{}")]
    [InlineData("""{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"bare"}}]}}""", null, "[simulated]")]
    [InlineData("\"auto\"", null, "[simulated]")]
    [InlineData("\"none\"", null, "[simulated]")]
    public async Task Tool_ThatMustBeCalled_Is(string choice, string? name, string given)
    {
        foreach (var (message, finish) in await BothAsync($$"""{{Tools}},"tool_choice":{{choice}}"""))
        {
            var call = message["tool_calls"]?.AsArray().Single();
            var of = call?[(string)call["type"]!];
            ((string?)of?["name"], finish).ShouldBe((name, name is null ? "stop" : "tool_calls"));
            ((string)(of?["arguments"] ?? of?["input"] ?? message["content"])!).ShouldStartWith(given);
            (call is null ? "call_" : (string)call["id"]!).ShouldStartWith("call_");
        }
    }

    /// <summary>An agent of LangChain.js whose answer has a form is ended by a tool for it, the last of those of which one must be called at every step; these are its two steps.</summary>
    [Fact]
    public async Task Tool_ThatWasCalledInThisTurn_IsNotCalledAgainWhereAnotherMayBe()
    {
        static string Step(int step, string messages) => """
            {"model":"auto","stream":false,"tools":[{"type":"function","function":{"name":"weather","description":"w","parameters":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}}},{"type":"function","function":{"name":"extract-STEP","strict":false,"description":"Tool for extracting structured output from the model's response.","parameters":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"summary":{"type":"string"}},"required":["summary"],"additionalProperties":false}}}],"tool_choice":"required","messages":[{"role":"user","content":"What is the weather in Paris"}MORE]}
            """.Replace("STEP", step.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal).Replace("MORE", messages, StringComparison.Ordinal);
        const string result = """,{"role":"assistant","content":"","name":"model","tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"simulated\"}"}}]},{"role":"tool","content":"simulated: 20","name":"weather","tool_call_id":"call_1"}""";

        (await CalledAsync(Step(1, ""))).ShouldBe("weather");
        (await CalledAsync(Step(2, result))).ShouldBe("extract-2");
        (await CalledAsync(Step(3, result + """,{"role":"user","content":"And in Rome"}"""))).ShouldBe("weather"); // another turn

        async Task<string> CalledAsync(string body) => (string)(await _gateway.PostAsync(Chat, body)).Body["choices"]![0]!["message"]!["tool_calls"]!.AsArray().Single()!["function"]!["name"]!;
    }

    [Fact]
    public async Task Schema_IsKeptTo()
    {
        foreach (var (message, _) in await BothAsync(""" "response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object","properties":{"sum":{"type":"number"},"unit":{"enum":["m","s"]}},"required":["sum","unit"]}}} """))
        {
            ((string)message["content"]!).ShouldBe("""{"sum":0,"unit":"m"}""");
        }

        foreach (var (message, _) in await BothAsync(""" "response_format":{"type":"json_object"} """))
        {
            ((string)JsonNode.Parse((string)message["content"]!)!["simulated"]!).ShouldStartWith("[simulated]");
        }
    }

    /// <summary>A picture's base64 is no text: it would cost a hundred times what it does.</summary>
    [Fact]
    public async Task Usage_OfAnImage_IsAsItIsEstimated()
    {
        var image = $$"""{"model":"auto","messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,{{new string('A', 400_000)}}"} }]}]}""";

        ((int)(await _gateway.PostAsync(Chat, image)).Body["usage"]!["prompt_tokens"]!).ShouldBeInRange(765, 800);
    }

    [Theory]
    [InlineData(Chat, """{"model":"auto","LIMIT":5,"messages":[{"role":"user","content":"hello"}]}""", "max_tokens")]
    [InlineData(Chat, """{"model":"auto","LIMIT":5,"messages":[{"role":"user","content":"hello"}]}""", "max_completion_tokens")]
    [InlineData("/v1/responses", """{"model":"auto","LIMIT":5,"input":"hello"}""", "max_output_tokens")]
    [InlineData("/v1/messages", """{"model":"auto","LIMIT":5,"messages":[{"role":"user","content":"hello"}]}""", "max_tokens")]
    public async Task Limit_IsKeptTo(string path, string body, string name)
    {
        var answer = await _gateway.PostAsync(path, body.Replace("LIMIT", name, StringComparison.Ordinal));

        answer.Text.ShouldContain("[simulated] No upstr\"");
        ((string?)answer.Body["choices"]?[0]!["finish_reason"] ?? (string?)answer.Body["stop_reason"] ?? (string?)answer.Body["incomplete_details"]!["reason"]).ShouldBeOneOf("length", "max_tokens", "max_output_tokens");
        ((int)(answer.Body["usage"]!["completion_tokens"] ?? answer.Body["usage"]!["output_tokens"])!).ShouldBe(5);
    }

    [Theory]
    [InlineData("{}", "\"simulated\"")]
    [InlineData("""{"type":["null","integer"]}""", "0")]
    [InlineData("""{"anyOf":[{"type":"null"},{"type":"boolean"}]}""", "false")]
    [InlineData("""{"const":{"a":1}}""", """{"a":1}""")]
    [InlineData("""{"type":"array","items":{"type":"number","exclusiveMinimum":1},"minItems":2}""", "[2,2]")]
    [InlineData("""{"type":"array","items":{"type":"integer","maximum":-2},"maxItems":0}""", "[]")]
    [InlineData("""{"type":"integer","maximum":-2}""", "-2")]
    [InlineData("""{"type":"number","minimum":0.3,"multipleOf":0.5}""", "0.5")]
    [InlineData("""{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1}""", "0.5")]
    [InlineData("""{"type":"number","exclusiveMinimum":0,"maximum":0.5}""", "0.25")]
    [InlineData("""{"type":"number","exclusiveMinimum":-1,"exclusiveMaximum":0}""", "-0.5")]
    [InlineData("""{"type":"number","minimum":2,"exclusiveMinimum":5}""", "6")]
    [InlineData("""{"type":"number","minimum":5,"exclusiveMinimum":2}""", "5")]
    [InlineData("""{"type":"number","minimum":5,"exclusiveMinimum":true}""", "6")]
    [InlineData("""{"type":"number","exclusiveMaximum":0}""", "-1")]
    [InlineData("""{"type":"number","maximum":0,"exclusiveMinimum":-3}""", "0")]
    [InlineData("""{"type":"number","exclusiveMinimum":0.2,"multipleOf":0.1}""", "0.3")]
    [InlineData("""{"type":"number","exclusiveMinimum":10,"multipleOf":5}""", "15")]
    [InlineData("""{"type":"number","exclusiveMaximum":-10,"multipleOf":5}""", "-15")]
    [InlineData("""{"type":"number","minimum":0.25,"exclusiveMaximum":1,"multipleOf":0.25}""", "0.25")]
    [InlineData("""{"type":"integer","exclusiveMinimum":1.5}""", "2")]
    [InlineData("""{"type":"integer","exclusiveMinimum":2,"exclusiveMaximum":4}""", "3")]
    [InlineData("""{"type":"integer","minimum":1,"multipleOf":2.5}""", "5")]
    [InlineData("""{"type":"integer","exclusiveMaximum":-2}""", "-3")]
    [InlineData("""{"type":"integer","multipleOf":-2,"minimum":3}""", "3")]
    [InlineData("""{"type":"string","minLength":11}""", "\"simulated..\"")]
    [InlineData("""{"type":"string","maxLength":3}""", "\"sim\"")]
    [InlineData("""{"type":"string","format":"date"}""", "\"2026-01-01\"")]
    [InlineData("""{"properties":{"a":{"$ref":"#/$defs/x~1y"},"b":{}},"required":["a"],"$defs":{"x/y":{"type":"boolean"}}}""", """{"a":false}""")]
    [InlineData("""{"allOf":[{"properties":{"a":{"type":"null"}}, "required":["a"]},{"type":"object","properties":{"b":{"type":"boolean"}},"required":["b"]}]}""", """{"a":null,"b":false}""")]
    public void Example_KeepsToItsSchema(string schema, string example) => SchemaExample.Of(JsonDocument.Parse(schema).RootElement).ToJsonString().ShouldBe(example);

    /// <summary>They come from a request's body: what contains itself, or refers to nothing, must not hold a gateway up.</summary>
    [Theory]
    [InlineData("""{"$ref":"#"}""")]
    [InlineData("""{"$ref":"#/none/0"}""")]
    [InlineData("""{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},"required":["next"]}""")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"}},"required":["a","b","c"]}""")]
    [InlineData("""{"type":"array","minItems":1000000000,"items":{"type":"array","minItems":1000000000,"items":{}}}""")]
    [InlineData("""{"type":"array","minItems":1000000000}""")]
    [InlineData("""{"type":"string","minLength":1000000000}""")]
    [InlineData("""{"type":3,"required":7,"properties":[],"enum":{},"anyOf":"x"}""")]
    [InlineData("""{"type":"number","minimum":1e308,"multipleOf":1e-300}""")]
    [InlineData("""{"type":"integer","exclusiveMaximum":-1e308,"multipleOf":1e308}""")]
    [InlineData("[]")]
    [InlineData("""{"type":"array","minItems":9999,"items":{"type":"string","minLength":10000}}""")]
    [MemberData(nameof(Heavy))]
    public void Example_OfAnySchema_Ends(string schema) => SchemaExample.Of(JsonDocument.Parse(schema).RootElement).ToJsonString().Length.ShouldBeLessThan(1_000_000);

    /// <summary>A list of any length as deep as anything is made, and a long text, under a long name, many times.</summary>
    public static TheoryData<string> Heavy() => new(
        string.Concat(Enumerable.Repeat("""{"type":"array","minItems":1,"items":""", 24)) + """{"type":"array","minItems":20000000}""" + new string('}', 24),
        """{"type":"array","minItems":9999,"items":{"const":"X"}}""".Replace("X", new string('x', 1_000), StringComparison.Ordinal),
        """{"type":"array","minItems":9999,"items":{"type":"object","properties":{"X":{}},"required":["X"]}}""".Replace("X", new string('x', 1_000), StringComparison.Ordinal));

    /// <returns>The message and why it ended, whole and streamed.</returns>
    private async Task<(JsonObject Message, string Finish)[]> BothAsync(string more)
    {
        var body = $$"""{"model":"auto","messages":[{"role":"user","content":"hello"}],{{more}}}""";
        var whole = (await _gateway.PostAsync(Chat, body)).Body["choices"]!.AsArray().Single()!;
        using var streamed = await _gateway.Client.PostAsync(Chat, new StringContent(body.Insert(1, "\"stream\":true,")));
        var (message, finish) = (new JsonObject(), "");
        foreach (var line in (await streamed.Content.ReadAsStringAsync()).Split('\n').Where(l => l.StartsWith("data: {", StringComparison.Ordinal)))
        {
            var choice = JsonNode.Parse(line[6..])!["choices"]!.AsArray().Single()!;
            finish = (string?)choice["finish_reason"] ?? finish;
            Join(message, choice["delta"]!.AsObject());
        }

        return [(whole["message"]!.AsObject(), (string)whole["finish_reason"]!), (message, finish)];
    }

    /// <summary>As clients join deltas: texts end to end, calls by their index.</summary>
    private static void Join(JsonObject to, JsonObject delta)
    {
        foreach (var (name, value) in delta)
        {
            if (name == "tool_calls")
            {
                var calls = (JsonArray)(to[name] ??= new JsonArray());
                foreach (var call in value!.AsArray())
                {
                    if (calls.Count <= (int)call!["index"]!)
                    {
                        calls.Add(new JsonObject());
                    }

                    Join(calls[(int)call["index"]!]!.AsObject(), call.AsObject());
                }
            }
            else if (value is JsonObject inner)
            {
                Join((JsonObject)(to[name] ??= new JsonObject()), inner);
            }
            else if (value is not null)
            {
                to[name] = name is "content" or "arguments" or "input" ? (string?)to[name] + (string)value! : value.DeepClone();
            }
        }
    }
}
