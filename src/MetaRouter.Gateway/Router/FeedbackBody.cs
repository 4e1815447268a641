using System.Globalization;
using System.Text.Json;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Router;

/// <summary>The body of <c>POST /v1/router/feedback</c>. A comparison may name the preferred model; the receipt says which models the decision compared.</summary>
/// <param name="PreferredModel">Set instead of a value: the id of the model whose answer was preferred, or cheaper or dearer.</param>
internal readonly record struct FeedbackBody(string User, Feedback Feedback, string? PreferredModel)
{
    public const string Cheaper = "cheaper", Dearer = "dearer";

    /// <summary>In the order of <see cref="FeedbackKind"/>.</summary>
    public static readonly string[] KindNames = ["comparison", "thumb", "rating", "regenerate", "switch_model", "accept", "edit", "abandon", "task_success"];

    private static readonly string[] Known = ["receipt", "user", "kind", "value", "occurred_at", "withdrawn"];

    /// <summary>Clocks differ; feedback from the future would outrank every later change of mind.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    /// <exception cref="ApiException">400: a field is missing, unknown or wrong; 403: the key stands for another user.</exception>
    public static FeedbackBody Read(byte[] body, HttpContext context, DateTimeOffset now) => RequestBody.AsText(() => ReadFields(body, context, now));

    private static FeedbackBody ReadFields(byte[] body, HttpContext context, DateTimeOffset now)
    {
        using var document = RequestBody.ParseObject(body);
        var fields = new Fields(document.RootElement, Known);
        var receipt = fields.Text("receipt") ?? throw ApiException.Missing("receipt", "the receipt of the decision, or the id of the completion");
        var user = UserId.Of(fields, context) ?? throw ApiException.Missing("user", "the user the decision was made for");
        var name = fields.Text("kind") ?? throw ApiException.Missing("kind", "one of " + string.Join(", ", KindNames));
        var kind = Array.IndexOf(KindNames, name);
        if (kind < 0)
        {
            throw new ApiException(400, ErrorCodes.InvalidRequest, "unknown_kind", $"The kind of feedback '{name}' does not exist; the kinds are {string.Join(", ", KindNames)}.", "kind");
        }

        var withdrawn = fields.Flag("withdrawn");
        var (value, model) = Value((FeedbackKind)kind, fields.Find("value"), withdrawn);
        var at = OccurredAt(fields.Find("occurred_at"), now);
        return new(user, new Feedback(receipt, (FeedbackKind)kind, value) { OccurredAt = at, Withdrawn = withdrawn }, model);
    }

    private static (byte Value, string? Model) Value(FeedbackKind kind, JsonElement? given, bool withdrawn)
    {
        if (given is not { } value)
        {
            return kind switch
            {
                FeedbackKind.Regenerate or FeedbackKind.Edit or FeedbackKind.Abandon => (0, null),
                FeedbackKind.Accept => (1, null),

                // What is taken back needs no value; every kind has a 1.
                _ when withdrawn => (1, null),
                _ => throw ApiException.Missing("value", Expected(kind)),
            };
        }

        var text = value.ValueKind == JsonValueKind.String ? Fields.Text("value", value) : null;
        var number = value.ValueKind switch { JsonValueKind.Number when value.TryGetDouble(out var n) => n, JsonValueKind.True => 1, JsonValueKind.False => 0, _ => double.NaN };
        var isNumber = value.ValueKind == JsonValueKind.Number;
        return (kind, text, number) switch
        {
            (FeedbackKind.Comparison, "chosen", _) => (1, null),
            (FeedbackKind.Comparison, "offered", _) => (0, null),
            (FeedbackKind.Comparison, { Length: > 0 }, _) => (0, text),
            (FeedbackKind.Comparison, null, 0 or 1) when isNumber => ((byte)number, null),
            (FeedbackKind.Thumb, "up", _) => (1, null),
            (FeedbackKind.Thumb, "down", _) => (0, null),
            (FeedbackKind.Thumb or FeedbackKind.TaskSuccess, null, 0 or 1) => ((byte)number, null),
            (FeedbackKind.Rating, null, 1 or 2 or 3 or 4 or 5) when isNumber => ((byte)number, null),
            (FeedbackKind.SwitchModel, Cheaper, _) => (1, null),
            (FeedbackKind.SwitchModel, Dearer, _) => (0, null),
            (FeedbackKind.Accept, null, 1) => (1, null),
            _ => throw Fields.Wrong("value", value, $"{Expected(kind)} for the kind '{ApiNames.Of(kind)}'"),
        };
    }

    private static string Expected(FeedbackKind kind) => kind switch
    {
        FeedbackKind.Comparison => "\"chosen\" or \"offered\" (or 1 or 0), \"cheaper\" or \"dearer\", or the id of the model whose answer was preferred",
        FeedbackKind.Thumb => "\"up\" or \"down\" (or 1 or 0, true or false)",
        FeedbackKind.Rating => "a whole number from 1 to 5",
        FeedbackKind.SwitchModel => "\"cheaper\" or \"dearer\"",
        FeedbackKind.TaskSuccess => "true or false",
        FeedbackKind.Accept => "left out (or true)",
        _ => "left out",
    };

    private static DateTimeOffset? OccurredAt(JsonElement? given, DateTimeOffset now)
    {
        if (given is not { } value)
        {
            return null;
        }

        DateTimeOffset at;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seconds) && seconds is >= 0 and < 100_000_000_000)
        {
            at = DateTimeOffset.FromUnixTimeSeconds(seconds);
        }
        else if (value.ValueKind != JsonValueKind.String || !DateTimeOffset.TryParse(Fields.Text("occurred_at", value), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out at))
        {
            throw Fields.Wrong("occurred_at", value, "a time such as \"2026-01-31T12:00:00Z\", or Unix seconds");
        }

        return at <= now + ClockSkew ? at : throw Fields.Wrong("occurred_at", value, $"no later than now ({now.UtcDateTime:O}); check the sender's clock");
    }
}
