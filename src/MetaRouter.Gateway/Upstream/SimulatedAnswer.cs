using System.Text.Json;
using System.Text.Json.Nodes;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using static MetaRouter.Gateway.Http.LenientJson;
using static MetaRouter.Gateway.Upstream.Completion;

namespace MetaRouter.Gateway.Upstream;

/// <summary>What the simulated upstream says: a text, a JSON text where the request asks for one, or a call of the tool that must be called.</summary>
/// <param name="Text">The content, or what is given to the tool.</param>
/// <param name="Tool">Its name; null: none is called.</param>
/// <param name="TakesText">It is a custom tool, not a function.</param>
/// <param name="IsCut">The limit was reached.</param>
internal sealed record SimulatedAnswer(string Text, string? Tool, bool TakesText, bool IsCut)
{
    public const int CharactersPerToken = 4;

    private const int PieceOfArguments = 8;

    public int Tokens => (Text.Length + CharactersPerToken - 1) / CharactersPerToken;

    public string Finish => IsCut ? "length" : Tool is null ? "stop" : "tool_calls";

    /// <param name="request">A chat request.</param>
    /// <param name="text">What is said where nothing else is asked for.</param>
    public static SimulatedAnswer To(JsonElement request, string text)
    {
        var (tool, takesText) = MustCall(request) is { } called ? (called, Type(called) == "custom") : default;
        var format = Field(request, "response_format");
        var said = tool.ValueKind == JsonValueKind.Object ? takesText ? text : SchemaExample.Of(Field(Field(tool, "function"), "parameters")).ToJsonString()
            : Type(format) switch
            {
                "json_schema" => SchemaExample.Of(Field(Field(format, "json_schema"), "schema")).ToJsonString(),
                "json_object" => new JsonObject { ["simulated"] = text }.ToJsonString(),
                _ => text,
            };
        var limit = ChatBody.Limit(request);
        var isCut = limit > 0 && (said.Length + CharactersPerToken - 1) / CharactersPerToken > limit;
        return new(isCut ? said[..(limit * CharactersPerToken)] : said, NameIn(tool), takesText, isCut);
    }

    public JsonObject Message() => Tool is null
        ? new() { ["role"] = "assistant", ["content"] = Text }
        : new() { ["role"] = "assistant", ["content"] = null, ["tool_calls"] = new JsonArray(Call(Text)) };

    /// <summary>The message in pieces, as they stream.</summary>
    public IEnumerable<JsonObject> Deltas()
    {
        if (Tool is null)
        {
            yield return new() { ["role"] = "assistant", ["content"] = "" };
            foreach (var (at, word) in Text.Split(' ').Index())
            {
                yield return new() { ["content"] = at == 0 ? word : " " + word };
            }

            yield break;
        }

        var begun = Call("");
        begun["index"] = 0;
        yield return new() { ["role"] = "assistant", ["content"] = null, ["tool_calls"] = new JsonArray(begun) };
        foreach (var piece in Text.Chunk(PieceOfArguments))
        {
            yield return new() { ["tool_calls"] = new JsonArray(new JsonObject { ["index"] = 0, [Kind] = new JsonObject { [Given] = new string(piece) } }) };
        }
    }

    private string Kind => TakesText ? "custom" : "function";

    private string Given => TakesText ? "input" : "arguments";

    private JsonObject Call(string given) => new() { ["id"] = $"call_{Guid.NewGuid():N}", ["type"] = Kind, [Kind] = new JsonObject { ["name"] = Tool, [Given] = given } };

    /// <returns>
    /// The tool that <c>tool_choice</c> names, or where any must be called the first that was not called in this turn: an agent may go on until a certain one is. Null: none need be.
    /// </returns>
    private static JsonElement? MustCall(JsonElement request)
    {
        var choice = Field(request, "tool_choice");
        var allowed = Field(choice, "allowed_tools");
        var wanted = choice.ValueKind == JsonValueKind.String ? Is(choice, "required") ? "" : null
            : Type(choice) == "allowed_tools" ? LenientJson.Text(allowed, "mode") == "required" ? List(allowed, "tools").Select(NameIn).FirstOrDefault() : null
            : NameIn(choice);
        if (wanted is null)
        {
            return null;
        }

        var tools = List(request, "tools").Where(t => NameIn(t) is { } name && (wanted.Length == 0 || name == wanted)).ToArray();
        var called = List(request, "messages").Reverse().TakeWhile(m => LenientJson.Text(m, "role") != "user").SelectMany(m => List(m, "tool_calls")).Select(NameIn).ToHashSet();
        return tools.Length == 0 ? null : Array.Find(tools, t => !called.Contains(NameIn(t))) is { ValueKind: JsonValueKind.Object } fresh ? fresh : tools[0];
    }

    private static string? Type(JsonElement of) => LenientJson.Text(of, "type");
}
