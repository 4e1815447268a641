using System.Text;
using System.Text.Json;

namespace MetaRouter.Gateway.Responses;

/// <summary>One item of an answer's output, as far as it has come.</summary>
/// <param name="kind">Which of the five.</param>
/// <param name="callId">The id of a call; made up if the upstream gave none, since the result comes back by it.</param>
/// <param name="name">Of the tool that is called.</param>
/// <param name="space">The namespace of that tool; null: none.</param>
internal sealed class ResponsesItem(ItemKind kind, string? callId = null, string name = "", string? space = null)
{
    public ItemKind Kind => kind;

    public string Id { get; } = $"{kind switch { ItemKind.Reasoning => "rs", ItemKind.FunctionCall => "fc", ItemKind.CustomCall => "ctc", _ => "msg" }}_{Guid.NewGuid():N}";

    public string CallId { get; } = kind is not (ItemKind.FunctionCall or ItemKind.CustomCall) ? "" : string.IsNullOrEmpty(callId) ? $"call_{Guid.NewGuid():N}" : callId;

    public string Name => name;

    /// <summary>What was said, thought, or given to the tool.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>The same, as clients read it: a function's arguments are JSON, even if the upstream wrote none.</summary>
    public string Given => kind == ItemKind.FunctionCall && Text.Length == 0 && Status == "completed" ? "{}" : Text.ToString();

    /// <summary>It has a part, as messages and reasoning do and calls do not.</summary>
    public bool HasPart => kind is ItemKind.Text or ItemKind.Refusal or ItemKind.Reasoning;

    /// <summary>in_progress, completed or incomplete.</summary>
    public string Status { get; set; } = "in_progress";

    /// <summary>Probabilities of the tokens of <see cref="Text"/>, if they were asked for.</summary>
    public TokenProbabilities Probabilities { get; } = new();

    /// <summary>The pages that <see cref="Text"/> cites.</summary>
    public List<Citation> Citations { get; } = [];

    /// <param name="isEmpty">Written as announced, before it has content.</param>
    public void Write(Utf8JsonWriter to, bool isEmpty = false)
    {
        to.WriteStartObject();
        to.WriteString("id", Id);
        switch (kind)
        {
            case ItemKind.Reasoning:
                to.WriteString("type", "reasoning");
                to.WriteStartArray("summary");
                to.WriteEndArray();
                Content(to, isEmpty);
                break;
            case ItemKind.FunctionCall or ItemKind.CustomCall:
                to.WriteString("type", kind == ItemKind.FunctionCall ? "function_call" : "custom_tool_call");
                to.WriteString("status", Status);
                to.WriteString(kind == ItemKind.FunctionCall ? "arguments" : "input", isEmpty ? "" : Given);
                to.WriteString("call_id", CallId);
                to.WriteString("name", name);
                if (space is not null)
                {
                    to.WriteString("namespace", space);
                }

                break;
            default:
                to.WriteString("type", "message");
                to.WriteString("status", Status);
                Content(to, isEmpty);
                to.WriteString("role", "assistant");
                break;
        }

        to.WriteEndObject();
    }

    /// <summary>Its part, where it <see cref="HasPart"/>.</summary>
    public void Part(Utf8JsonWriter to, bool isEmpty = false)
    {
        to.WriteStartObject();
        switch (kind)
        {
            case ItemKind.Refusal:
                to.WriteString("type", "refusal");
                to.WriteString("refusal", isEmpty ? "" : Text.ToString());
                break;
            case ItemKind.Reasoning:
                to.WriteString("type", "reasoning_text");
                to.WriteString("text", isEmpty ? "" : Text.ToString());
                break;
            default:
                to.WriteString("type", "output_text");
                to.WriteStartArray("annotations");
                foreach (var citation in isEmpty ? [] : Citations)
                {
                    citation.Write(to);
                }

                to.WriteEndArray();
                Probabilities.Write(to, isEmpty ? Probabilities.Count : 0);
                to.WriteString("text", isEmpty ? "" : Text.ToString());
                break;
        }

        to.WriteEndObject();
    }

    private void Content(Utf8JsonWriter to, bool isEmpty)
    {
        to.WriteStartArray("content");
        if (!isEmpty)
        {
            Part(to);
        }

        to.WriteEndArray();
    }
}

internal enum ItemKind
{
    /// <summary>What the model says; a message.</summary>
    Text,

    /// <summary>Why the model refuses; also a message.</summary>
    Refusal,

    /// <summary>What the model thought before, if the upstream reports it.</summary>
    Reasoning,

    /// <summary>A call of a function, its arguments JSON.</summary>
    FunctionCall,

    /// <summary>A call of a tool that takes any text.</summary>
    CustomCall,
}
