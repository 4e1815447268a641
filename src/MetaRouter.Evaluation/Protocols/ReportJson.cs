using System.Text.Json;
using System.Text.Json.Serialization;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// The machine-readable form of the reports: snake_case (words for enumerations too), one line, intervals as [low, high], numbers rounded to six decimals
/// (fewer than an interval's own noise), null where there is no number.
/// </summary>
public static class ReportJson
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new NumberConverter(), new IntervalConverter(), new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    public static string Write<TReport>(TReport report) => JsonSerializer.Serialize(report, s_options);

    private static void Number(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumberValue(Math.Round(value, 6));
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private sealed class NumberConverter : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType == JsonTokenType.Null ? double.NaN : reader.GetDouble();

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options) => Number(writer, value);
    }

    private sealed class IntervalConverter : JsonConverter<Interval>
    {
        public override Interval Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException("Reports are written, not read.");

        public override void Write(Utf8JsonWriter writer, Interval value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            Number(writer, value.Low);
            Number(writer, value.High);
            writer.WriteEndArray();
        }
    }
}
