using System.Text.Json.Nodes;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Messages;
using MetaRouter.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

/// <summary>Anthropic's Messages, over upstreams that speak OpenAI's API.</summary>
public sealed class MessagesTests : OneGateway
{
    private const string Messages = "/v1/messages", Hello = """{"model":"auto","max_tokens":100,"messages":[{"role":"user","content":"hello"}]}""";

    [NodeFact]
    public async Task NpmClient_SeesWhatAnthropicWouldShowIt()
    {
        _upstream.Script = async (context, body) =>
        {
            if (body["response_format"] is null)
            {
                return false;
            }

            await context.Response.WriteAsync("""{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"{\"sum\":3}"},"finish_reason":"stop"}]}""");
            return true;
        };

        var seen = await NodeFactAttribute.RunAsync("messages.mjs", _gateway.Client.BaseAddress!.ToString().TrimEnd('/'));

        ((int)seen["counted"]!["input_tokens"]!).ShouldBeInRange(20, 60);
        var (whole, stream) = (seen["whole"]!, seen["stream"]!);
        ((string)whole["content"]![0]!["text"]!).ShouldBe("I am up");
        (Text(whole, "type"), Text(whole, "role"), Text(whole, "stop")).ShouldBe(("message", "assistant", "end_turn"));
        Text(whole, "id").Length.ShouldBeGreaterThan(100);
        whole["usage"]!.ToJsonString().ShouldBe("""{"input_tokens":400,"cache_creation_input_tokens":0,"cache_read_input_tokens":600,"output_tokens":100}""");
        seen["texts"]!.ToJsonString().ShouldBe("""["I am ","up"]""");
        ((string)stream["content"]![0]!["text"]!).ShouldBe("I am up");
        ((int)stream["usage"]!["output_tokens"]!, (int)stream["usage"]!["input_tokens"]!, Text(stream, "stop")).ShouldBe((100, 400, "end_turn"));
        var tool = seen["tool"]!["content"]!.AsArray().Single()!;
        (Text(tool, "type"), Text(tool, "id"), Text(tool, "name"), tool["input"]!.ToJsonString(), Text(seen["tool"]!, "stop")).ShouldBe(("tool_use", "call_1", "weather", """{"city":"Oslo"}""", "tool_use"));
        ((string)seen["answered"]!).ShouldBe("I am up");
        seen["parsed"]!.ToJsonString().ShouldBe("""{"sum":3}""");
        ((string)seen["run"]!).ShouldBe("I am up");
        _upstream.Bodies.ShouldContain(b => (string?)b["messages"]![b["messages"]!.AsArray().Count - 1]!["content"] == "rain in Oslo");
        (Text(seen["notFound"]!, "name"), Text(seen["notFound"]!, "type")).ShouldBe(("NotFoundError", "not_found_error"));
        (Text(seen["unsupported"]!, "name"), Text(seen["unsupported"]!, "type")).ShouldBe(("BadRequestError", "invalid_request_error"));
        Text(seen["unsupported"]!, "message").ShouldContain("'top_k'");
        Text(seen["brokeOff"]!, "message").ShouldContain("broke off");
        ((string)seen["left"]!).ShouldBe("0 ");

        static string Text(JsonNode of, string name) => (string)of[name]!;
    }

    [Fact]
    public async Task Request_EveryPart_IsTranslated()
    {
        var answer = await _gateway.PostAsync(Messages, """
            {"model":"auto","max_tokens":64,"temperature":0.5,"top_p":0.9,"stop_sequences":["END"],"metadata":{"user_id":"ann"},"thinking":{"type":"disabled"},"service_tier":"auto",
             "system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}},{"type":"text","text":"Be kind."}],
             "tools":[{"name":"weather","description":"Of a city.","input_schema":{"type":"object"}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true},
             "messages":[
              {"role":"user","content":[{"type":"text","text":"Here?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}},{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}]},
              {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"I look."},{"type":"tool_use","id":"c1","name":"weather","input":{"city":"Oslo"}}]},
              {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"rain"}]},{"type":"text","text":"So?"}]}]}
            """);

        answer.Status.ShouldBe(200, answer.Text);
        var sent = _upstream.Bodies.Single();
        ((string)sent["model"]!).ShouldBe(answer.Headers["x-router-model"]);
        sent.Remove("model");
        JsonNode.DeepEquals(sent, JsonNode.Parse("""
            {"messages":[
              {"role":"system","content":"Be brief.\nBe kind."},
              {"role":"user","content":[{"type":"text","text":"Here?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]},
              {"role":"assistant","content":"I look.","tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]},
              {"role":"tool","tool_call_id":"c1","content":"rain"},
              {"role":"user","content":"So?"}],
             "max_tokens":64,"temperature":0.5,"top_p":0.9,"stop":["END"],"user":"ann",
             "tools":[{"type":"function","function":{"name":"weather","description":"Of a city.","parameters":{"type":"object"}}}],"tool_choice":"required","parallel_tool_calls":false}
            """)).ShouldBeTrue(sent.ToJsonString());
    }

    /// <summary>Only texts have a place in what a tool gives back there; the rest follows in its order, before what the user says.</summary>
    /// <summary>Here results have room for pictures themselves: a message of its own is the user's, who broke in.</summary>
    [Fact]
    public void Request_WithAPictureBehindResults_IsWhatTheUserAsks()
    {
        var (chat, session, turn, _) = MessagesRequest.ToChat("""
            {"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"old"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"done"}]},
            {"role":"user","content":[{"type":"text","text":"new"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]}]}
            """u8.ToArray());

        var body = ChatBody.ReadTranslated(chat, turn, session);

        (body.GoesOn, body.Asked.Text).ShouldBe((false, "new"));
    }

    [Fact]
    public async Task Request_WhatToolsShow_FollowsTheirResults()
    {
        var answer = await _gateway.PostAsync(Messages, """
            {"model":"auto","max_tokens":64,"messages":[
              {"role":"user","content":[{"type":"document","title":"a.txt","source":{"type":"text","media_type":"text/plain","data":"Once."}},{"type":"text","text":"Compare."}]},
              {"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"read","input":{}},{"type":"tool_use","id":"c2","name":"read","input":{}}]},
              {"role":"user","content":[
                {"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"Here."},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}}]},
                {"type":"tool_result","tool_use_id":"c2","content":[{"type":"document","title":"b.pdf","source":{"type":"base64","media_type":"application/pdf","data":"aGk="}}]},
                {"type":"text","text":"So?"}]},
              {"role":"user","content":[{"type":"tool_result","tool_use_id":"c3","is_error":true,"content":[{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}]}]}]}
            """);

        answer.Status.ShouldBe(200, answer.Text);
        JsonNode.DeepEquals(_upstream.Bodies.Single()["messages"], JsonNode.Parse("""
            [{"role":"user","content":[{"type":"text","text":"a.txt\nOnce."},{"type":"text","text":"Compare."}]},
             {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"read","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"read","arguments":"{}"}}]},
             {"role":"tool","tool_call_id":"c1","content":"Here.\n[image 1 of the next message]"},
             {"role":"tool","tool_call_id":"c2","content":"[document 2 of the next message]"},
             {"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}},{"type":"file","file":{"filename":"b.pdf","file_data":"data:application/pdf;base64,aGk="}},{"type":"text","text":"So?"}]},
             {"role":"tool","tool_call_id":"c3","content":"[the tool failed]\n[image 1 of the next message]"},
             {"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]
            """)).ShouldBeTrue(_upstream.Bodies.Single()["messages"]!.ToJsonString());
    }

    /// <summary>Upstreams refuse an empty list of tools, and any word on tools without one.</summary>
    [Theory]
    [InlineData("""  "tools":[],"tool_choice":{"type":"auto","disable_parallel_tool_use":true},"system":[] """, "")]
    [InlineData("""  "tool_choice":{"type":"none"},"thinking":{"type":"adaptive"},"output_config":{"effort":"high"},"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]} """, "")]
    [InlineData("""  "tools":[{"name":"f","strict":true,"input_schema":{}}] """, ""","tools":[{"type":"function","function":{"name":"f","parameters":{},"strict":true}}]""")]
    [InlineData("""  "output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}} """, ""","response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"schema":{"type":"object"}}}""")]
    [InlineData("""  "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.177.01c; cc_entrypoint=cli; cch=36ee5;"}] """, "")]
    public async Task Request_WhatClientsSendRegardless_IsLeftOutOrTranslated(string more, string sent)
    {
        var answer = await _gateway.PostAsync(Messages, Hello.Insert(1, more + ","));

        answer.Status.ShouldBe(200, answer.Text);
        var body = _upstream.Bodies.Single();
        body.Remove("model");
        JsonNode.DeepEquals(body, JsonNode.Parse($$"""{"messages":[{"role":"user","content":"hello"}],"max_tokens":100{{sent}}}""")).ShouldBeTrue(body.ToJsonString());
    }

    /// <summary>Its user is another in every session otherwise, and nothing is learned of them; what the system adds after a tool's result is no new turn.</summary>
    [Fact]
    public async Task ClaudeCode_IsOneUserInManySessions_AndStaysInItsTurn()
    {
        _upstream.Script = async (context, _) =>
        {
            await context.Response.WriteAsync("""{"id":"x","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"type":"function","function":{"name":"read","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}""");
            return true;
        };
        var first = await _gateway.PostAsync(Messages, Asks("auto:quality", "s1", ""));
        var call = (string)first.Body["content"]![0]!["id"]!;
        var goesOn = await _gateway.PostAsync(Messages, Asks("auto:cheap", "s1", $$$""",{"role":"assistant","content":[{"type":"tool_use","id":"{{{call}}}","name":"read","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"{{{call}}}","content":"text"}]},{"role":"system","content":"The file has changed."}"""));

        call.ShouldNotBeEmpty(); // the upstream gave none, and results come back by it
        var sent = _upstream.Bodies.ToArray();
        sent.Select(b => (string)b["user"]!).ShouldBe(["d1", "d1"]);
        sent[0]["messages"]!.ToJsonString().ShouldBe("""[{"role":"user","content":"Read it."},{"role":"system","content":"There are agents."}]""");
        goesOn.Headers["x-router-reason"].ShouldBe("only_allowed");
        goesOn.Headers["x-router-model"].ShouldBe(first.Headers["x-router-model"]);
        var sessions = _gateway.App.Services.GetRequiredService<Sessions>();
        (await sessions.RecallAsync(sessions.NameOf("default", "d1", "s1", """[{"role":"user","content":"Read it."}"""u8), default))!.Value.Model.Value.ShouldBe(first.Headers["x-router-model"]);

        static string Asks(string model, string session, string more) => $$$"""
            {"model":"{{{model}}}","max_tokens":9,"metadata":{"user_id":"{\"device_id\":\"d1\",\"account_uuid\":\"\",\"session_id\":\"{{{session}}}\"}"},"tools":[{"name":"read","input_schema":{}}],
             "messages":[{"role":"user","content":"Read it."},{"role":"system","content":[{"type":"text","text":"There are agents."}]}{{{more}}}]}
            """;
    }

    /// <summary>By Anthropic's code, for which its tool runner looks before it sends the whole conversation instead.</summary>
    [Fact]
    public async Task Request_InAThread_IsRefusedAsAnthropicRefusesWhatItCannotKeep()
    {
        var answer = await _gateway.PostAsync(Messages, Hello.Insert(1, "\"thread\":{\"type\":\"create\"},"));

        ShouldFail(answer, 400, "invalid_request_error", "unsupported_field", "'thread'");
        answer.Body["error"]!["details"]!.ToJsonString().ShouldBe("""{"error_code":"thread_unsupported_request","unsupported":["thread"]}""");
    }

    [Fact]
    public async Task Answer_LearnsAndCosts_LikeAnyOther()
    {
        var answer = await _gateway.PostAsync(Messages, Hello, ("x-router-user", "ann"));

        ((string)answer.Body["id"]!).ShouldBe(answer.Headers["x-router-decision"]);
        ((string)answer.Body["model"]!).ShouldBe(answer.Headers["x-router-model"]);
        double.Parse(answer.Headers["x-router-cost-usd"], System.Globalization.CultureInfo.InvariantCulture).ShouldBeGreaterThan(0);
        var told = await _gateway.PostAsync("/v1/router/feedback", new JsonObject { ["receipt"] = (string)answer.Body["id"]!, ["user"] = "ann", ["kind"] = "thumb", ["value"] = "up" }.ToJsonString());
        ((bool)told.Body["counted"]!).ShouldBeTrue(told.Text);
    }

    [Fact]
    public async Task Answer_ToolCallsAndLimits_AreAnthropics()
    {
        _upstream.Script = async (context, _) =>
        {
            await context.Response.WriteAsync("""{"id":"x","object":"chat.completion","model":"m","choices":[{"index":0,"finish_reason":"length","message":{"role":"assistant","content":"a \" \n\u00e9 \ud83d","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"g","arguments":"not json"}},{"id":"c3","type":"function","function":{"name":"h","arguments":"{\"b\":\"\\ud83d\"}"}}]}}]}""");
            return true;
        };

        var answer = await _gateway.PostAsync(Messages, Hello);

        answer.Status.ShouldBe(200, answer.Text);
        var content = answer.Body["content"]!.AsArray();
        content.Select(c => (string)c!["type"]!).ShouldBe(["text", "tool_use", "tool_use", "tool_use"]);
        ((string)content[0]!["text"]!).ShouldBe("a \" \n\u00e9 \ufffd");
        content[1]!["input"]!.ToJsonString().ShouldBe("""{"a":1}""");
        content[2]!["input"]!.ToJsonString().ShouldBe("""{"unparsed_arguments":"not json"}""");
        answer.Text.ShouldContain("""{"b":"\ud83d"}""");
        ((string)answer.Body["stop_reason"]!).ShouldBe("max_tokens");
        ((int)answer.Body["usage"]!["output_tokens"]!).ShouldBeGreaterThan(0); // counted here, the upstream being silent
    }

    /// <summary>vLLM and SGLang tell which text it was; a word of their own for it, or a token's number, is none of them.</summary>
    [Theory]
    [InlineData("\"stop_reason\":\"END\"", "stop_sequence", "END")]
    [InlineData("\"matched_stop\":\"END\"", "stop_sequence", "END")]
    [InlineData("\"stop_reason\":null", "end_turn", null)]
    [InlineData("\"stop_reason\":\"stop\"", "end_turn", null)]
    [InlineData("\"stop_reason\":128009", "end_turn", null)]
    [InlineData("\"matched_stop\":128009", "end_turn", null)]
    public async Task StopSequence_ThatTheUpstreamTells_IsTold(string told, string reason, string? sequence)
    {
        _upstream.Script = async (context, body) =>
        {
            var streams = (bool?)body["stream"] == true;
            context.Response.ContentType = streams ? "text/event-stream" : "application/json";
            var choice = $$"""{"id":"x","model":"m","choices":[{"index":0,"{{(streams ? "delta" : "message")}}":{"content":"a"},"finish_reason":"stop",{{told}}}]}""";
            await context.Response.WriteAsync(streams ? $"data: {choice}\n\ndata: [DONE]\n\n" : choice);
            return true;
        };
        var asked = Hello.Insert(1, "\"stop_sequences\":[\"X\",\"END\"],");

        var whole = (await _gateway.PostAsync(Messages, asked)).Body;
        var delta = (await _gateway.StreamAsync(Messages, asked)).Single(e => (string)e["type"]! == "message_delta")["delta"]!;

        ((string)whole["stop_reason"]!, (string?)whole["stop_sequence"]).ShouldBe((reason, sequence));
        ((string)delta["stop_reason"]!, (string?)delta["stop_sequence"]).ShouldBe((reason, sequence));
    }

    [Theory]
    [InlineData("POST", "/v1/messages/batches", 404, "not_found_error", "unknown_url")]
    [InlineData("GET", "/v1/messages/batches/b1/results", 404, "not_found_error", "unknown_url")]
    [InlineData("GET", "/v1/messages", 405, "invalid_request_error", "method_not_allowed")]
    [InlineData("GET", "/v1/messages/count_tokens", 405, "invalid_request_error", "method_not_allowed")]
    public async Task Path_ThatIsNotHere_IsToldInAnthropicsShape(string method, string path, int status, string type, string code) =>
        ShouldFail(await _gateway.SendAsync(new HttpMethod(method), path, method == "POST" ? "{}" : null), status, type, code, path);

    [Theory]
    [InlineData("", "hello", "message_start content_block_start content_block_delta content_block_delta content_block_stop message_delta message_stop")]
    [InlineData("", "break", "message_start content_block_start content_block_delta error")]
    [InlineData(""","tools":[{"name":"weather","input_schema":{}}]""", "tools", "message_start content_block_start content_block_delta content_block_delta content_block_stop message_delta message_stop")]
    public async Task Stream_Events_ComeInAnthropicsOrder(string more, string asked, string expected)
    {
        var events = await _gateway.StreamAsync(Messages, $$"""{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"{{asked}}"}]{{more}}}""");

        string.Join(' ', events.Select(e => (string)e["type"]!)).ShouldBe(expected);
    }

    /// <summary>Proxies cut what is silent for a minute, and a model may think for longer.</summary>
    [Fact]
    public async Task Stream_OfAModelThatThinks_IsNotSilent_AndTellsItsCost()
    {
        _upstream.Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"Hm.\"}}]}\n\ndata: {\"id\":\"x\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"So.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
            return true;
        };

        var events = await _gateway.StreamAsync(Messages, Hello);
        using var answer = await _gateway.Client.PostAsync(Messages, new StringContent(Hello.Insert(1, "\"stream\":true,")));

        string.Join(' ', events.Select(e => (string)e["type"]!)).ShouldBe("message_start ping content_block_start content_block_delta content_block_stop message_delta message_stop");
        (await answer.Content.ReadAsStringAsync()).ShouldMatch(@"\n\n: x-router-cost-usd 0\.\d+ counted\n\nevent: message_delta\n");
    }

    /// <summary>Some upstreams number no tool calls, or number all of them 0; a new id is a new call.</summary>
    [Theory]
    [InlineData("\"index\":0,", "\"index\":0,")]
    [InlineData("", "")]
    [InlineData("\"index\":0,", "\"index\":1,")]
    public async Task Stream_TwoToolCalls_AreTwoBlocks(string first, string second)
    {
        _upstream.Script = (context, _) => ScriptedUpstream.TwoCallsAsync(context, first, second);

        var data = await _gateway.StreamAsync(Messages, Hello);

        data.Where(d => (string)d["type"]! == "content_block_start").Select(d => (string)d["content_block"]!["id"]! + (string)d["content_block"]!["name"]!).ShouldBe(["c1f", "c2g"]);
        data.Where(d => (string)d["type"]! == "content_block_delta").GroupBy(d => (int)d["index"]!).Select(b => string.Concat(b.Select(d => (string)d["delta"]!["partial_json"]!))).ShouldBe(["{\"a\":1}", "{}"]);
    }

    /// <summary>Some upstreams write an object where OpenAI has its text; the tool would be called with nothing.</summary>
    [Fact]
    public async Task Call_WhoseArgumentsAreAnObject_KeepsThem()
    {
        _upstream.Script = ScriptedUpstream.CallWithAnObject;

        (await _gateway.PostAsync(Messages, Hello)).Body["content"]![0]!["input"]!.ToJsonString().ShouldBe("""{"a":1}""");
        ((string)(await _gateway.StreamAsync(Messages, Hello)).Single(e => (string)e["type"]! == "content_block_delta")["delta"]!["partial_json"]!).ShouldBe("""{"a":1}""");
    }

    /// <summary>Nothing is asked for by it, and some clients write every field they know.</summary>
    [Theory]
    [InlineData(Messages, """{"model":"auto","max_tokens":9,"top_k":null,"container":null,"messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData("/v1/responses", """{"model":"auto","previous_response_id":null,"conversation":null,"prompt":null,"background":null,"truncation":null,"input":"hello"}""")]
    public async Task Request_FieldThatIsNull_IsNotThere(string path, string body)
    {
        var answer = await _gateway.PostAsync(path, body);

        answer.Status.ShouldBe(200, answer.Text);
    }

    /// <summary>Blocks come one after the other, whatever way an upstream sends the pieces of several calls.</summary>
    [Fact]
    public async Task Stream_ToolCallsWhosePiecesAreMixed_AreOneAfterTheOther()
    {
        _upstream.Script = (context, _) => ScriptedUpstream.MixedCallsAsync(context);

        var data = await _gateway.StreamAsync(Messages, Hello);

        data.Where(d => (string)d["type"]! == "content_block_start").Select(d => (string)d["content_block"]!["id"]! + (string)d["content_block"]!["name"]!).ShouldBe(["c1f", "c2g", "c3h"]);
        data.Where(d => (string)d["type"]! == "content_block_delta").GroupBy(d => (int)d["index"]!).Select(b => string.Concat(b.Select(d => (string)d["delta"]!["partial_json"]!))).ShouldBe(["{\"a\":1}", "{\"b\":2}", "{}"]);
    }

    [Theory]
    [InlineData("""{"model":"auto","messages":[{"role":"user","content":"x"}]}""", "missing_field", "'max_tokens'")]
    [InlineData("""{"model":"auto","max_tokens":0,"messages":[{"role":"user","content":"x"}]}""", "invalid_value", "'max_tokens' is 0")]
    [InlineData("""{"model":"auto","max_tokens":1,"messages":[]}""", "invalid_value", "'messages'")]
    [InlineData("""{"model":"auto","max_tokens":1,"messages":[{"role":"tool","content":"x"}]}""", "invalid_value", "user, assistant or system")]
    [InlineData("""{"model":"auto","max_tokens":1,"context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]},"messages":[{"role":"user","content":"x"}]}""", "unsupported_field", "'clear_tool_uses_20250919'")]
    [InlineData("""{"model":"auto","max_tokens":1,"output_config":{"task_budget":{}},"messages":[{"role":"user","content":"x"}]}""", "unsupported_field", "'output_config.task_budget'")]
    [InlineData("""{"model":"auto","max_tokens":1,"output_config":{"format":{"type":"text"}},"messages":[{"role":"user","content":"x"}]}""", "invalid_value", "json_schema")]
    [InlineData("""{"model":"auto","max_tokens":1,"messages":[3]}""", "invalid_value", "'messages' is 3")]
    [InlineData("""{"model":"auto","max_tokens":1,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://example.com"}}]}]}""", "unsupported_field", "'url'")]
    [InlineData("""{"model":"auto","max_tokens":1,"messages":[{"role":"user","content":[{"type":"search_result"}]}]}""", "unsupported_field", "'search_result'")]
    [InlineData("""{"model":"auto","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":[{"type":"search_result"}]}]}]}""", "unsupported_field", "'search_result'")]
    [InlineData("""{"model":"auto","max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}]}""", "unsupported_field", "'file'")]
    [InlineData("""{"model":"auto","max_tokens":1,"tools":[{"type":"web_search_20250305","name":"web_search"}],"messages":[{"role":"user","content":"x"}]}""", "unsupported_field", "web_search_20250305")]
    [InlineData("""{"model":"auto","max_tokens":1,"tools":[{"type":1,"name":"f"}],"messages":[{"role":"user","content":"x"}]}""", "unsupported_field", "the type 1")]
    [InlineData("""{"model":"auto","max_tokens":1,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"x"}]}""", "unsupported_field", "'thinking'")]
    [InlineData("""{"model":"auto","max_tokens":1,"container":"c","messages":[{"role":"user","content":"x"}]}""", "unsupported_field", "'container'")]
    [InlineData("""{"model":"auto","max_tokens":1,"metadata":{"user_id":7},"messages":[{"role":"user","content":"x"}]}""", "invalid_value", "'metadata.user_id' is 7")]
    [InlineData("{", "invalid_json", "not valid JSON")]
    public async Task Request_WhatCannotBeAnswered_IsRefusedInAnthropicsShape(string body, string code, string named)
    {
        var answer = await _gateway.PostAsync(Messages, body);

        ShouldFail(answer, 400, "invalid_request_error", code, named);
        answer.Text.ShouldNotContain("\\u0027");
        _upstream.Calls.ShouldBe(0);
    }

    /// <summary>Anthropic's clients ask before they send, without a limit of the answer.</summary>
    [Theory]
    [InlineData("""{"model":"auto","messages":[{"role":"user","content":"LONG"}]}""", 1004)]
    [InlineData("""{"model":"mixtral-8x7b-instruct","max_tokens":5,"stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"LONG"}]}]}""", 1004)]
    [InlineData("""{"model":"auto","system":"LONG","messages":[{"role":"user","content":"LONG"},{"role":"assistant","content":"LONG"},{"role":"user","content":"LONG"}]}""", 4016)]
    [InlineData("""{"model":"auto","tools":[{"name":"f","description":"LONG","input_schema":{}}],"messages":[{"role":"user","content":"LONG"}]}""", 2023)]
    [InlineData("""{"model":"auto","messages":[{"role":"user","content":[{"type":"text","text":"LONG"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"LONG"}},{"type":"image","source":{"type":"url","url":"https://example.com"}}]}]}""", 2534)]
    public async Task CountTokens_IsAnEstimate_AndCallsNoModel(string body, int tokens)
    {
        var answer = await _gateway.PostAsync(Messages + "/count_tokens", body.Replace("LONG", new string('a', 4000), StringComparison.Ordinal));

        answer.Status.ShouldBe(200, answer.Text);
        answer.Text.ShouldBe($$"""{"input_tokens":{{tokens}}}""");
        _upstream.Calls.ShouldBe(0);
    }

    [Theory]
    [InlineData("""{"model":"auto"}""", 400, "invalid_request_error", "missing_field", "'messages'")]
    [InlineData("""{"model":"auto","max_tokens":0,"messages":[{"role":"user","content":"x"}]}""", 400, "invalid_request_error", "invalid_value", "'max_tokens' is 0")]
    [InlineData("""{"model":"auto","top_k":5,"messages":[{"role":"user","content":"x"}]}""", 400, "invalid_request_error", "unsupported_field", "'top_k'")]
    [InlineData("""{"model":"gpt-9","messages":[{"role":"user","content":"x"}]}""", 404, "not_found_error", "model_not_found", "'gpt-9'")]
    public async Task CountTokens_WhatCannotBeAnswered_IsRefusedAsAMessageIs(string body, int status, string type, string code, string named) =>
        ShouldFail(await _gateway.PostAsync(Messages + "/count_tokens", body), status, type, code, named);

    /// <summary>The standard joins the data lines of an event by newlines, which JSON takes between its words.</summary>
    [Fact]
    public async Task Stream_EventOfSeveralDataLines_IsReadWhole()
    {
        _upstream.Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync("data: {\"id\":\"x\",\"model\":\"m\",\ndata: \"choices\":[{\"index\":0,\"delta\":{\"content\":\"whole\"},\r\ndata:\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
            return true;
        };

        using var answer = await _gateway.Client.PostAsync(Messages, new StringContent(Hello.Insert(1, "\"stream\":true,")));

        var text = await answer.Content.ReadAsStringAsync();
        text.ShouldContain("\"text\":\"whole\"");
        text.ShouldContain("event: message_stop");
    }

    [Fact]
    public async Task Upstream_RefusesOrFails_IsToldInAnthropicsShape()
    {
        _upstream.Script = (context, _) => ScriptedUpstream.FailAsync(context, 422, "too spicy");
        ShouldFail(await _gateway.PostAsync(Messages, Hello), 422, "invalid_request_error", "upstream_refused", "too spicy");

        _upstream.Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        ShouldFail(await _gateway.PostAsync(Messages, Hello), 502, "api_error", "upstream_failed", "status 500");
    }

    [Fact]
    public async Task Key_AsAnthropicsClientsSendIt_IsTaken()
    {
        const string key = "k-123";
        var hash = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(key)));
        await using var locked = await RunningGateway.StartAsync("--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, "--ApiKeys:0:Tenant", "t", "--ApiKeys:0:Sha256", hash, "--ApiKeys:0:Scopes:0", "inference");

        (await locked.PostAsync(Messages, Hello, ("x-api-key", key))).Status.ShouldBe(200);
        (await locked.PostAsync(Messages, Hello, ("Authorization", "Bearer " + key))).Status.ShouldBe(200);
        ShouldFail(await locked.PostAsync(Messages, Hello, ("x-api-key", "wrong")), 401, "authentication_error", "invalid_api_key", "not known");
        ShouldFail(await locked.PostAsync(Messages, Hello), 401, "authentication_error", "invalid_api_key", "x-api-key");
    }

    /// <summary>Anthropic's clients look for it there.</summary>
    [Fact]
    public async Task RequestId_GoesByAnthropicsNameToo()
    {
        var (whole, refused) = (await _gateway.PostAsync(Messages, Hello), await _gateway.PostAsync(Messages, "{}"));

        whole.Headers["request-id"].ShouldBe(whole.Headers["x-request-id"]);
        refused.Headers["request-id"].ShouldBe((string)refused.Body["request_id"]!);
    }

    private static void ShouldFail(Answer answer, int status, string type, string code, string named)
    {
        answer.Status.ShouldBe(status, answer.Text);
        answer.Body.Select(p => p.Key).ShouldBe(["type", "error", "request_id"]);
        ((string)answer.Body["type"]!, (string)answer.Body["error"]!["type"]!, (string)answer.Body["error"]!["code"]!).ShouldBe(("error", type, code));
        ((string)answer.Body["error"]!["message"]!).ShouldContain(named);
        ((string)answer.Body["request_id"]!).ShouldBe(answer.Headers["x-request-id"]);
    }
}
