using System.Text;
using System.Text.Json;
using static MetaRouter.Fuzz.FuzzTarget;

namespace MetaRouter.Fuzz.Answers;

/// <summary>The form in which a client asks, and reads its answer.</summary>
internal enum ClientForm
{
    Chat,
    Responses,
    Messages,
    Embeddings,
}

internal static class ClientForms
{
    private const int Deepest = 5_000;

    public static (string Path, byte[] Body) Asked(ClientForm form, bool streams, string model)
    {
        var stream = streams ? "true" : "false";
        var (path, body) = form switch
        {
            ClientForm.Chat => ("/v1/chat/completions", $$"""{"model":"{{model}}","stream":{{stream}},"stop":"END","messages":[{"role":"user","content":"What is the pH of the mixture?"}]}"""),
            ClientForm.Responses => ("/v1/responses", $$$"""{"model":"{{{model}}}","stream":{{{stream}}},"input":"What is the pH of the mixture?","tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"h","parameters":{}}]}],"include":["message.output_text.logprobs"]}"""),
            ClientForm.Messages => ("/v1/messages", $$"""{"model":"{{model}}","max_tokens":100,"stream":{{stream}},"stop_sequences":["END"],"messages":[{"role":"user","content":"What is the pH of the mixture?"}]}"""),
            _ => ("/v1/embeddings", """{"model":"embedder","input":["a","b"]}"""),
        };
        return (path, Encoding.UTF8.GetBytes(body));
    }

    /// <summary>Reads an answer as strictly as any client does.</summary>
    /// <param name="named">The model that the answer's headers name.</param>
    public static Heard Read(ClientForm form, bool streams, int status, ReadOnlyMemory<byte> bytes, string? named)
    {
        if (status != 200)
        {
            using var error = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = Deepest });
            Promise(error.RootElement.ValueKind == JsonValueKind.Object, "An error that is no object.");
            Promise(form != ClientForm.Messages || error.RootElement.GetProperty("error").GetProperty("message").ValueKind == JsonValueKind.String, "An error that does not say why.");
            return default;
        }

        if (streams)
        {
            return form switch { ClientForm.Chat => Heard.ChatStream(bytes), ClientForm.Responses => Heard.ResponsesStream(bytes), _ => Heard.MessagesStream(bytes) };
        }

        using var whole = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = Deepest });
        Promise(Heard.ModelOf(whole.RootElement) == named, "Another model is named than in the header.");
        return form switch
        {
            ClientForm.Chat => Heard.ChatWhole(whole.RootElement),
            ClientForm.Responses => Heard.ResponsesWhole(whole.RootElement),
            ClientForm.Messages => Heard.MessagesWhole(whole.RootElement),
            _ => new(true, false, "", ""),
        };
    }
}
