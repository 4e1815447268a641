using System.Text;

namespace MetaRouter.Fuzz.Answers;

/// <param name="Text">What the first choice says; null: an answer that is none, or not the same in every form.</param>
/// <param name="Calls">The tools that it calls, in order, each as <c>name(arguments)</c>.</param>
internal sealed record RealAnswer(byte[] Bytes, string? Text, string Calls = "");

/// <summary>What models' servers answer in the form of chat completions, in each of the spellings that are met.</summary>
internal static class RealAnswers
{
    private const string Usage = """{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":3}}""";

    public static IReadOnlyList<RealAnswer> Streams { get; } =
    [
        // OpenAI's, with the counts in an event of their own.
        Stream("Hello ✓", "", Chunk("""{"role":"assistant","content":"","refusal":null}"""), Chunk("""{"content":"Hel"}"""), Chunk("""{"content":"lo \u2713"}"""), Chunk("{}", "stop"), $$"""{"id":"c","object":"chat.completion.chunk","created":1,"model":"m-2026","service_tier":"default","choices":[],"usage":{{Usage}},"obfuscation":"x1"}"""),
        Stream("", """f({"a":1})g({})""", Chunk("""{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]}"""), Chunk("""{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}"""), Chunk("""{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"""), Chunk("""{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"g","arguments":"{}"}}]}"""), Chunk("{}", "tool_calls")),
        // Pieces of two calls mixed, after text.
        Stream("Let me see.", """f({"a":1})g({"b":2})""", Chunk("""{"content":"Let me see."}"""), Chunk("""{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":""}}]}"""), Chunk("""{"tool_calls":[{"index":1,"id":"c2","function":{"name":"g","arguments":""}}]}"""), Chunk("""{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}},{"index":1,"function":{"arguments":"{\"b\":2}"}}]}"""), Chunk("""{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}"""), Chunk("{}", "tool_calls")),
        // DeepSeek's thoughts, and counts beside the end.
        Stream("42", "", Chunk("""{"role":"assistant","content":null,"reasoning_content":"Six"}"""), Chunk("""{"reasoning_content":" times seven."}"""), Chunk("""{"content":"42"}"""), Chunk("""{"content":""}""", "stop", $$""","usage":{{Usage}}""")),
        // OpenRouter's: comments while it waits, the thoughts under two names.
        new(Encoding.UTF8.GetBytes(": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n" + Events(Chunk("""{"role":"assistant","content":"","reasoning":"Hm","reasoning_details":[{"type":"reasoning.text","text":"Hm"}]}"""), ": OPENROUTER PROCESSING", Chunk("""{"content":"Yes."}""", null, ""","provider":"P" """), Chunk("""{"content":""}""", "stop"))), "Yes."),
        // Azure's, which begins with what its filter says of the prompt.
        Stream("Fine", "", """{"id":"","object":"","created":0,"model":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}],"choices":[]}""", Chunk("""{"content":"Fine"}"""), """{"id":"c","model":"m","choices":[{"index":0,"finish_reason":"stop","delta":{},"content_filter_results":{},"content_filter_offsets":{"check_offset":5}}]}"""),
        // Mistral's parts.
        Stream("Done.", "", Chunk("""{"content":[{"type":"thinking","thinking":[{"type":"text","text":"First this."}]}]}"""), Chunk("""{"content":[{"type":"text","text":"Done."},{"type":"reference","reference_ids":[1]}]}"""), Chunk("""{"content":""}""", "stop")),
        // A call that comes whole, without index and id, its arguments an object; ends with stop.
        Stream("", """f({"a":1})""", Chunk("""{"role":"assistant","tool_calls":[{"type":"function","function":{"name":"f","arguments":{"a":1}}}]}"""), Chunk("{}", "stop")),
        // All that the format of events allows.
        new(Encoding.UTF8.GetBytes("retry: 3000\r\n\r\nid: 1\r\nevent: message\r\ndata: {\"id\":\"c\",\"model\":\"m\",\r\ndata: \"choices\":[{\"index\":0,\"delta\":{\"content\":\"Folded\"}}]}\r\n\r\nid\r\ndata:" + Chunk("{}", "stop") + "\r\n\r\nevent: done\r\ndata: [DONE]\r\n\r\n"), "Folded"),
        Stream("So", "", """{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"So"},"logprobs":{"content":[{"token":"So","logprob":-0.1,"bytes":[83,111],"top_logprobs":[{"token":"So","logprob":-0.1,"bytes":[83,111]},{"token":"\u00e2\u0082","logprob":-9999.0,"bytes":null}]}],"refusal":null},"finish_reason":null}]}""", Chunk("{}", "length")),
        Stream(null, "", Chunk("""{"role":"assistant","refusal":"I can"}"""), Chunk("""{"refusal":"not."}"""), Chunk("{}", "content_filter")),
        Stream("See here.", "", Chunk("""{"content":"See here."}"""), Chunk("""{"annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":8,"title":"T","url":"https://example.com/"}}]}"""), Chunk("{}", "stop")),
        // Two choices, of which other forms have a place for one, and never ask for more.
        Stream(null, "", """{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"one"}}]}""", """{"id":"c","model":"m","choices":[{"index":1,"delta":{"content":"two"}}]}""", """{"id":"c","model":"m","choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}""", Chunk("{}", "stop")),
        Stream("", "g(any text)", Chunk("""{"tool_calls":[{"index":0,"id":"ctc_1","type":"custom","custom":{"name":"g","input":"any "}}]}"""), Chunk("""{"tool_calls":[{"index":0,"type":"custom","custom":{"input":"text"}}]}"""), Chunk("{}", "tool_calls")),
        Stream("1, 2", "", Chunk("""{"content":"1, 2"}"""), """{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop","stop_reason":"END","matched_stop":"END","token_ids":null}],"usage":null}"""),
        // Fails half-way, under 200.
        new(Encoding.UTF8.GetBytes($"data: {Chunk("""{"content":"Half"}""")}\n\ndata: {"""{"error":{"message":"The engine is overloaded.","type":"server_error","code":529}}"""}\n\n"), null),
        new(Encoding.UTF8.GetBytes($"data: {Chunk("""{"content":"Half"}""")}\n\ndata: {"""{"id":"c","model":"m","error":{"code":502,"message":"Provider returned error","metadata":{"raw":"{}"}},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"""}\n\n"), null),
    ];

    public static IReadOnlyList<RealAnswer> Wholes { get; } =
    [
        Whole("Hello ✓", "", """{"role":"assistant","content":"Hello \u2713","refusal":null,"annotations":[]}""", "stop", $$""","usage":{{Usage}},"service_tier":"default","system_fingerprint":"fp_1" """),
        Whole("", """f({"a":1})g({})""", """{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"call_2","type":"function","function":{"name":"g","arguments":"{}"}}]}""", "tool_calls", $$""","usage":{{Usage}}"""),
        Whole("42", "", """{"role":"assistant","content":"42","reasoning_content":"Six times seven.","reasoning":"Six times seven."}""", "stop", ""","usage":{"prompt_tokens":12,"completion_tokens":7,"total_tokens":25,"prompt_cache_hit_tokens":0,"prompt_cache_miss_tokens":12}"""),
        Whole("Done.", "", """{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"First this."}]},{"type":"text","text":"Done."}]}""", "stop", ""","usage":{"prompt_tokens":-1,"completion_tokens":7.5,"total_tokens":1e3}"""),
        Whole("", """f({"a":1})""", """{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]}""", "stop", ""),
        Whole("So", "", """{"role":"assistant","content":"So"}""", "length", ""","usage":null""", ",\r\n  \"logprobs\": {\"content\": [ {\"token\": \"So\", \"logprob\": -0.1, \"bytes\": [83, 111], \"top_logprobs\": []} ] }"),
        Whole(null, "", """{"role":"assistant","content":null,"refusal":"I cannot."}""", "stop", $$""","usage":{{Usage}}"""),
        Whole("See here.", "", """{"role":"assistant","content":"See here.","annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":8,"title":"T","url":"https://example.com/"}}]}""", "stop", ""),
        Whole("", "g(any text)", """{"role":"assistant","content":null,"tool_calls":[{"id":"ctc_1","type":"custom","custom":{"name":"g","input":"any text"}}]}""", "tool_calls", ""),
        new("""{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"one"},"finish_reason":"stop"},{"index":1,"message":{"role":"assistant","content":"two"},"finish_reason":"length"}],"usage":{}}"""u8.ToArray(), "one"),
        new("""{"error":{"message":"The engine is overloaded.","type":"server_error","param":null,"code":529}}"""u8.ToArray(), null),
        new("""{"choices":[]}"""u8.ToArray(), ""),
    ];

    public static IReadOnlyList<RealAnswer> Vectors { get; } =
    [
        new("""{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.25,-1,1e-9]},{"object":"embedding","index":1,"embedding":[0.5,1,0]}],"model":"inner","usage":{"prompt_tokens":8,"total_tokens":8}}"""u8.ToArray(), null),
        new("""{"data":[{"embedding":"AACAPgAAgL8=","index":0}],"usage":{"prompt_tokens":-1}}"""u8.ToArray(), null),
    ];

    public static IReadOnlyList<RealAnswer> Refusals { get; } =
    [
        .. new[]
        {
            """{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}""",
            """{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}""",
            """{"object":"error","message":"This model's maximum context length is 8192 tokens.","type":"BadRequestError","param":null,"code":400}""",
            """{"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true,"severity":"high"}}}}}""",
            """{"error":{"code":403,"message":"Flagged","metadata":{"reasons":["sexual"],"flagged_input":"...","provider_name":"P"}},"user_id":"u"}""",
            """{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."},"request_id":"r"}""",
            """{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}""",
            """[{"error":{"code":429,"message":"Resource exhausted","status":"RESOURCE_EXHAUSTED","details":[{"@type":"t"}]}}]""",
            """{"detail":[{"loc":["body","messages"],"msg":"field required","type":"value_error.missing"}]}""",
            """<html><head><title>413 Request Entity Too Large</title></head><body>nginx</body></html>""",
            "upstream connect error or disconnect/reset before headers",
            "",
        }.Select(e => new RealAnswer(Encoding.UTF8.GetBytes(e), null)),
    ];

    /// <summary>What mutations put in where it may mean something.</summary>
    public static string[] Words { get; } =
    [
        "\n\n", "\r\n\r\n", "\r\r", "data: ", "data:", "data", "data: [DONE]\n\n", "[DONE]", "event: x\n", "event:", ": comment\n\n", ":", "id: 1\n", "retry: 1\n", "\"finish_reason\":\"stop\"", "\"finish_reason\":\"length\"", "\"index\":1", "\"index\":-1", "\"index\":63", "\"index\":64",
        "\"choices\":[]", "\"choices\":null", "\"choices\":[{}]", "\"choices\":[[]]", "\"delta\":", "\"message\":", "\"content\":", "\"content\":[]", "\"role\":\"assistant\"", "\"tool_calls\":[{}]", "\"tool_calls\":[{\"index\":1,\"id\":\"z\",\"function\":{\"name\":\"z\"}}]", "\"function\":{\"name\":\"z\",\"arguments\":\"{}\"}", "\"arguments\":{\"a\":\"\\ud800\"}",
        "\"custom\":{}", "\"id\":", "\"id\":\"\"", "\"model\":", "\"error\":{\"message\":\"no\"}", "\"error\":null", "\"error\":", "\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":1e9}", "\"usage\":{\"total_tokens\":18446744073709551615}", "\"usage\":", "\"usage\":{}", "\"reasoning_content\":\"a\"", "\"annotations\":[{}]", "\"logprobs\":{\"content\":[{}]}",
        "\"\\ud800\":1,", "\"\\ud800\":", "null", "[]", "{}", "{\"a\":1}", "\"\"",
    ];

    private static RealAnswer Stream(string? text, string calls, params string[] chunks) => new(Encoding.UTF8.GetBytes(Events(chunks)), text, calls);

    private static string Events(params string[] chunks) => string.Concat(chunks.Select(c => c.StartsWith(':') ? c + "\n\n" : $"data: {c}\n\n")) + "data: [DONE]\n\n";

    private static string Chunk(string delta, string? finish = null, string more = "") =>
        $$"""{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1764000000,"model":"m-2026","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{{delta}},"logprobs":null,"finish_reason":{{(finish is null ? "null" : $"\"{finish}\"")}}}]{{more}}}""";

    private static RealAnswer Whole(string? text, string calls, string message, string finish, string more, string inChoice = "") =>
        new(Encoding.UTF8.GetBytes($$"""{"id":"chatcmpl-1","object":"chat.completion","created":1764000000,"model":"m-2026","choices":[{"index":0,"message":{{message}},"finish_reason":"{{finish}}"{{inChoice}}}]{{more}}}"""), text, calls);
}
