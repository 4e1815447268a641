using System.Text.Json;
using MetaRouter.Hosting.Telemetry;

namespace MetaRouter.Gateway.Upstream;

/// <summary>An API in which upstreams are called.</summary>
/// <param name="Path">Below the version.</param>
/// <param name="Provider">Whose API it is, as telemetry names it.</param>
/// <param name="Reader">Reads its answers.</param>
internal sealed record UpstreamApi(string Path, string Provider, AnswerReader Reader)
{
    public static UpstreamApi Chat { get; } = new("/chat/completions", GenAiNames.OpenAi, CompletionReader.Read);

    public static UpstreamApi Embeddings { get; } = new("/embeddings", GenAiNames.OpenAi, CompletionReader.Read);

    /// <summary>Anthropic's, of upstreams that say so: see <see cref="Configuration.UpstreamOptions.Messages"/>.</summary>
    public static UpstreamApi Messages { get; } = new("/messages", GenAiNames.Anthropic, MessageReader.Read);

    /// <inheritdoc cref="AnswerPart.Read"/>
    public AnswerPart Read(ReadOnlySpan<byte> text) => AnswerPart.Read(text, Reader);

    /// <inheritdoc cref="AnswerPart.ReadWhole"/>
    public AnswerPart? ReadWhole(ReadOnlySpan<byte> json) => AnswerPart.ReadWhole(json, Reader);
}

/// <summary>Reads what a JSON text of an answer says.</summary>
/// <exception cref="JsonException">It is no JSON.</exception>
internal delegate AnswerPart AnswerReader(ReadOnlySpan<byte> json);
