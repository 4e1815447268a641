using System.Text.Json;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Responses;

/// <summary>An answer as the <c>response</c> object, whole or as far as it has come.</summary>
/// <param name="Id">The receipt, where one is given.</param>
/// <param name="CreatedAt">Seconds since 1970.</param>
internal sealed record ResponsesAnswer(string Id, string Model, long CreatedAt, ResponsesEcho Echo)
{
    public List<ResponsesItem> Output { get; } = [];

    /// <summary>in_progress, completed, incomplete or failed.</summary>
    public string Status { get; private set; } = "in_progress";

    /// <summary>As the upstream reports it; null: it does not.</summary>
    public string? ServiceTier { get; set; }

    /// <summary>Who answered, why, and what it cost; null: that is not wanted, or not known yet.</summary>
    public byte[]? Router { get; set; }

    private string? _incomplete, _failure;
    private long? _completedAt;
    private TokenUsage? _usage;

    /// <param name="finish">Why the upstream ended: OpenAI's finish_reason; null: it did not say.</param>
    /// <param name="at">Seconds since 1970.</param>
    public void End(string? finish, TokenUsage usage, long at)
    {
        _incomplete = finish switch { "length" => "max_output_tokens", "content_filter" => "content_filter", _ => null };
        Status = _incomplete is null ? "completed" : "incomplete";
        _completedAt = _incomplete is null ? at : null;
        _usage = usage;
    }

    public void Fail(string message) => (Status, _failure) = ("failed", message);

    public void Write(Utf8JsonWriter to)
    {
        to.WriteStartObject();
        to.WriteString("id", Id);
        to.WriteString("object", "response");
        to.WriteNumber("created_at", CreatedAt);
        to.WriteString("status", Status);
        to.WriteBoolean("background", false);
        if (_completedAt is { } at)
        {
            to.WriteNumber("completed_at", at);
        }
        else
        {
            to.WriteNull("completed_at");
        }

        Details(to, "error", _failure is null ? [] : [("code", "server_error"), ("message", _failure)]);
        Details(to, "incomplete_details", _incomplete is null ? [] : [("reason", _incomplete)]);
        to.WriteString("model", Model);
        to.WriteStartArray("output");
        foreach (var item in Output)
        {
            item.Write(to);
        }

        to.WriteEndArray();
        to.WriteNull("previous_response_id");
        if (ServiceTier is not null)
        {
            to.WriteString("service_tier", ServiceTier);
        }

        to.WriteBoolean("store", false);
        to.WriteString("truncation", "disabled");
        if (_usage is { } tokens)
        {
            Usage(to, tokens);
        }
        else
        {
            to.WriteNull("usage");
        }

        foreach (var (name, json) in Echo.Sent)
        {
            to.WritePropertyName(name);
            to.WriteRawValue(json, skipInputValidation: true);
        }

        if (Router is not null)
        {
            to.WritePropertyName("router");
            to.WriteRawValue(Router, skipInputValidation: true);
        }

        to.WriteEndObject();
    }

    /// <param name="fields">None: null is written.</param>
    private static void Details(Utf8JsonWriter to, string name, ReadOnlySpan<(string Name, string Text)> fields)
    {
        if (fields.IsEmpty)
        {
            to.WriteNull(name);
            return;
        }

        to.WriteStartObject(name);
        foreach (var (field, text) in fields)
        {
            to.WriteString(field, text);
        }

        to.WriteEndObject();
    }

    private static void Usage(Utf8JsonWriter to, TokenUsage tokens)
    {
        to.WriteStartObject("usage");
        to.WriteNumber("input_tokens", tokens.Prompt);
        to.WriteStartObject("input_tokens_details");
        to.WriteNumber("cached_tokens", Math.Min(tokens.Cached, tokens.Prompt));
        to.WriteNumber("cache_write_tokens", 0); // upstreams do not report it
        to.WriteEndObject();
        to.WriteNumber("output_tokens", tokens.Completion);
        to.WriteStartObject("output_tokens_details");
        to.WriteNumber("reasoning_tokens", tokens.Reasoning);
        to.WriteEndObject();
        to.WriteNumber("total_tokens", tokens.Prompt + tokens.Completion);
        to.WriteEndObject();
    }
}
