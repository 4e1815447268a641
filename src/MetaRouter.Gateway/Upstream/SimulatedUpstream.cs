using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Upstream;

/// <summary>Stands in for every model where no upstream is configured, so that routing can be tried without keys. Its text says so.</summary>
internal sealed class SimulatedUpstream(TimeProvider time) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = await request.Content!.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        var (model, streams, tellsUsage) = RequestBody.AsText(() => Read(body));
        var text = $"[simulated] No upstream is configured, so no model was called. {model} would have answered here. Configure section Upstreams to get real answers.";
        var (prompt, completion) = (Math.Max(1, body.Length / 4), text.Length / 4);
        var usage = new JsonObject { ["prompt_tokens"] = prompt, ["completion_tokens"] = completion, ["total_tokens"] = prompt + completion };
        if (!streams)
        {
            var answer = Frame(model, "chat.completion", new JsonObject { ["index"] = 0, ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text }, ["finish_reason"] = "stop" });
            answer["usage"] = usage;
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(answer.ToJsonString(), Encoding.UTF8, "application/json") };
        }

        var events = new StringBuilder();
        Add(Frame(model, "chat.completion.chunk", new JsonObject { ["index"] = 0, ["delta"] = new JsonObject { ["role"] = "assistant", ["content"] = "" }, ["finish_reason"] = null }));
        foreach (var word in text.Split(' '))
        {
            Add(Frame(model, "chat.completion.chunk", new JsonObject { ["index"] = 0, ["delta"] = new JsonObject { ["content"] = word + " " }, ["finish_reason"] = null }));
        }

        Add(Frame(model, "chat.completion.chunk", new JsonObject { ["index"] = 0, ["delta"] = new JsonObject(), ["finish_reason"] = "stop" }));
        if (tellsUsage)
        {
            var last = Frame(model, "chat.completion.chunk", null);
            last["usage"] = usage;
            Add(last);
        }

        events.Append("data: [DONE]\n\n");
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(events.ToString(), Encoding.UTF8, "text/event-stream") };

        void Add(JsonObject chunk) => events.Append("data: ").Append(chunk.ToJsonString()).Append("\n\n");
    }

    private static (string Model, bool Streams, bool TellsUsage) Read(byte[] body)
    {
        using var asked = JsonDocument.Parse(body);
        var root = asked.RootElement;
        return (
            root.GetProperty("model").GetString()!,
            root.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True,
            root.TryGetProperty("stream_options", out var options) && options.ValueKind == JsonValueKind.Object && options.TryGetProperty("include_usage", out var include) && include.ValueKind == JsonValueKind.True);
    }

    private JsonObject Frame(string model, string kind, JsonObject? choice) => new()
    {
        ["id"] = "chatcmpl-simulated",
        ["object"] = kind,
        ["created"] = time.GetUtcNow().ToUnixTimeSeconds(),
        ["model"] = model,
        ["choices"] = choice is null ? [] : new JsonArray(choice),
    };
}
