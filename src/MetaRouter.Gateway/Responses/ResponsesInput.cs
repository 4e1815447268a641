using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using static MetaRouter.Gateway.Http.StrictJson;

namespace MetaRouter.Gateway.Responses;

/// <summary>
/// The items of a conversation as chat messages. An assistant's text and the calls beside it are separate items here and one message in a chat request;
/// so are the system's and the developer's texts at the beginning, since not every upstream takes a second one, or the role developer.
/// </summary>
internal sealed class ResponsesInput
{
    private const string Name = "input", Content = "input.content";

    private readonly Utf8JsonWriter _to;
    private readonly List<string> _opening = [];
    private readonly List<JsonElement> _calls = [], _shown = [];
    private string? _said;
    private TurnPosition _turn;
    private bool _hasBegun, _hasMessage;

    private ResponsesInput(Utf8JsonWriter to) => _to = to;

    /// <returns>Where its turn stands in what is written.</returns>
    /// <exception cref="ApiException">400: not a text and not a list of items, or an item no upstream takes.</exception>
    public static TurnPosition Write(Utf8JsonWriter to, string? instructions, JsonElement input)
    {
        var messages = new ResponsesInput(to);
        if (!string.IsNullOrEmpty(instructions))
        {
            messages._opening.Add(instructions);
        }

        if (input.ValueKind == JsonValueKind.String)
        {
            messages.Begin();
            ChatPieces.Message(to, "user", Fields.Text(Name, input));
            return default(TurnPosition).After(to, isUsers: true, isResult: false);
        }

        foreach (var item in input.ValueKind == JsonValueKind.Array ? input.EnumerateArray() : throw Fields.Wrong(Name, input, "a text or a list of items"))
        {
            messages.Item(item);
        }

        if (!messages._hasMessage)
        {
            throw Fields.Wrong(Name, input, "a text, or a list of at least one item, such as [{\"role\":\"user\",\"content\":\"...\"}]");
        }

        messages.Flush();
        messages.Show();
        return messages._turn;
    }

    private void Item(JsonElement item)
    {
        var type = Find(item, Name, "type") is null ? "message" : TypeOf(item, Name);
        if (type is not ("function_call_output" or "custom_tool_call_output" or "reasoning"))
        {
            Show();
        }

        _hasMessage |= type != "reasoning";
        switch (type)
        {
            case "message":
                Message(item);
                break;
            case "function_call" or "custom_tool_call":
                _calls.Add(item);
                _turn = _turn with { GoesOn = false };
                break;
            case "function_call_output" or "custom_tool_call_output":
                Flush();
                ChatPieces.Result(
                    _to, Word(item, "call_id"),
                    Texts(Find(item, Name, "output") ?? throw ApiException.Missing("input.output", "the tool's result, \"\" where that is empty"), "input.output", _shown));
                _turn = _turn.After(_to, isUsers: false, isResult: true);
                break;
            case "reasoning":
                break; // upstreams do not accept earlier reasoning
            case "item_reference":
                throw Unsupported(
                    Name,
                    "'input' has an item_reference, and no items are kept here; send the item itself. "
                        + "Clients that send references stop when told \"store\": false (Vercel's AI SDK: providerOptions: { openai: { store: false } }).");
            default:
                throw Unsupported(
                    Name,
                    $"'input' has an item of the type '{type}', which upstreams do not know; they take message, function_call, "
                        + "function_call_output, custom_tool_call and custom_tool_call_output. Send what it says as a message.");
        }
    }

    private void Message(JsonElement item)
    {
        var role = Find(item, Name, "role") is { ValueKind: JsonValueKind.String } r ? Fields.Text("role", r) : null;
        var content = Find(item, Name, "content") ?? throw ApiException.Missing(Content, "a text or a list of parts");
        switch (role)
        {
            case "system" or "developer" when !_hasBegun && _said is null && _calls.Count == 0:
                _opening.Add(Texts(content, Content));
                break;
            case "system" or "developer":
                Flush();
                ChatPieces.Message(_to, "system", Texts(content, Content));
                break;
            case "assistant":
                var said = Texts(content, Content);
                if (_calls.Count == 0)
                {
                    Flush();
                }

                _said = _said is null ? said : $"{_said}\n{said}";
                _turn = _turn with { GoesOn = false };
                break;
            case "user":
                Flush();
                User(content);
                _turn = _turn.After(_to, isUsers: true, isResult: _turn.GoesOn && !AreTexts(content)); // agents show a tool's result there
                break;
            default:
                throw Fields.Wrong(Name, item, "a list of items; a message has a role (user, assistant, system or developer) and content, any other item a type");
        }
    }

    private static bool AreTexts(JsonElement content) => content.ValueKind == JsonValueKind.String || List(content, Content).All(p => TypeOf(p, Content) == "input_text");

    private void User(JsonElement content)
    {
        if (AreTexts(content))
        {
            ChatPieces.Message(_to, "user", Texts(content, Content)); // not every upstream takes a list of parts
            return;
        }

        Parts(List(content, Content));
    }

    /// <summary>Tool results may hold texts only, so anything else that tools show goes into a user message after all the results.</summary>
    private void Show()
    {
        if (_shown.Count > 0)
        {
            Parts(_shown);
            _shown.Clear();
        }
    }

    private void Parts(IEnumerable<JsonElement> parts)
    {
        _to.WriteStartObject();
        _to.WriteString("role", "user");
        _to.WriteStartArray("content");
        foreach (var part in parts)
        {
            Part(part);
        }

        _to.WriteEndArray();
        _to.WriteEndObject();
    }

    private void Part(JsonElement part)
    {
        switch (TypeOf(part, Content))
        {
            case "input_text":
                ChatPieces.TextPart(_to, Word(part, "text"));
                break;
            case "input_image":
                NotById(part, "image_url");
                ChatPieces.ImagePart(_to, Word(part, "image_url"), Find(part, Content, "detail") is { ValueKind: JsonValueKind.String } detail ? Fields.Text("detail", detail) : null);
                break;
            case "input_file":
                NotById(part, "file_data");
                ChatPieces.FilePart(_to, Find(part, Content, "filename") is { ValueKind: JsonValueKind.String } name ? Fields.Text("filename", name) : null, Word(part, "file_data"));
                break;
            case "input_audio":
                _to.WriteStartObject();
                _to.WriteString("type", "input_audio");
                _to.WritePropertyName("input_audio");
                (Find(part, Content, "input_audio") ?? throw ApiException.Missing("input.content.input_audio", "its data and format")).WriteTo(_to);
                _to.WriteEndObject();
                break;
            case var other:
                throw Unsupported(Content, $"A user's message has a part of the type '{other}'; "
                    + "upstreams take input_text, input_image, input_file and input_audio there. Send what it says as text.");
        }
    }

    /// <summary>Refuses a file given by id: no files are kept here, and the upstream that would have to know it is not chosen yet.</summary>
    private static void NotById(JsonElement part, string instead)
    {
        foreach (var field in (string[])["file_id", "file_url"])
        {
            if (Find(part, Content, field) is not null)
            {
                throw Unsupported(Content, $"A user's message has a part of the type '{TypeOf(part, Content)}' by its '{field}', "
                    + $"which upstreams cannot fetch; send what is in it as '{instead}'.");
            }
        }
    }

    /// <summary>A text, or the texts of a list of parts; a refusal counts as text.</summary>
    /// <param name="shown">Receives the parts to be shown elsewhere, images and files, with a number left in place of each; null: there must be none.</param>
    private static string Texts(JsonElement value, string name, List<JsonElement>? shown = null)
    {
        if (value.ValueKind == JsonValueKind.String)
        {
            return Fields.Text(name, value);
        }

        var texts = new List<string>();
        foreach (var part in List(value, name))
        {
            texts.Add(TypeOf(part, name) switch
            {
                "input_text" or "output_text" => Word(part, "text"),
                "refusal" => Word(part, "refusal"),
                ("input_image" or "input_file") and var type when shown is not null => Elsewhere(part, type, shown),
                var other => throw Unsupported(name, $"'{name}' has a part of the type '{other}'; upstreams take text there. Send what it says as text."),
            });
        }

        return string.Join('\n', texts);
    }

    private static string Elsewhere(JsonElement part, string type, List<JsonElement> shown)
    {
        shown.Add(part);
        return ChatPieces.Elsewhere(type["input_".Length..], shown.Count);
    }

    private void Begin()
    {
        _hasBegun = true;
        if (_opening.Count > 0)
        {
            ChatPieces.Message(_to, "system", string.Join("\n\n", _opening));
            _opening.Clear();
        }
    }

    private void Flush()
    {
        Begin();
        if (_said is null && _calls.Count == 0)
        {
            return;
        }

        _to.WriteStartObject();
        _to.WriteString("role", "assistant");
        ChatPieces.Content(_to, _said ?? "", _calls.Count > 0);
        if (_calls.Count > 0)
        {
            _to.WriteStartArray("tool_calls");
            foreach (var call in _calls)
            {
                Call(call);
            }

            _to.WriteEndArray();
        }

        _to.WriteEndObject();
        _said = null;
        _calls.Clear();
    }

    private void Call(JsonElement call)
    {
        var name = ToolNames.Join(Find(call, Name, "namespace") is { ValueKind: JsonValueKind.String } space ? Fields.Text("namespace", space) : null, Word(call, "name"));
        if (TypeOf(call, Name) == "function_call")
        {
            ChatPieces.Call(_to, Word(call, "call_id"), name, Word(call, "arguments"));
            return;
        }

        _to.WriteStartObject();
        _to.WriteString("id", Word(call, "call_id"));
        _to.WriteString("type", "custom");
        _to.WriteStartObject("custom");
        _to.WriteString("name", name);
        _to.WriteString("input", Word(call, "input"));
        _to.WriteEndObject();
        _to.WriteEndObject();
    }
}
