using System.Buffers;
using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;
using static MetaRouter.Gateway.Http.LenientJson;
using static MetaRouter.Gateway.Upstream.Completion;

namespace MetaRouter.Gateway.Responses;

/// <summary>An upstream's answer in the form of OpenAI's Responses API: the reasoning, text and tool calls of its first choice, with the receipt as id.</summary>
/// <param name="limit">The longest answer that is held until its stream ends, characters.</param>
internal sealed class ResponsesForm(ResponsesEcho echo, int limit, TimeProvider time) : IAnswerForm
{
    private readonly long _createdAt = time.GetUtcNow().ToUnixTimeSeconds();

    public bool CanCompare => false;

    public Task WriteAsync(ChatCall call, UpstreamAnswer answer, string? receipt, Spending? spent)
    {
        call.Context.Response.StatusCode = answer.Status;
        if (spent is not { } known)
        {
            return Answers.WriteJsonAsync(call.Context, answer.Body); // errors have one shape in both APIs
        }

        using var document = JsonDocument.Parse(answer.Body);
        var whole = Answer(answer, receipt ?? Text(document.RootElement, "id"), call);
        whole.ServiceTier = Text(document.RootElement, "service_tier");
        var choice = FirstChoice(document.RootElement);
        foreach (var item in Items(choice))
        {
            whole.Output.Add(item);
        }

        whole.End(Text(choice, "finish_reason"), known.Tokens, time.GetUtcNow().ToUnixTimeSeconds());
        for (var i = 0; i < whole.Output.Count; i++)
        {
            whole.Output[i].Status = i == whole.Output.Count - 1 ? whole.Status : "completed"; // only the last can have been cut short
        }

        whole.Router = RouterDetails.Of(call, receipt, known);
        var buffer = new ArrayBufferWriter<byte>(answer.Body.Length + 2048);
        using (var to = new Utf8JsonWriter(buffer, ChatPieces.Readable))
        {
            whole.Write(to);
        }

        return Answers.WriteJsonAsync(call.Context, buffer.WrittenMemory);
    }

    public IStreamForm Begin(ChatCall call, UpstreamAnswer answer, string? receipt) => new ResponsesStream(Answer(answer, receipt, call), spent => RouterDetails.Of(call, receipt, spent), limit, time);

    /// <summary>The item for a call, or for the piece that begins one.</summary>
    public static ResponsesItem ItemOf(JsonElement call, ResponsesEcho echo)
    {
        var (kind, name) = (Field(call, "custom").ValueKind == JsonValueKind.Object ? ItemKind.CustomCall : ItemKind.FunctionCall, NameIn(call) ?? "");
        return echo.Tools.TryGetValue(name, out var tool) ? new(kind, Text(call, "id"), tool.Name, tool.Space) : new(kind, Text(call, "id"), name);
    }

    private ResponsesAnswer Answer(UpstreamAnswer answer, string? id, ChatCall call) =>
        new(string.IsNullOrEmpty(id) ? "resp_" + call.Context.TraceIdentifier : id, answer.Model.Value, _createdAt, echo);

    private IEnumerable<ResponsesItem> Items(JsonElement choice)
    {
        var message = Field(choice, "message");
        if (ReasoningOf(message) is { Length: > 0 } thought)
        {
            yield return With(new(ItemKind.Reasoning), thought);
        }

        var (said, refused, hasCalls) = (ContentOf(message), Text(message, "refusal"), List(message, "tool_calls").Any());
        if (said is { Length: > 0 } || (string.IsNullOrEmpty(refused) && !hasCalls)) // an answer with nothing in it is an empty message
        {
            var item = With(new(ItemKind.Text), said ?? "");
            item.Probabilities.Add(List(Field(choice, "logprobs"), "content"));
            item.Citations.AddRange(Citation.In(message));
            yield return item;
        }

        if (refused is { Length: > 0 })
        {
            yield return With(new(ItemKind.Refusal), refused);
        }

        foreach (var call in List(message, "tool_calls"))
        {
            yield return With(ItemOf(call, echo), ArgumentsOf(call) ?? "");
        }
    }

    private static ResponsesItem With(ResponsesItem item, string text)
    {
        item.Text.Append(text);
        return item;
    }
}
