using System.Text.Json;
using static MetaRouter.Gateway.Http.LenientJson;

namespace MetaRouter.Gateway.Responses;

/// <summary>A page that a model found by searching and cites.</summary>
/// <param name="Start">Where the cited text begins, in characters of the answer's text.</param>
/// <param name="End">Where it ends.</param>
internal sealed record Citation(int Start, int End, string Title, string Url)
{
    /// <param name="message">A message of chat completions, or a piece of one; other annotations have no place in a response.</param>
    public static IEnumerable<Citation> In(JsonElement message) =>
        from annotation in List(message, "annotations")
        let cited = Field(annotation, "url_citation")
        let url = Text(cited, "url")
        where url is { Length: > 0 }
        select new Citation(Number(cited, "start_index"), Number(cited, "end_index"), Text(cited, "title") ?? "", url);

    public void Write(Utf8JsonWriter to)
    {
        to.WriteStartObject();
        to.WriteString("type", "url_citation");
        to.WriteNumber("start_index", Start);
        to.WriteNumber("end_index", End);
        to.WriteString("title", Title);
        to.WriteString("url", Url);
        to.WriteEndObject();
    }

    private static int Number(JsonElement of, string name) => Field(of, name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var at) ? Math.Max(0, at) : 0;
}
