using System.Text;
using System.Text.Json.Nodes;
using MetaRouter.Gateway.Messages;
using Microsoft.AspNetCore.Http;

namespace MetaRouter.Gateway.Tests;

/// <summary>How an answer ends, in Anthropic's words, where upstreams have others for it or none.</summary>
public sealed class MessagesEndTests : OneGateway
{
    private const string Call = """[{"index":0,"id":"c1","type":"function","function":{"name":"clock","arguments":"{}"}}]""";

    [Theory]
    [InlineData("""{"content":"no"}""", "content_filter", "refusal")]
    [InlineData("""{"content":null,"tool_calls":""" + Call + "}", "stop", "tool_use")]
    [InlineData("""{"content":"so far"}""", "length", "max_tokens")]
    public async Task Answer_EndsForAReason_WholeAndStreamed(string message, string finish, string reason)
    {
        Answer("message", [message], finish, streams: false);
        ((string?)(await _gateway.PostAsync("/v1/messages", Asked(streams: false))).Body["stop_reason"]).ShouldBe(reason);

        Answer("delta", [message], finish, streams: true);
        (await EventsAsync()).Single(e => (string)e["type"]! == "message_delta")["delta"]!["stop_reason"]!.GetValue<string>().ShouldBe(reason);
    }

    /// <summary>Each is a block of its own, in the order in which they came.</summary>
    [Fact]
    public async Task Stream_TextBetweenCalls_HasBlocksOfItsOwn()
    {
        Answer("delta", ["""{"content":"I look."}""", """{"tool_calls":""" + Call + "}", """{"content":"And again."}""", """{"tool_calls":[{"index":0,"function":{"arguments":" "}}]}"""], "tool_calls", streams: true);

        var events = await EventsAsync();

        events.Where(e => (string)e["type"]! == "content_block_start").Select(e => ((int)e["index"]!, (string)e["content_block"]!["type"]!)).Take(3).ShouldBe([(0, "text"), (1, "tool_use"), (2, "text")]);
        events.Count(e => (string)e["type"]! == "content_block_stop").ShouldBe(events.Count(e => (string)e["type"]! == "content_block_start"));
        events.Where(e => (string?)e["delta"]?["type"] == "text_delta").Select(e => ((int)e["index"]!, (string)e["delta"]!["text"]!)).ShouldBe([(0, "I look."), (2, "And again.")]);
    }

    /// <summary>Anthropic's clients choose their exception, and whether to try again, by these.</summary>
    [Theory]
    [InlineData(400, "invalid_request_error")]
    [InlineData(401, "authentication_error")]
    [InlineData(403, "permission_error")]
    [InlineData(404, "not_found_error")]
    [InlineData(413, "request_too_large")]
    [InlineData(429, "rate_limit_error")]
    [InlineData(500, "api_error")]
    [InlineData(502, "api_error")]
    [InlineData(503, "overloaded_error")]
    [InlineData(504, "timeout_error")]
    public void Error_HasAnthropicsTypeForItsStatus(int status, string type) => MessagesError.TypeOf(status).ShouldBe(type);

    private void Answer(string name, string[] messages, string finish, bool streams) => _upstream.Script = async (context, _) =>
    {
        context.Response.ContentType = streams ? "text/event-stream" : "application/json";
        for (var i = 0; i < messages.Length; i++)
        {
            var ends = i == messages.Length - 1 ? $"\"{finish}\"" : "null";
            var answer = "{\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"" + name + "\":" + messages[i] + ",\"finish_reason\":" + ends + "}]}";
            await context.Response.WriteAsync(streams ? $"data: {answer}\n\n" : answer);
        }

        await context.Response.WriteAsync(streams ? "data: [DONE]\n\n" : "");
        return true;
    };

    private static string Asked(bool streams) => $$"""{"model":"auto","max_tokens":100,"stream":{{(streams ? "true" : "false")}},"messages":[{"role":"user","content":"hello"}]}""";

    private async Task<List<JsonObject>> EventsAsync()
    {
        using var body = new StringContent(Asked(streams: true), Encoding.UTF8, "application/json");
        using var response = await _gateway.Client.PostAsync("/v1/messages", body);
        return [.. (await response.Content.ReadAsStringAsync()).Split('\n').Where(l => l.StartsWith("data: ", StringComparison.Ordinal)).Select(l => JsonNode.Parse(l[6..])!.AsObject())];
    }
}
