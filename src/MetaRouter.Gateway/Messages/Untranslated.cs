using System.Text.Json;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Messages;

/// <summary>What of a request has no place in a chat request, so that only an upstream that takes it as it came can answer it.</summary>
internal sealed class Untranslated
{
    /// <summary>What the client is told if there is no such upstream; null: the translation says all that the request does.</summary>
    public ApiException? Refusal { get; private set; }

    /// <param name="message">Names the thing and the remedy for whoever sends it; that of the operator is the same for all.</param>
    public void Note(string field, string message) => Refusal ??= StrictJson.Unsupported(field, $"{message} A model whose upstream speaks Anthropic's API itself (Messages in its settings) takes it as it is.");

    public void NoteUnknown(JsonElement root, string[] known) => Refusal ??= StrictJson.UnknownIn(root, known);
}
