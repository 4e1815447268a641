using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Upstream;

/// <summary>
/// Stands in for every model where no upstream is configured, so that routing can be tried without keys. Its text says so; a tool that must be called is called, a schema
/// and a limit are kept to, so that a client's own code runs as it would.
/// </summary>
internal sealed class SimulatedUpstream(TimeProvider time) : HttpMessageHandler
{
    /// <summary>As at OpenAI.</summary>
    private const int MostChoices = 128;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = await request.Content!.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        var (model, choices, streams, tellsUsage, said) = RequestBody.AsText(() => Read(body));
        var (prompt, completion) = (Math.Max(1, ChatBody.Read(body).Asked.Tokens), choices * said.Tokens);
        var usage = new JsonObject { ["prompt_tokens"] = prompt, ["completion_tokens"] = completion, ["total_tokens"] = prompt + completion };
        if (!streams)
        {
            var answer = Frame(
                model, "chat.completion",
                [.. Enumerable.Range(0, choices).Select(i => new JsonObject { ["index"] = i, ["message"] = said.Message(), ["finish_reason"] = said.Finish })]);
            answer["usage"] = usage;
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(answer.ToJsonString(), Encoding.UTF8, "application/json") };
        }

        var events = new StringBuilder();
        var deltas = Enumerable.Range(0, choices).Select(i => said.Deltas().ToArray()).ToArray();
        for (var at = 0; at < deltas[0].Length; at++)
        {
            for (var i = 0; i < choices; i++)
            {
                AddChoice(i, deltas[i][at], null);
            }
        }

        for (var i = 0; i < choices; i++)
        {
            AddChoice(i, [], said.Finish);
        }

        if (tellsUsage)
        {
            var last = Frame(model, "chat.completion.chunk");
            last["usage"] = usage;
            Add(last);
        }

        events.Append("data: [DONE]\n\n");
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(events.ToString(), Encoding.UTF8, "text/event-stream") };

        void AddChoice(int index, JsonObject delta, string? finish) => Add(Frame(model, "chat.completion.chunk", new JsonObject { ["index"] = index, ["delta"] = delta, ["finish_reason"] = finish }));

        void Add(JsonObject chunk) => events.Append("data: ").Append(chunk.ToJsonString()).Append("\n\n");
    }

    private static (string Model, int Choices, bool Streams, bool TellsUsage, SimulatedAnswer Said) Read(byte[] body)
    {
        using var asked = JsonDocument.Parse(body);
        var root = asked.RootElement;
        var model = root.GetProperty("model").GetString()!;
        return (
            model,
            root.TryGetProperty("n", out var n) && n.ValueKind == JsonValueKind.Number && n.TryGetInt32(out var choices) ? Math.Clamp(choices, 1, MostChoices) : 1,
            root.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True,
            LenientJson.Field(LenientJson.Field(root, "stream_options"), "include_usage").ValueKind == JsonValueKind.True,
            SimulatedAnswer.To(root, $"[simulated] No upstream is configured, so no model was called. {model} would have answered here. Configure section Upstreams to get real answers."));
    }

    private JsonObject Frame(string model, string kind, params ReadOnlySpan<JsonObject> choices) => new()
    {
        ["id"] = "chatcmpl-simulated",
        ["object"] = kind,
        ["created"] = time.GetUtcNow().ToUnixTimeSeconds(),
        ["model"] = model,
        ["choices"] = new JsonArray([.. choices]),
    };
}
