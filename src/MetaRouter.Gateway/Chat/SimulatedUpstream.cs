using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MetaRouter.Gateway.Chat;

/// <summary>Stands in for every model where no upstream is configured, so that routing can be tried without keys. Its text says so.</summary>
internal sealed class SimulatedUpstream(TimeProvider time) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = await request.Content!.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        using var asked = JsonDocument.Parse(body);
        var model = asked.RootElement.GetProperty("model").GetString()!;
        var text = $"[simulated] No upstream is configured, so no model was called. {model} would have answered here. Configure section Upstreams to get real answers.";
        var (prompt, completion) = (Math.Max(1, body.Length / 4), text.Length / 4);
        var answer = new JsonObject
        {
            ["id"] = "chatcmpl-simulated",
            ["object"] = "chat.completion",
            ["created"] = time.GetUtcNow().ToUnixTimeSeconds(),
            ["model"] = model,
            ["choices"] = new JsonArray(new JsonObject
            {
                ["index"] = 0,
                ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text },
                ["finish_reason"] = "stop",
            }),
            ["usage"] = new JsonObject { ["prompt_tokens"] = prompt, ["completion_tokens"] = completion, ["total_tokens"] = prompt + completion },
        };
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(answer.ToJsonString(), Encoding.UTF8, "application/json") };
    }
}
