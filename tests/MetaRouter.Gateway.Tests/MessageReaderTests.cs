using System.Text;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Messages;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Tests;

/// <summary>What the events of Anthropic's streams say.</summary>
public sealed class MessageReaderTests
{
    [Theory]
    [InlineData("""{"type":"ping"}""", "")]
    [InlineData("""{"type":"message_start","message":{"id":"a","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"cache_read_input_tokens":2,"output_tokens":1}}}""", "opening 5/1/2/0")]
    [InlineData("""{"message":{"type":"message","content":[]},"type":"message_start"}""", "opening")]
    [InlineData("""{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""", "content")]
    [InlineData("""{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}""", "content text2 calls")]
    [InlineData("""{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"t","name":"web_search","input":{}}}""", "content text2")]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"four"}}""", "content text4")]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"five5"}}""", "content text5")]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"long and no text"}}""", "content")]
    [InlineData("""{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}""", "content text2")]
    [InlineData("""{"type":"content_block_stop","index":0}""", "")]
    [InlineData("""{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":9}}""", "content ended cut 0/9/0/0")]
    [InlineData("""{"type":"message_delta","delta":{"stop_reason":"pause_turn"},"usage":{"input_tokens":1,"cache_creation_input_tokens":4,"output_tokens":9}}""", "content calls ended 5/9/0/4")]
    [InlineData("""{"type":"message_stop"}""", "done")]
    [InlineData("""{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}""", "error")]
    [InlineData("""{"type":"message","id":"a","model":"m","content":[{"type":"text","text":"four"},{"type":"tool_use","input":{"type":"x","text":"y"}}],"stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":1}}""", "content text27 calls ended 3/1/0/0")]
    public void Read_OfEachEvent_SaysWhatItIs(string json, string expected) => Told(UpstreamApi.Messages.Read(Encoding.UTF8.GetBytes($"event: x\ndata: {json}\n\n"))).ShouldBe(expected);

    [Theory]
    [InlineData("event: ping\n\n")]
    [InlineData("data: [DONE]\n\n")]
    [InlineData("data: [1]\n\n")]
    [InlineData("data: {\"type\":\"message_stop\"} {}\n\n")]
    [InlineData("data: {\"type\":\"message_st\n\n")]
    public void Read_OfWhatIsNone_SaysNothing(string text) => Told(UpstreamApi.Messages.Read(Encoding.UTF8.GetBytes(text))).ShouldBe("");

    /// <summary>An upstream that pauses over its own tools is sent what it said, and goes on.</summary>
    [Fact]
    public void Request_ThatEndsInAnUpstreamsToolCall_GoesOnWithItsTurn()
    {
        var (chat, session, turn, refusal) = MessagesRequest.ToChat("""
            {"model":"auto","max_tokens":9,"tools":[{"type":"web_search_20250305","name":"web_search"}],"messages":[{"role":"user","content":"new"},
            {"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{}}]}]}
            """u8.ToArray());

        ChatBody.ReadTranslated(chat, turn, session).GoesOn.ShouldBeTrue();
        refusal!.Code.ShouldBe("unsupported_field");
    }

    private static string Told(AnswerPart part)
    {
        var usage = part.Usage;
        return string.Join(' ', new[]
        {
            part.IsOpening ? "opening" : "", part.HasContent ? "content" : "", part.TextBytes > 0 ? $"text{part.TextBytes}" : "", part.CallsTools ? "calls" : "", part.Ended != 0 ? "ended" : "", part.IsCut ? "cut" : "",
            part.IsDone ? "done" : "", part.IsError ? "error" : "", usage.IsUnknown ? "" : $"{usage.Prompt}/{usage.Completion}/{usage.Cached}/{usage.Written}",
        }.Where(t => t.Length > 0));
    }
}
