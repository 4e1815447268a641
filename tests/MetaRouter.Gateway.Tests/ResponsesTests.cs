using System.ClientModel;
using System.Text;
using System.Text.Json.Nodes;
using MetaRouter.Hosting;
using MetaRouter.RouterContract;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OpenAI.Responses;

#pragma warning disable OPENAI001 // The client's types may still change; a newer one is taken when it is asked for.

namespace MetaRouter.Gateway.Tests;

/// <summary>OpenAI's Responses, over upstreams that speak chat completions.</summary>
public sealed class ResponsesTests : IAsyncLifetime
{
    private const string Responses = "/v1/responses", Hello = """{"model":"auto","input":"hello"}""";
    private ScriptedUpstream _upstream = null!;
    private RunningGateway _gateway = null!;

    public async Task InitializeAsync()
    {
        _upstream = await ScriptedUpstream.StartAsync();
        _gateway = await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [NodeFact]
    public async Task NpmClient_SeesWhatOpenAiWouldShowIt()
    {
        _upstream.Script = async (context, body) =>
        {
            if (body["response_format"] is null)
            {
                return false;
            }

            await context.Response.WriteAsync(Completion("""{"role":"assistant","content":"{\"sum\":56}"}"""));
            return true;
        };
        var seen = await NodeFactAttribute.RunAsync("responses.mjs", new Uri(_gateway.Client.BaseAddress!, "/v1").ToString());

        seen["counted"]!["object"]!.GetValue<string>().ShouldBe("response.input_tokens");
        ((int)seen["counted"]!["input_tokens"]!).ShouldBeInRange(20, 80);
        var (whole, stream) = (seen["whole"]!, seen["stream"]!);
        (Text(whole, "output_text"), Text(whole, "status"), Text(whole, "object"), Text(whole, "instructions")).ShouldBe(("I am up", "completed", "response", "Be brief."));
        Text(whole, "id").Length.ShouldBeGreaterThan(100);
        whole["usage"]!.ToJsonString().ShouldBe("""{"input_tokens":1000,"input_tokens_details":{"cached_tokens":600,"cache_write_tokens":0},"output_tokens":100,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":1100}""");
        seen["deltas"]!.ToJsonString().ShouldBe("""["I am ","up"]""");
        seen["events"]!.AsArray().Select(e => (int)e!["number"]!).ShouldBe(Enumerable.Range(0, seen["events"]!.AsArray().Count));
        ((string)stream["output"]![0]!["content"]![0]!["text"]!, Text(stream, "status"), (int)stream["usage"]!["total_tokens"]!).ShouldBe(("I am up", "completed", 1100));
        (Text(seen["tool"]!, "type"), Text(seen["tool"]!, "call_id"), Text(seen["tool"]!, "name"), Text(seen["tool"]!, "arguments"), Text(seen["tool"]!, "status")).ShouldBe(("function_call", "call_1", "weather", """{"city":"Oslo"}""", "completed"));
        ((string)seen["answered"]!).ShouldBe("I am up");
        ((int)seen["parsed"]!["sum"]!).ShouldBe(56);
        (Text(seen["notFound"]!, "name"), Text(seen["notFound"]!, "code")).ShouldBe(("NotFoundError", "model_not_found"));
        (Text(seen["unsupported"]!, "name"), Text(seen["unsupported"]!, "code")).ShouldBe(("BadRequestError", "unsupported_field"));
        (Text(seen["notKept"]!, "name"), Text(seen["notKept"]!, "code")).ShouldBe(("NotFoundError", "response_not_kept"));
        Text(seen["brokeOff"]!, "message").ShouldContain("broke off");
        ((string)seen["left"]!).ShouldBe("0 ");

        static string Text(JsonNode of, string name) => (string)of[name]!;
    }

    [Fact]
    public async Task DotNetClient_Whole_ReadsEveryField()
    {
        _upstream.Script = async (context, _) =>
        {
            await context.Response.WriteAsync(Completion("""{"role":"assistant","content":"I look.","reasoning_content":"Where?","tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]}""", "tool_calls"));
            return true;
        };
        var options = Options("Which weather?");
        options.Instructions = "Be brief.";
        options.Metadata["a"] = "b";
        options.EndUserId = "ann";

        var result = (await DotNet().CreateResponseAsync(options)).Value;

        (result.Status, result.GetOutputText(), result.Model.Length > 0, result.Id.Length > 100).ShouldBe((ResponseStatus.Completed, "I look.", true, true));
        (result.OutputItems[0] is ReasoningResponseItem, result.OutputItems[1] is MessageResponseItem { Status: MessageStatus.Completed }, result.OutputItems.Count).ShouldBe((true, true, 3));
        var call = result.OutputItems.OfType<FunctionCallResponseItem>().Single();
        (call.CallId, call.FunctionName, call.FunctionArguments.ToString(), call.Status).ShouldBe(("c1", "weather", """{"city":"Oslo"}""", FunctionCallStatus.Completed));
        (result.Usage.InputTokenCount, result.Usage.OutputTokenCount, result.Usage.TotalTokenCount, result.Usage.OutputTokenDetails.ReasoningTokenCount).ShouldBe((9, 3, 12, 2));
        (result.Tools.Count, result.ParallelToolCallsEnabled, result.Metadata["a"], result.EndUserId, result.Instructions.Count, result.Temperature).ShouldBe((1, true, "b", "ann", 1, null));
        result.CreatedAt.ShouldBe(DateTimeOffset.UtcNow, TimeSpan.FromMinutes(1));

        // What it was given goes back as it is, with what the tool said.
        foreach (var item in result.OutputItems)
        {
            options.InputItems.Add(item);
        }

        options.InputItems.Add(ResponseItem.CreateFunctionCallOutputItem(call.CallId, "rain"));
        _upstream.Script = (_, _) => Task.FromResult(false);
        (await DotNet().CreateResponseAsync(options)).Value.GetOutputText().ShouldBe("I am up");
        var messages = _upstream.Bodies.Last()["messages"]!.AsArray();
        messages.Select(m => (string)m!["role"]!).ShouldBe(["system", "user", "assistant", "tool"]);
        ((string)messages[2]!["content"]!).ShouldBe("I look.");
    }

    [Fact]
    public async Task DotNetClient_Streamed_ReadsEveryEvent()
    {
        var (text, kinds, last) = (new StringBuilder(), new List<string>(), default(ResponseResult));
        var options = Options("hello");
        options.StreamingEnabled = true;
        await foreach (var update in await DotNet().CreateResponseStreamingAsync(options))
        {
            kinds.Add(update.GetType().Name);
            text.Append((update as StreamingResponseOutputTextDeltaUpdate)?.Delta);
            last = (update as StreamingResponseCompletedUpdate)?.Response ?? last;
        }

        text.ToString().ShouldBe("I am up");
        (last!.GetOutputText(), last.Usage.TotalTokenCount).ShouldBe(("I am up", 1100));
        kinds.ShouldNotContain(k => k.Contains("Unknown", StringComparison.Ordinal));
        kinds.Count.ShouldBe(10);

        options = Options("break");
        options.StreamingEnabled = true;
        var failed = new List<string>();
        await Should.ThrowAsync<Exception>(async () =>
        {
            await foreach (var update in await DotNet().CreateResponseStreamingAsync(options))
            {
                failed.Add(((update as StreamingResponseErrorUpdate)?.Code ?? (update as StreamingResponseFailedUpdate)?.Response.Error.Message) ?? "");
            }
        });
        failed.ShouldContain("upstream_broke_off");
        failed.ShouldContain(f => f.Contains("broke off", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Request_EveryPart_IsTranslated()
    {
        var answer = await _gateway.PostAsync(Responses, """
            {"model":"auto","instructions":"Be brief.","max_output_tokens":64,"temperature":0.5,"top_p":0.9,"user":"ann","safety_identifier":"ann2","metadata":{"a":"b"},"store":true,"truncation":"disabled","background":false,
             "reasoning":{"effort":"low","summary":"auto"},"include":["reasoning.encrypted_content"],"service_tier":"flex","prompt_cache_key":"k","parallel_tool_calls":false,"previous_response_id":null,"client_metadata":{"x":"y"},
             "text":{"verbosity":"low","format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object"}}},"tool_choice":{"type":"function","name":"weather"},"stream_options":null,"max_tool_calls":3,
             "tools":[{"type":"function","name":"weather","description":"Of a city.","parameters":{"type":"object"},"strict":true},{"type":"function","name":"bare","parameters":null,"strict":null},
              {"type":"custom","name":"code","description":"Any.","format":{"type":"grammar","syntax":"regex","definition":"a+"}},{"type":"namespace","name":"crm","description":"d","tools":[{"type":"function","name":"find"}]}],
             "input":[
              {"role":"developer","content":"Be kind."},
              {"type":"message","role":"user","content":[{"type":"input_text","text":"Here?"},{"type":"input_image","image_url":"https://example.com/a.png","detail":"low"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,aGk="},{"type":"input_audio","input_audio":{"data":"aGk=","format":"wav"}}]},
              {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x"},
              {"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"I look.","annotations":[]}]},
              {"type":"function_call","id":"fc_1","call_id":"c1","name":"weather","arguments":"{\"city\":\"Oslo\"}","status":"completed"},
              {"type":"function_call","call_id":"c2","name":"find","namespace":"crm","arguments":"{}"},
              {"type":"custom_tool_call","call_id":"c3","name":"code","input":"aa"},
              {"type":"function_call_output","call_id":"c1","output":"rain"},
              {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"no"},{"type":"input_text","text":"body"}]},
              {"type":"custom_tool_call_output","call_id":"c3","output":"done"},
              {"role":"assistant","content":[{"type":"refusal","refusal":"I may not."}]},
              {"role":"assistant","content":"Really."},
              {"role":"system","content":"Later."},
              {"role":"user","content":[{"type":"input_text","text":"So?"},{"type":"input_text","text":"Well?"}]}]}
            """);

        answer.Status.ShouldBe(200, answer.Text);
        var sent = _upstream.Bodies.Single();
        ((string)sent["model"]!).ShouldBe(answer.Headers["x-router-model"]);
        sent.Remove("model");
        JsonNode.DeepEquals(sent, JsonNode.Parse("""
            {"messages":[
              {"role":"system","content":"Be brief.\n\nBe kind."},
              {"role":"user","content":[{"type":"text","text":"Here?"},{"type":"image_url","image_url":{"url":"https://example.com/a.png","detail":"low"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,aGk="}},{"type":"input_audio","input_audio":{"data":"aGk=","format":"wav"}}]},
              {"role":"assistant","content":"I look.","tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}},{"id":"c2","type":"function","function":{"name":"crm__find","arguments":"{}"}},{"id":"c3","type":"custom","custom":{"name":"code","input":"aa"}}]},
              {"role":"tool","tool_call_id":"c1","content":"rain"},
              {"role":"tool","tool_call_id":"c2","content":"no\nbody"},
              {"role":"tool","tool_call_id":"c3","content":"done"},
              {"role":"assistant","content":"I may not."},
              {"role":"assistant","content":"Really."},
              {"role":"system","content":"Later."},
              {"role":"user","content":"So?\nWell?"}],
             "max_tokens":64,"temperature":0.5,"top_p":0.9,"user":"ann","safety_identifier":"ann2","service_tier":"flex","prompt_cache_key":"k","reasoning_effort":"low","verbosity":"low",
             "response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"object"}}},
             "tools":[{"type":"function","function":{"name":"weather","description":"Of a city.","parameters":{"type":"object"},"strict":true}},{"type":"function","function":{"name":"bare"}},
              {"type":"custom","custom":{"name":"code","description":"Any.","format":{"type":"grammar","grammar":{"syntax":"regex","definition":"a+"}}}},{"type":"function","function":{"name":"crm__find"}}],
             "tool_choice":{"type":"function","function":{"name":"weather"}},"parallel_tool_calls":false}
            """)).ShouldBeTrue(sent.ToJsonString());
        (answer.Body["store"]!.GetValue<bool>(), answer.Body["metadata"]!.ToJsonString(), (string)answer.Body["text"]!["verbosity"]!, answer.Body["tools"]!.AsArray().Count).ShouldBe((false, """{"a":"b"}""", "low", 4));
    }

    /// <summary>What upstreams refuse without tools is often sent here regardless.</summary>
    [Theory]
    [InlineData(""","tool_choice":"auto","parallel_tool_calls":true,"tools":[]""", "")]
    [InlineData(""","tool_choice":"none","text":{"format":{"type":"text"}},"reasoning":{"summary":null},"top_logprobs":0,"stream":false""", "")]
    [InlineData(""","tool_choice":"required","text":{"format":{"type":"json_object"}},"top_logprobs":2,"reasoning":{"mode":"standard"}""", """ "tool_choice":"required","response_format":{"type":"json_object"},"logprobs":true,"top_logprobs":2 """)]
    [InlineData(""","include":["message.output_text.logprobs"]""", """ "logprobs":true,"top_logprobs":0 """)]
    [InlineData(""","tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"}]}""", """ "tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}} """)]
    public async Task Request_WhatChangesNothing_IsLeftOut(string more, string sent)
    {
        (await _gateway.PostAsync(Responses, Hello.Insert(Hello.Length - 1, more))).Status.ShouldBe(200);

        var body = _upstream.Bodies.Single();
        body.Remove("model");
        JsonNode.DeepEquals(body, JsonNode.Parse($$"""{"messages":[{"role":"user","content":"hello"}]{{(sent.Length > 0 ? "," : "")}}{{sent}}}""")).ShouldBeTrue(body.ToJsonString());
    }

    /// <summary>OpenAI's reasoning models refuse max_tokens, and other servers pass over max_completion_tokens in silence; who asks for auto cannot know which is asked.</summary>
    [Fact]
    public async Task Limit_GoesByTheNameTheUpstreamKnows()
    {
        await using var gateway = await StartAsync("--Upstreams:0:MaxCompletionTokens", "true");
        await gateway.PostAsync(Responses, """{"model":"auto","max_output_tokens":64,"temperature":0.5,"metadata":{"max_tokens":"1"},"input":"\"max_tokens\":9"}""");
        await gateway.PostAsync("/v1/messages", """{"model":"auto","max_tokens":65,"messages":[{"role":"user","content":"hello"}]}""");
        await gateway.PostAsync(Responses, Hello);
        await gateway.PostAsync("/v1/chat/completions", """{ "model" : "auto" , "max\u005ftokens" : 66 , "messages":[{"role":"user","content":"hello"}]}""");
        await gateway.PostAsync("/v1/chat/completions", """{"model":"auto","messages":[{"role":"user","content":"hello"}],"max_tokens":67,"max_completion_tokens":68}""");

        _upstream.Bodies.Select(b => $"{b["max_completion_tokens"]?.ToJsonString()}/{b["max_tokens"]?.ToJsonString()}").ShouldBe(["64/", "65/", "/", "66/", "68/67"]);
        ((string)_upstream.Bodies.First()["messages"]![0]!["content"]!).ShouldBe("\"max_tokens\":9");
    }

    [Fact]
    public async Task Answer_LearnsAndCosts_LikeAnyOther()
    {
        foreach (var (field, header) in new[] { ("\"safety_identifier\":\"ann\",\"user\":\"x\"", ""), ("\"user\":\"ann\"", "x"), ("\"store\":false", "ann") })
        {
            var answer = await _gateway.PostAsync(Responses, Hello.Insert(1, field + ","), ("x-router-user", header));

            ((string)answer.Body["id"]!).ShouldBe(answer.Headers["x-router-decision"]);
            ((string)answer.Body["model"]!).ShouldBe(answer.Headers["x-router-model"]);
            double.Parse(answer.Headers["x-router-cost-usd"], System.Globalization.CultureInfo.InvariantCulture).ShouldBeGreaterThan(0);
            answer.Body["receipt"] = (string)answer.Body["id"]!;
            ((bool)(await _gateway.FeedbackAsync(answer, "ann", "thumb", "up")).Body["counted"]!).ShouldBeTrue();
        }
    }

    /// <summary>A model that is asked for by name gives no receipt: the upstream's id stays.</summary>
    [Fact]
    public async Task Answer_OfANamedModel_HasTheUpstreamsId()
    {
        var answer = await _gateway.PostAsync(Responses, """{"model":"mixtral-8x7b-instruct","input":"hello"}""");

        (answer.Status, (string)answer.Body["id"]!, (string)answer.Body["model"]!, answer.Headers["x-router-reason"]).ShouldBe((200, "up-up", "mixtral-8x7b-instruct", "requested"));
    }

    /// <summary>An answer that has nothing of its own to say still has the fields that clients' types require.</summary>
    [Fact]
    public async Task Answer_OfABareRequest_HasEveryField()
    {
        var answer = await _gateway.PostAsync(Responses, Hello);

        var body = answer.Body;
        foreach (var name in new[] { "id", "created_at", "completed_at", "model", "output", "usage" })
        {
            body[name].ShouldNotBeNull();
            body.Remove(name);
        }

        JsonNode.DeepEquals(body, JsonNode.Parse("""
            {"object":"response","status":"completed","background":false,"error":null,"incomplete_details":null,"previous_response_id":null,"store":false,"truncation":"disabled","instructions":null,"max_output_tokens":null,"max_tool_calls":null,
             "parallel_tool_calls":true,"prompt_cache_key":null,"reasoning":{"effort":null,"summary":null},"safety_identifier":null,"temperature":null,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":null,"user":null,"metadata":{}}
            """)).ShouldBeTrue(body.ToJsonString());
    }

    [Theory]
    [InlineData("""{"content":"a \" \n\u00e9 \ud83d"}""", "stop", "completed", null, "message completed output_text \"a \\\" \\n\u00e9 \ufffd\"")]
    [InlineData("""{"content":"half"}""", "length", "incomplete", "max_output_tokens", """message incomplete output_text "half" """)]
    [InlineData("""{"content":null}""", "content_filter", "incomplete", "content_filter", """message incomplete output_text "" """)]
    [InlineData("""{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]},{"type":"text","text":"It "},{"type":"text","text":"is."}]}""", "stop", "completed", null, """reasoning  reasoning_text "Hm."; message completed output_text "It is." """)]
    [InlineData("""{"content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":""}},{"id":"c2","type":"function","function":{"name":"g"}}]}""", "tool_calls", "completed", null, """function_call completed f "{}"; function_call completed g "{}" """)]
    [InlineData("""{"content":null,"refusal":"I may not."}""", "stop", "completed", null, """message completed refusal "I may not." """)]
    [InlineData("""{"content":"So.","reasoning":"Hm.","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"not json"}},{"type":"custom","custom":{"name":"g","input":"any"}},{"id":"c2","function":{"name":"crm__find","arguments":"{}"}}]}""", "tool_calls", "completed", null, """reasoning  reasoning_text "Hm."; message completed output_text "So."; function_call completed f "not json"; custom_tool_call completed g "any"; function_call completed find "{}" """)]
    [InlineData("""{}""", "stop", "completed", null, """message completed output_text "" """)]
    public async Task Answer_IsTheSame_WholeAndStreamed(string message, string finish, string status, string? reason, string items)
    {
        const string request = """{"model":"auto","input":"hello","tools":[{"type":"namespace","name":"crm","description":"d","tools":[{"type":"function","name":"find"}]}]}""";
        _upstream.Script = async (context, body) =>
        {
            if (body["stream"] is null)
            {
                await context.Response.WriteAsync(Completion(message, finish));
                return true;
            }

            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync($$"""data: {"id":"x","choices":[{"index":0,"delta":{{Numbered(message)}}}]}""" + "\n\n" + $$"""data: {"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"{{finish}}"}]}""" + "\n\ndata: [DONE]\n\n");
            return true;
        };

        var whole = await _gateway.PostAsync(Responses, request);
        var events = await StreamAsync(request);

        whole.Status.ShouldBe(200, whole.Text);
        var last = events[^1];
        ((string)last["type"]!).ShouldBe("response." + status);
        foreach (var response in new[] { whole.Body, last["response"]!.AsObject() })
        {
            ((string)response["status"]!, (string?)response["incomplete_details"]?["reason"], response["completed_at"] is null).ShouldBe((status, reason, status != "completed"));
            string.Join("; ", response["output"]!.AsArray().Select(Told)).ShouldBe(items.Trim());
            response["output"]!.AsArray().Select(i => (string)i!["id"]!).Distinct().Count().ShouldBe(response["output"]!.AsArray().Count);
            response["output"]!.AsArray().Where(i => i!["call_id"] is not null).ShouldAllBe(i => ((string)i!["call_id"]!).Length > 1);
            response["output"]!.AsArray().Where(i => (string?)i!["name"] == "find").ShouldAllBe(i => (string)i!["namespace"]! == "crm");
        }

        // What the events told piece by piece is what the last one tells at once.
        string.Join("; ", events.Where(e => (string)e["type"]! == "response.output_item.done").Select(e => Told(e["item"]))).ShouldBe(items.Trim());
        last["response"]!["output"]!.AsArray().Select(i => (string)i!["id"]!).ShouldBe(events.Where(e => (string)e["type"]! == "response.output_item.added").Select(e => (string)e["item"]!["id"]!));

        static string Told(JsonNode? item) => item!["content"] is JsonArray content
            ? $"{(string)item["type"]!} {(string?)item["status"]} {(string)content.Single()!["type"]!} {Quoted(content.Single()!["text"] ?? content.Single()!["refusal"])}"
            : $"{(string)item["type"]!} {(string)item["status"]!} {(string)item["name"]!} {Quoted(item["arguments"] ?? item["input"])}";

        static string Quoted(JsonNode? text) => text!.ToJsonString(Http.GatewayJson.Readable);
    }

    [Theory]
    [InlineData("", "hello", "created in_progress output_item.added content_part.added output_text.delta output_text.delta output_text.done content_part.done output_item.done completed")]
    [InlineData("", "break", "created in_progress output_item.added content_part.added output_text.delta error failed")]
    [InlineData(""","tools":[{"type":"function","name":"weather"}]""", "tools", "created in_progress output_item.added function_call_arguments.delta function_call_arguments.delta function_call_arguments.done output_item.done completed")]
    public async Task Stream_Events_ComeInOpenAisOrder(string more, string asked, string expected)
    {
        var events = await StreamAsync($$"""{"model":"auto","input":"{{asked}}"{{more}}}""");

        string.Join(' ', events.Select(e => ((string)e["type"]!).Replace("response.", "", StringComparison.Ordinal))).ShouldBe(expected);
        events.Select(e => (int)e["sequence_number"]!).ShouldBe(Enumerable.Range(0, events.Count));
        events.Where(e => e["output_index"] is not null).ShouldAllBe(e => (int)e["output_index"]! == 0);
        events.Where(e => e["item_id"] is not null).Select(e => (string)e["item_id"]!).Distinct().Count().ShouldBe(1);
        events.Where(e => e["response"] is not null).Select(e => (string)e["response"]!["id"]!).Distinct().Single().Length.ShouldBeGreaterThan(100);
        var last = events[^1]["response"]!;
        if (asked == "break")
        {
            ((string)last["status"]!, (string)last["error"]!["code"]!, last["usage"]).ShouldBe(("failed", "server_error", null));
            events[^2]["error"]!["code"]!.ToJsonString().ShouldBe("\"upstream_broke_off\"");
            ((string)events[^2]["message"]!).ShouldContain("broke off");
        }
        else
        {
            ((string)last["status"]!, last["error"]).ShouldBe(("completed", null));
            _upstream.Bodies.Single()["stream_options"]!.ToJsonString().ShouldBe("""{"include_usage":true}""");
        }
    }

    /// <summary>What was said is repeated at its end, so all of it is held until then: no more than of an answer that comes at once.</summary>
    [Theory]
    [InlineData("", """{"content":"0123456789"}""")]
    [InlineData("", """{"reasoning_content":"0123456789"}""")]
    [InlineData("", """{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"0123456789"}}]}""")]
    [InlineData(""","logprobs":{"content":[{"token":"a","logprob":-1,"bytes":[97],"top_logprobs":[]}]}""", """{"content":"a"}""")]
    public async Task Stream_LongerThanAnAnswerMayBe_BreaksOff(string more, string delta)
    {
        await using var gateway = await StartAsync("--Gateway:UpstreamBodyBytes", "1000");
        _upstream.Script = async (context, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < 500; i++)
            {
                await context.Response.WriteAsync($$$"""data: {"id":"x","model":"m","choices":[{"index":0,"delta":{{{delta}}}{{{more}}}}]}""" + "\n\n");
            }

            await context.Response.WriteAsync("data: [DONE]\n\n");
            return true;
        };

        var events = await gateway.StreamAsync(Responses, Hello);

        events.Select(e => (string)e["type"]!).TakeLast(2).ShouldBe(["error", "response.failed"]);
        events.Count.ShouldBeInRange(5, 120);
    }

    [Fact]
    public async Task Stream_Cost_IsToldInAComment()
    {
        using var answer = await _gateway.Client.PostAsync(Responses, new StringContent(Hello.Insert(1, "\"stream\":true,")));

        var text = await answer.Content.ReadAsStringAsync();
        text.ShouldContain("\n\n: x-router-cost-usd 0.");
        text.ShouldNotContain("[DONE]");
        answer.Headers.GetValues("x-router-decision").Single().Length.ShouldBeGreaterThan(100);
    }

    /// <summary>The tokens' probabilities have one form in both of OpenAI's APIs; a token may be half a character.</summary>
    [Fact]
    public async Task Logprobs_ComeWholeAndWithTheirDeltas()
    {
        const string request = """{"model":"auto","input":"hello","top_logprobs":1}""";
        static string Probability(string token) => $$"""{"token":"{{token}}","logprob":-0.5,"bytes":[1],"top_logprobs":[]}""";
        _upstream.Script = async (context, body) =>
        {
            if (body["stream"] is null)
            {
                await context.Response.WriteAsync(Completion("""{"content":"ab"}""").Replace("\"index\":0", $$"""  "index":0,"logprobs":{"content":[{{Probability("a")}},{{Probability("\\ud83d")}}]} """, StringComparison.Ordinal));
                return true;
            }

            context.Response.ContentType = "text/event-stream";
            foreach (var token in new[] { "a", "\\ud83d" })
            {
                await context.Response.WriteAsync($$$"""data: {"id":"x","choices":[{"index":0,"delta":{"content":"{{{token}}}"},"logprobs":{"content":[{{{Probability(token)}}}]}}]}""" + "\n\n");
            }

            await context.Response.WriteAsync("data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
            return true;
        };

        var whole = await _gateway.PostAsync(Responses, request);
        var events = await StreamAsync(request);

        var both = $"[{Probability("a")},{Probability("\\uFFFD")}]";
        whole.Body["output"]![0]!["content"]![0]!["logprobs"]!.ToJsonString().ShouldBe(both);
        events[^1]["response"]!["output"]![0]!["content"]![0]!["logprobs"]!.ToJsonString().ShouldBe(both);
        events.Where(e => (string)e["type"]! == "response.output_text.delta").Select(e => e["logprobs"]!.ToJsonString()).ShouldBe([$"[{Probability("a")}]", $"[{Probability("\\uFFFD")}]"]);
        events.Single(e => (string)e["type"]! == "response.output_text.done")["logprobs"]!.ToJsonString().ShouldBe(both);
    }

    /// <summary>Some upstreams number no tool calls, or number all of them 0; a new id is a new call.</summary>
    [Theory]
    [InlineData("\"index\":0,", "\"index\":0,")]
    [InlineData("", "")]
    [InlineData("\"index\":0,", "\"index\":1,")]
    public async Task Stream_TwoToolCalls_AreTwoItems(string first, string second)
    {
        _upstream.Script = (context, _) => ScriptedUpstream.TwoCallsAsync(context, first, second);

        var events = await StreamAsync(Hello);

        events.Where(e => (string)e["type"]! == "response.function_call_arguments.delta").GroupBy(e => (int)e["output_index"]!).Select(i => string.Concat(i.Select(e => (string)e["delta"]!))).ShouldBe(["{\"a\":1}", "{}"]);
        events[^1]["response"]!["output"]!.AsArray().Select(i => $"{(string)i!["call_id"]!} {(string)i["name"]!} {(string)i["arguments"]!}").ShouldBe(["c1 f {\"a\":1}", "c2 g {}"]);
    }

    /// <summary>What is repeated of a request must not end the line of the event that repeats it.</summary>
    [Fact]
    public async Task Stream_OfARequestOnManyLines_IsRepeatedOnOne()
    {
        var events = await StreamAsync("{\"model\":\"auto\",\n\"input\":\"hello\",\n\"metadata\":{\n\"a\":\"b\\nc\"\n},\r\n\"tools\":[\n{\"type\":\"function\",\n\"name\":\"f\"}\n]}");

        ((string)events[^1]["response"]!["metadata"]!["a"]!).ShouldBe("b\nc");
        ((string)events[0]["response"]!["tools"]![0]!["name"]!).ShouldBe("f");
    }

    [Theory]
    [InlineData("""{"input":"x"}""", "missing_field", "'model'", "auto")]
    [InlineData("""{"model":"auto"}""", "missing_field", "'input'")]
    [InlineData("""{"model":"auto","input":[]}""", "invalid_value", "'input' is []", "at least one")]
    [InlineData("""{"model":"auto","input":7}""", "invalid_value", "'input' is 7", "a text or a list")]
    [InlineData("""{"model":"auto","input":[{"type":"reasoning","summary":[]}]}""", "invalid_value", "'input'", "at least one")]
    [InlineData("""{"model":"auto","input":[3]}""", "invalid_value", "'input' is 3")]
    [InlineData("""{"model":"auto","input":[{"role":"tool","content":"x"}]}""", "invalid_value", "user, assistant, system or developer")]
    [InlineData("""{"model":"auto","input":[{"role":"user"}]}""", "missing_field", "'input.content'")]
    [InlineData("""{"model":"auto","input":[{"role":"user","content":[{"type":"text","text":"x"}]}]}""", "unsupported_field", "'text'", "input_text")]
    [InlineData("""{"model":"auto","input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]}""", "unsupported_field", "'file_id'", "'image_url'")]
    [InlineData("""{"model":"auto","input":[{"role":"user","content":[{"type":"input_file","file_url":"https://example.com"}]}]}""", "unsupported_field", "'file_url'", "'file_data'")]
    [InlineData("""{"model":"auto","input":[{"role":"system","content":[{"type":"input_image","image_url":"x"}]}]}""", "unsupported_field", "'input_image'")]
    [InlineData("""{"model":"auto","input":[{"type":"function_call","call_id":"c","name":"f"}]}""", "invalid_value", "'arguments'")]
    [InlineData("""{"model":"auto","input":[{"type":"function_call_output","output":"x"}]}""", "invalid_value", "'call_id'")]
    [InlineData("""{"model":"auto","input":[{"type":"function_call_output","call_id":"c"}]}""", "missing_field", "'input.output'")]
    [InlineData("""{"model":"auto","input":[{"type":"function_call_output","call_id":"c","output":[{"type":"input_image","file_id":"x"}]}]}""", "unsupported_field", "'file_id'")]
    [InlineData("""{"model":"auto","input":[{"type":"function_call_output","call_id":"c","output":[{"type":"input_video"}]}]}""", "unsupported_field", "'input_video'")]
    [InlineData("""{"model":"auto","input":[{"type":"item_reference","id":"msg_1"}]}""", "unsupported_field", "item_reference", "store: false")]
    [InlineData("""{"model":"auto","input":[{"type":"web_search_call","id":"ws_1"}]}""", "unsupported_field", "'web_search_call'")]
    [InlineData("""{"model":"auto","input":"x","previous_response_id":"resp_1"}""", "unsupported_field", "'previous_response_id'", "whole conversation in 'input'")]
    [InlineData("""{"model":"auto","input":"x","conversation":{"id":"conv_1"}}""", "unsupported_field", "'conversation'", "whole conversation in 'input'")]
    [InlineData("""{"model":"auto","input":"x","background":true}""", "unsupported_field", "'background'", "stream")]
    [InlineData("""{"model":"auto","input":"x","truncation":"auto"}""", "unsupported_field", "'truncation'")]
    [InlineData("""{"model":"auto","prompt":{"id":"p"}}""", "unsupported_field", "'prompt'", "'instructions'")]
    [InlineData("""{"model":"auto","input":"x","moderation":{"model":"m"}}""", "unsupported_field", "'moderation'")]
    [InlineData("""{"model":"auto","input":"x","messages":[]}""", "unsupported_field", "'messages'", "input, instructions")]
    [InlineData("""{"model":"auto","input":"x","reasoning":{"mode":"pro"}}""", "unsupported_field", "'reasoning.mode'", "pro")]
    [InlineData("""{"model":"auto","input":"x","tools":[{"type":"web_search"}]}""", "unsupported_field", "'web_search'", "functions of your own")]
    [InlineData("""{"model":"auto","input":"x","tools":[{"type":"mcp","server_label":"s"}]}""", "unsupported_field", "'mcp'")]
    [InlineData("""{"model":"auto","input":"x","tools":[{"type":"function","function":{"name":"f"}}]}""", "invalid_value", "a text 'name'")]
    [InlineData("""{"model":"auto","input":"x","tools":{}}""", "invalid_value", "'tools' is {}")]
    [InlineData("""{"model":"auto","input":"x","tools":[{"type":"namespace","name":"n"}]}""", "missing_field", "'tools.tools'")]
    [InlineData("""{"model":"auto","input":"x","tools":[{"type":"namespace","name":"n","tools":[{"type":"namespace","name":"m","tools":[]}]}]}""", "unsupported_field", "'namespace'")]
    [InlineData("""{"model":"auto","input":"x","tools":[{"type":"function","name":"f"}],"tool_choice":"any"}""", "invalid_value", "'tool_choice'", "required")]
    [InlineData("""{"model":"auto","input":"x","tool_choice":{"type":"file_search"}}""", "invalid_value", "'tool_choice'", "allowed_tools")]
    [InlineData("""{"model":"auto","input":"x","text":{"format":{"type":"grammar"}}}""", "invalid_value", "'text.format'")]
    [InlineData("""{"model":"auto","input":"x","max_output_tokens":0}""", "invalid_value", "'max_output_tokens' is 0")]
    [InlineData("""{"model":"auto","input":"x","top_logprobs":21}""", "invalid_value", "'top_logprobs' is 21")]
    [InlineData("""{"model":"auto","input":"x","metadata":{"a":1}}""", "invalid_value", "'metadata'", "an object of texts")]
    [InlineData("""{"model":"auto","input":"x","stream":"yes"}""", "invalid_value", "'stream'")]
    [InlineData("""{"model":"auto","input":"x","instructions":["y"]}""", "invalid_value", "'instructions'")]
    [InlineData("""{"model":"auto","input":"x","user":7}""", "invalid_value", "'user' is 7")]
    [InlineData("""{"model":"auto","input":"\ud83d"}""", "invalid_value", "surrogate")]
    [InlineData("{", "invalid_json", "not valid JSON")]
    public async Task Request_WhatCannotBeAnswered_IsRefusedWithTheRemedy(string body, string code, params string[] named)
    {
        var answer = await _gateway.PostAsync(Responses, body);

        answer.ShouldFail(400, code, named);
        (await _gateway.PostAsync(Responses + "/input_tokens", body)).ShouldFail(400, code, named);
        _upstream.Calls.ShouldBe(0);
    }

    [Fact]
    public async Task Upstream_RefusesOrFails_IsToldAsForCompletions()
    {
        _upstream.Script = (context, _) => ScriptedUpstream.FailAsync(context, 422, "too spicy");
        var refused = await _gateway.PostAsync(Responses, Hello);
        (refused.Status, refused.Message).ShouldBe((422, "too spicy"));

        _upstream.Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        (await _gateway.PostAsync(Responses, Hello)).ShouldFail(502, "upstream_failed", "status 500");
        (await _gateway.PostAsync(Responses, Hello.Insert(1, "\"stream\":true,"))).ShouldFail(502, "upstream_failed", "status 500");
        (await _gateway.PostAsync(Responses, Hello.Replace("auto", "gpt-9", StringComparison.Ordinal))).ShouldFail(404, "model_not_found", "'gpt-9'");
    }

    [Theory]
    [InlineData("GET", "")]
    [InlineData("DELETE", "")]
    [InlineData("POST", "/cancel")]
    [InlineData("GET", "/input_items")]
    public async Task Response_ByItsId_IsNotKept(string method, string of)
    {
        var id = (string)(await _gateway.PostAsync(Responses, Hello)).Body["id"]!;

        (await _gateway.SendAsync(new HttpMethod(method), $"{Responses}/{id}{of}")).ShouldFail(404, "response_not_kept", "No answers are kept");
    }

    [Fact]
    public async Task Compaction_IsNotOffered() =>
        (await _gateway.PostAsync(Responses + "/compact", Hello)).ShouldFail(404, "unknown_url", "not compacted", "summary");

    /// <summary>A tool goes by both names at upstreams; a choice names it as the request's tools do, or as its calls do.</summary>
    [Theory]
    [InlineData("""{"type":"function","name":"find"}""", "crm__find")]
    [InlineData("""{"type":"function","name":"crm.find"}""", "crm__find")]
    [InlineData("""{"type":"function","name":"list","namespace":"erp"}""", "erp__list")]
    [InlineData("""{"type":"function","name":"weather"}""", "weather")]
    [InlineData("""{"type":"function","name":"none"}""", "none")]
    [InlineData("""{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"find"}]}""", "crm__find")]
    [InlineData("""{"type":"function","name":"list"}""", null)]
    public async Task ToolChoice_OfANamespace_NamesItAsItsUpstreamDoes(string choice, string? name)
    {
        var answer = await _gateway.PostAsync(Responses, Hello.Insert(Hello.Length - 1, $$"""
            ,"tool_choice":{{choice}},"tools":[{"type":"namespace","name":"crm","tools":[{"type":"function","name":"find"},{"type":"function","name":"list"},{"type":"function","name":"weather"}]},
            {"type":"namespace","name":"erp","tools":[{"type":"function","name":"list"}]},{"type":"function","name":"weather"}]
            """));

        if (name is null)
        {
            answer.ShouldFail(400, "invalid_value", "'tool_choice'", "crm and erp", "'namespace'");
            return;
        }

        answer.Status.ShouldBe(200, answer.Text);
        _upstream.Bodies.Single()["tool_choice"]!.ToJsonString().ShouldContain($"\"name\":\"{name}\"");
    }

    [Theory]
    [InlineData("""{"model":"auto","input":"LONG"}""", 1004)]
    [InlineData("""{"model":"mixtral-8x7b-instruct","stream":true,"instructions":"LONG","input":[{"role":"user","content":"LONG"},{"role":"assistant","content":"LONG"},{"role":"user","content":[{"type":"input_text","text":"LONG"}]}]}""", 4016)]
    public async Task InputTokens_IsAnEstimate_AndCallsNoModel(string body, int tokens)
    {
        var answer = await _gateway.PostAsync(Responses + "/input_tokens", body.Replace("LONG", new string('a', 4000), StringComparison.Ordinal));

        answer.Text.ShouldBe($$"""{"object":"response.input_tokens","input_tokens":{{tokens}}}""");
        _upstream.Calls.ShouldBe(0);
        (await _gateway.PostAsync(Responses + "/input_tokens", Hello.Replace("auto", "gpt-9", StringComparison.Ordinal))).ShouldFail(404, "model_not_found");
    }

    /// <summary>Only texts have a place in what a tool gives back there; the rest follows all that the tools gave.</summary>
    [Fact]
    public async Task Request_WhatToolsShow_FollowsTheirResults()
    {
        var answer = await _gateway.PostAsync(Responses, """
            {"model":"auto","input":[
              {"role":"user","content":"Look."},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"custom_tool_call","call_id":"c2","name":"g","input":"x"},
              {"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"Here."},{"type":"input_image","image_url":"data:image/png;base64,aGk=","detail":"low"}]},
              {"type":"custom_tool_call_output","call_id":"c2","output":[{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,aGk="}]},
              {"role":"user","content":"So?"},
              {"type":"function_call","call_id":"c3","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c3","output":[{"type":"input_image","image_url":"https://example.com/a.png"}]}]}
            """);

        answer.Status.ShouldBe(200, answer.Text);
        JsonNode.DeepEquals(_upstream.Bodies.Single()["messages"], JsonNode.Parse("""
            [{"role":"user","content":"Look."},
             {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"c2","type":"custom","custom":{"name":"g","input":"x"}}]},
             {"role":"tool","tool_call_id":"c1","content":"Here.\n[image 1 of the next message]"},
             {"role":"tool","tool_call_id":"c2","content":"[file 2 of the next message]"},
             {"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk=","detail":"low"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,aGk="}}]},
             {"role":"user","content":"So?"},
             {"role":"assistant","content":null,"tool_calls":[{"id":"c3","type":"function","function":{"name":"f","arguments":"{}"}}]},
             {"role":"tool","tool_call_id":"c3","content":"[image 1 of the next message]"},
             {"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]
            """)).ShouldBeTrue(_upstream.Bodies.Single()["messages"]!.ToJsonString());
    }

    /// <summary>The turn's first answer is what was not good enough, however often tools interrupted it; a step of it that is sent again is the client's doing.</summary>
    [Theory]
    [InlineData(Responses, """{"model":"auto","user":"ann","tools":[{"type":"function","name":"f"}],"input":[{"role":"user","content":"Go."}MORE]}""", """,{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"x"}""")]
    [InlineData("/v1/messages", """{"model":"auto","max_tokens":9,"metadata":{"user_id":"ann"},"tools":[{"name":"f","input_schema":{}}],"messages":[{"role":"user","content":"Go."}MORE]}""", """,{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"x"}]}""")]
    [InlineData("/v1/chat/completions", """{"model":"auto","user":"ann","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"Go."}MORE]}""", """,{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"x"}""")]
    public async Task ImplicitSignals_ATurnWithToolsAgain_IsARegenerate(string path, string asked, string goesOn)
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true");
        async Task AskAsync(string more) => (await gateway.PostAsync(path, asked.Replace("MORE", more, StringComparison.Ordinal))).Status.ShouldBe(200);
        async Task<string?> KindsAsync() => (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]?.ToJsonString();

        await AskAsync("");
        await AskAsync(goesOn);
        await AskAsync(goesOn);
        (await KindsAsync()).ShouldBe("{}");

        await AskAsync("");
        (await KindsAsync()).ShouldBe("""{"regenerate":1}""");
    }

    /// <summary>Asking again is a regenerate whatever the ids of the items, also through the other API; going on is none.</summary>
    [Fact]
    public async Task ImplicitSignals_TheSameConversationAgain_IsARegenerate()
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true");
        const string asked = """{"model":"auto:quality","user":"ann","instructions":"Be brief.","input":[{"role":"user","content":"einmal"},ID{"type":"message","id":"msg_ID","role":"assistant","content":[{"type":"output_text","text":"I am up"}]},{"role":"user","content":"again"}]}""";
        await gateway.PostAsync(Responses, asked.Replace("ID", "", StringComparison.Ordinal));
        await gateway.PostAsync(Responses, asked.Replace("[ID]", "", StringComparison.Ordinal).Replace("ID{", """{"type":"reasoning","id":"rs_2","summary":[]},{""", StringComparison.Ordinal));
        (await KindsAsync()).ShouldBe("""{"regenerate":1}""");

        await gateway.PostAsync(Responses, asked.Replace("ID", "", StringComparison.Ordinal).Replace("again", "further", StringComparison.Ordinal));
        await gateway.PostAsync(Responses, asked.Replace("ID", "", StringComparison.Ordinal).Replace("again", "and further", StringComparison.Ordinal));
        (await KindsAsync()).ShouldBe("""{"regenerate":1}""");

        await gateway.PostAsync("/v1/chat/completions", """{"model":"mixtral-8x7b-instruct","user":"ann","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"einmal"},{"role":"assistant","content":"I am up"},{"role":"user","content":"and further"}]}""");
        (await KindsAsync()).ShouldBe("""{"regenerate":1,"switch_model":1}""");

        async Task<string> KindsAsync() => (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]!.ToJsonString();
    }

    [Fact]
    public async Task ImplicitSignals_AStreamThatIsLeft_IsAbandoned()
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true");
        using var request = new HttpRequestMessage(HttpMethod.Post, Responses) { Content = new StringContent("""{"model":"auto","user":"ann","stream":true,"input":"endless"}""") };
        using (var stream = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
        {
            await (await stream.Content.ReadAsStreamAsync()).ReadAtLeastAsync(new byte[100], 100);
        }

        await Eventually.TrueAsync(async () => (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]!.ToJsonString() == """{"abandon":1}""", TimeSpan.FromSeconds(10));
    }

    /// <summary>Clients of OpenAI's and Anthropic's send a request that failed again by themselves, and say so; nobody was dissatisfied.</summary>
    [Fact]
    public async Task ImplicitSignals_AClientsOwnRetry_IsNoRegenerate()
    {
        await using var gateway = await StartAsync("--Gateway:ImplicitSignals", "true");
        const string asked = """{"model":"auto","user":"ann","input":"hello"}""";

        await gateway.PostAsync(Responses, asked, ("x-stainless-retry-count", "0"));
        await gateway.PostAsync(Responses, asked, ("x-stainless-retry-count", "1"));
        (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]!.ToJsonString().ShouldBe("{}");

        await gateway.PostAsync(Responses, asked, ("x-stainless-retry-count", "0"));
        (await gateway.GetAsync("/v1/router/users/ann")).Body["kinds"]!.ToJsonString().ShouldBe("""{"regenerate":1}""");
    }

    /// <summary>Some upstreams write an object where OpenAI has its text; the tool would be called with nothing.</summary>
    [Fact]
    public async Task Call_WhoseArgumentsAreAnObject_KeepsThem()
    {
        _upstream.Script = ScriptedUpstream.CallWithAnObject;

        ((string)(await _gateway.PostAsync(Responses, Hello)).Body["output"]![0]!["arguments"]!).ShouldBe("""{"a":1}""");
        ((string)(await StreamAsync(Hello))[^1]["response"]!["output"]![0]!["arguments"]!).ShouldBe("""{"a":1}""");
    }

    [Fact]
    public async Task Stream_ToolCallsWhosePiecesAreMixed_AreOneAfterTheOther()
    {
        _upstream.Script = (context, _) => ScriptedUpstream.MixedCallsAsync(context);

        var events = await StreamAsync(Hello);

        events[^1]["response"]!["output"]!.AsArray().Select(c => $"{c!["call_id"]} {c["name"]} {c["arguments"]}").ShouldBe(["c1 f {\"a\":1}", "c2 g {\"b\":2}", "c3 h {}"]);
    }

    /// <summary>The pages that a model which searches says it was told by.</summary>
    [Fact]
    public async Task Annotations_OfAnAnswer_AreKept()
    {
        const string said = """{"role":"assistant","content":"It rains.","annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":9,"title":"Rain","url":"https://example.com/rain"}},{"type":"file","file":{}}]}""";
        const string expected = """[{"type":"url_citation","start_index":0,"end_index":9,"title":"Rain","url":"https://example.com/rain"}]""";
        _upstream.Script = async (context, body) =>
        {
            if ((bool?)body["stream"] != true)
            {
                await context.Response.WriteAsync(Completion(said));
                return true;
            }

            context.Response.ContentType = "text/event-stream";
            await context.Response.WriteAsync($"data: {{\"id\":\"x\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{said},\"finish_reason\":\"stop\"}}]}}\n\ndata: [DONE]\n\n");
            return true;
        };

        var whole = (await DotNet().CreateResponseAsync(Options("Rain?"))).Value;
        var events = await StreamAsync(Hello);

        var cited = (UriCitationMessageAnnotation)whole.OutputItems.OfType<MessageResponseItem>().Single().Content[0].OutputTextAnnotations.Single();
        (cited.Uri.ToString(), cited.Title, cited.StartIndex, cited.EndIndex).ShouldBe(("https://example.com/rain", "Rain", 0, 9));
        var added = events.Single(e => (string)e["type"]! == "response.output_text.annotation.added");
        (added["annotation"]!.ToJsonString(), (int)added["annotation_index"]!, (int)added["content_index"]!).ShouldBe((expected[1..^1], 0, 0));
        events[^1]["response"]!["output"]![0]!["content"]![0]!["annotations"]!.ToJsonString().ShouldBe(expected);
    }

    /// <summary>The model that answered a conversation last has its beginning in its cache.</summary>
    [Fact]
    public async Task Session_ByPromptCacheKey_IsRememberedAsForCompletions()
    {
        var first = await _gateway.PostAsync(Responses, """{"model":"auto:quality","user":"ann","prompt_cache_key":"k","input":"hello"}""");

        var sessions = _gateway.App.Services.GetRequiredService<Sessions>();
        (await sessions.RecallAsync(sessions.NameOf("default", "ann", "k", """[{"role":"user","content":"hello"}"""u8), default))!.Value.Model.Value.ShouldBe(first.Headers["x-router-model"]);
    }

    /// <summary>Two answers have no place in it.</summary>
    [Fact]
    public async Task Comparison_IsNotMade()
    {
        await using var gateway = await StartAsync("--Gateway:CompareShare", "1");

        var answer = await gateway.PostAsync(Responses, Hello.Insert(1, "\"user\":\"ann\","), ("x-router-compare", "always"));

        answer.Status.ShouldBe(200, answer.Text);
        answer.Headers.ShouldNotContainKey("x-router-offered");
        _upstream.Calls.ShouldBe(1);
    }

    private Task<RunningGateway> StartAsync(params string[] settings) => RunningGateway.StartAsync(["--Upstreams:0:Model", "*", "--Upstreams:0:BaseUrl", _upstream.Url, .. settings]);

    private ResponsesClient DotNet() => new(new ApiKeyCredential("any"), new ResponsesClientOptions { Endpoint = new Uri(_gateway.Client.BaseAddress!, "/v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });

    private static CreateResponseOptions Options(string asked) => new("auto", [ResponseItem.CreateUserMessageItem(asked)])
    {
        Tools = { ResponseTool.CreateFunctionTool("weather", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}"""), strictModeEnabled: false, "Of a city.") },
    };

    private static string Completion(string message, string finish = "stop") =>
        $$$"""{"id":"x","object":"chat.completion","model":"m","choices":[{"message":{{{message}}},"index":0,"finish_reason":"{{{finish}}}"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"completion_tokens_details":{"reasoning_tokens":2} } }""";

    /// <summary>A message as a delta: its calls are numbered there.</summary>
    private static string Numbered(string message)
    {
        var parsed = JsonNode.Parse(message.Replace("\\ud83d", "\\ufffd", StringComparison.Ordinal))!;
        for (var i = 0; i < (parsed["tool_calls"] as JsonArray)?.Count; i++)
        {
            parsed["tool_calls"]![i]!["index"] = i;
        }

        return parsed.ToJsonString();
    }

    private Task<List<JsonObject>> StreamAsync(string body) => _gateway.StreamAsync(Responses, body);
}
