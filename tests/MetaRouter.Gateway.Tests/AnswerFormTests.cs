using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Gateway.Tests;

/// <summary>Answers and refusals in the form of each API.</summary>
public sealed class AnswerFormTests : ThreeUpstreams
{
    /// <summary>Some upstreams cut a character's bytes apart between two tokens.</summary>
    [Theory]
    [InlineData("/v1/messages", """{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"Hm?"}]}""")]
    [InlineData("/v1/responses", """{"model":"auto","input":"Hm?"}""")]
    public async Task Answer_OfAnotherApi_WithHalfACharacter_IsReadPastIt(string path, string asked)
    {
        foreach (var streams in (bool[])[false, true])
        {
            foreach (var upstream in _of.Values)
            {
                upstream.Script = (context, _) => ScriptedUpstream.HalfACharacterAsync(context, streams);
            }

            using var answer = await _gateway.Client.PostAsync(path, new StringContent(streams ? asked.Insert(1, "\"stream\":true,") : asked));

            ((int)answer.StatusCode).ShouldBe(200);
            (await answer.Content.ReadAsStringAsync()).ShouldContain("half \\n\ufffd");
        }

        _gateway.Log.ShouldNotContain(l => l.Level >= LogLevel.Error);
    }

    /// <summary>Clients that can make a conversation shorter, or ask for a shorter answer, know by the provider's own words when to.</summary>
    [Theory]
    [InlineData(Chat, """{"model":"auto","messages":[{"role":"user","content":"LONG"}]}""", "maximum context length is 128000 tokens")]
    [InlineData(Chat, """{"model":"auto","max_tokens":128000,"messages":[{"role":"user","content":"Hm?"}]}""", "maximum context length is 128000 tokens")]
    [InlineData("/v1/responses", """{"model":"auto","input":"LONG"}""", "maximum context length is 128000 tokens")]
    [InlineData("/v1/messages", """{"model":"auto","max_tokens":1000,"messages":[{"role":"user","content":"LONG"},{"role":"user","content":"Hm?"}]}""", "prompt is too long: 200008 tokens > 128000 maximum")]
    [InlineData("/v1/messages", """{"model":"auto","max_tokens":128000,"messages":[{"role":"user","content":"Hm?"},{"role":"user","content":"Hm?"}]}""", "input length and `max_tokens` exceed context limit: 9 + 128000 > 128000")]
    public async Task Request_LongerThanAnyModelHolds_IsRefusedAsItsProviderDoes(string path, string asked, string said)
    {
        var answer = await _gateway.PostAsync(path, asked.Replace("LONG", new string('a', 800_000), StringComparison.Ordinal));

        (answer.Status, (string)answer.Body["error"]!["code"]!).ShouldBe((400, "context_length_exceeded"));
        ((string)answer.Body["error"]!["message"]!).ShouldContain(said);
        _of.Values.ShouldAllBe(u => u.Calls == 0);
    }

    /// <summary>As its upstream says it in OpenAI's words, by their code or without.</summary>
    [Theory]
    [InlineData("\"context_length_exceeded\"")]
    [InlineData("400")]
    public async Task Messages_UpstreamFindsThePromptTooLong_IsToldInAnthropicsWords(string code)
    {
        _of[Strong].Script = async (context, _) =>
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsync($$$"""{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":{{{code}}}}}""");
            return true;
        };

        var answer = await _gateway.PostAsync("/v1/messages", $$"""{"model":"{{Strong}}","max_tokens":9,"messages":[{"role":"user","content":"Hm?"}]}""");

        (answer.Status, (string)answer.Body["error"]!["message"]!).ShouldBe((400, "prompt is too long: This model's maximum context length is 8192 tokens."));
    }

    /// <summary>Some say what they think and what they say as parts of one list, others what they refuse beside an empty text.</summary>
    [Theory]
    [InlineData("""{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]},{"type":"text","text":"It "},{"type":"text","text":"is."}]}""", "It is.")]
    [InlineData("""{"content":"","refusal":"I may not."}""", "I may not.")]
    public async Task Message_OfAnyShape_IsSaid(string message, string said)
    {
        _of[Strong].Script = async (context, body) =>
        {
            var streams = (bool?)body["stream"] == true;
            context.Response.ContentType = streams ? "text/event-stream" : "application/json";
            await context.Response.WriteAsync(streams ? $$"""data: {"id":"x","model":"m","choices":[{"index":0,"delta":{{message}},"finish_reason":"stop"}]}""" + "\n\ndata: [DONE]\n\n" : $$"""{"id":"x","model":"m","choices":[{"index":0,"message":{{message}},"finish_reason":"stop"}]}""");
            return true;
        };
        const string asked = $$"""{"model":"{{Strong}}","max_tokens":9,"messages":[{"role":"user","content":"Hm?"}]}""";

        (await _gateway.PostAsync("/v1/messages", asked)).Body["content"]!.ToJsonString().ShouldBe($$"""[{"type":"text","text":"{{said}}"}]""");
        var events = await _gateway.StreamAsync("/v1/messages", asked);
        string.Concat(events.Select(e => (string?)e["delta"]?["text"])).ShouldBe(said);
    }
}
