using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace MetaRouter.Gateway.Tests;

/// <summary>What an upstream answers that speaks Anthropic's Messages: a thought with its signature, and a text. Of the prompt's 1,000 tokens it read 600 from its cache and wrote 300 to it.</summary>
public static class ScriptedMessages
{
    private const string Usage = "\"input_tokens\":100,\"cache_creation_input_tokens\":300,\"cache_read_input_tokens\":600";

    /// <summary>Of a stream, each event with what it is the type of.</summary>
    public static IEnumerable<string> Events(string name) =>
    [
        Start,
        Event("content_block_start", """ "index":0,"content_block":{"type":"thinking","thinking":"","signature":""} """),
        Event("ping", ""),
        Event("content_block_delta", """ "index":0,"delta":{"type":"thinking_delta","thinking":"Hm."} """),
        Event("content_block_delta", """ "index":0,"delta":{"type":"signature_delta","signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3h"} """),
        Event("content_block_stop", "\"index\":0"),
        Event("content_block_start", """ "index":1,"content_block":{"type":"text","text":""} """),
        Event("content_block_delta", $$$""" "index":1,"delta":{"type":"text_delta","text":"I am "} """),
        Event("content_block_delta", $$$""" "index":1,"delta":{"type":"text_delta","text":"{{{name}}}"} """),
        Event("content_block_stop", "\"index\":1"),
        Delta,
        Stop,
    ];

    public static string Start => Event("message_start", $$$""" "message":{"id":"msg_up","type":"message","role":"assistant","model":"claude-up","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{{{Usage}}},"output_tokens":1}} """);

    /// <summary>Counts the answer alone, as Anthropic long did.</summary>
    public static string Delta => Event("message_delta", """ "delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":100} """);

    public static string Stop => Event("message_stop", "");

    public static string Error => Event("error", """ "error":{"type":"overloaded_error","message":"Overloaded"} """);

    public static string Whole(string name) => $$$"""
        {"model":"claude-up", "id":"msg_up","type":"message","role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3h"},{"type":"text","text":"I am {{{name}}}","citations":null}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{{{Usage}}},"output_tokens":100,"service_tier":"standard"}}
        """;

    /// <summary>An event as Anthropic frames it.</summary>
    /// <param name="fields">Beside its type.</param>
    public static string Event(string type, string fields) => $"event: {type}\ndata: {{\"type\": \"{type}\"{(fields.Length > 0 ? "," : "")}{fields.Trim()} }}\n\n";

    public static async Task AnswerAsync(HttpContext context, JsonObject body, string name)
    {
        context.Response.Headers["anthropic-ratelimit-requests-remaining"] = "7";
        if ((bool?)body["stream"] != true)
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(Whole(name));
            return;
        }

        await StreamAsync(context, [.. Events(name)]);
    }

    /// <summary>Sends these events, and ends the stream after them.</summary>
    public static async Task<bool> StreamAsync(HttpContext context, params string[] events)
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var one in events)
        {
            await context.Response.WriteAsync(one);
            await context.Response.Body.FlushAsync();
        }

        return true;
    }

    /// <summary>Refuses in Anthropic's words.</summary>
    public static async Task<bool> RefuseAsync(HttpContext context, int status, string type, string message)
    {
        context.Response.StatusCode = status;
        await context.Response.WriteAsync($$$"""{"type":"error","error":{"type":"{{{type}}}","message":"{{{message}}}"},"request_id":"req_up"}""");
        return true;
    }
}
