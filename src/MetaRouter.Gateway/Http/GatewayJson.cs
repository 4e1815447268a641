using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MetaRouter.Gateway.Http;

internal sealed record ErrorAnswer(ErrorBody Error);

/// <summary>OpenAI's clients expect <c>param</c> to be there, null or not.</summary>
internal sealed record ErrorBody(string Message, string Type, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Param, string Code);

internal sealed record RouteAnswer(
    SealedReceipt Receipt, string Model, string? Offered, string Reason, string Explanation, float Propensity,
    bool Explored, double LambdaCost, double LambdaLatency, double CostScaleUsd, string Snapshot, RankedAnswer[] Ranking);

/// <param name="CountedQuality">What the utility counted of <paramref name="Quality"/>.</param>
/// <param name="JudgedBy"><c>price</c>: nothing else is known of the model.</param>
internal readonly record struct RankedAnswer(string Model, float Quality, float? CountedQuality, float CostUsd, float? LatencyS, float? Utility, float Propensity, string? JudgedBy, string? Excluded);

/// <summary>A decision as it is found again by its receipt. What is not known any more is left out.</summary>
/// <param name="Decision">Its id in the console.</param>
/// <param name="KnownFrom"><c>memory</c>, <c>log</c> or <c>receipt</c>: the first that has it.</param>
/// <param name="Model">Who answered.</param>
internal sealed record DecisionAnswer(string Decision, string At, string KnownFrom, string? Model)
{
    /// <summary>Why so little is known.</summary>
    public string? Note { get; init; }

    /// <summary>Who was chosen; another may have answered.</summary>
    public string? Chosen { get; init; }

    public string? Offered { get; init; }

    public string? Reason { get; init; }

    public string? Explanation { get; init; }

    public bool Explored { get; init; }

    public double? Propensity { get; init; }

    public double? LambdaCost { get; init; }

    public double? CostScaleUsd { get; init; }

    /// <summary>As counted, both answers where two were compared; null: the model was called elsewhere, or it is not known any more.</summary>
    public double? CostUsd { get; init; }

    public double? LatencyS { get; init; }

    public string? Snapshot { get; init; }

    public CandidateAnswer[] Candidates { get; init; } = [];

    public SaidAnswer[]? Feedback { get; init; }
}

/// <summary>A model as it was predicted for the request.</summary>
/// <param name="Model">Null: it is no longer in the catalog.</param>
internal sealed record CandidateAnswer(string? Model, float Quality, float CostUsd, double? LatencyS, float? Utility, float? Propensity, string? Excluded);

internal sealed record SaidAnswer(string At, string Kind, string Value, bool Counted);

internal sealed record FeedbackAnswer(bool Counted, string Outcome, PreferenceAnswer Preference);

internal sealed record PreferenceAnswer(string Explanation, int Signals, LambdaQuantiles LambdaCost);

/// <summary>What share of the belief lies below: p05 a twentieth, p50 half.</summary>
internal sealed record LambdaQuantiles(double P05, double P25, double P50, double P75, double P95);

internal sealed record UserAnswer(
    string User,
    string Explanation,
    int Signals,
    Dictionary<string, int> Kinds,
    LambdaQuantiles LambdaCost,
    double ActingLambdaCost,
    MarginalPoint[] Marginal,
    TopicAnswer[] Topics,
    LatencyAnswer Latency,
    string Snapshot);

/// <summary>How much the user minds waiting.</summary>
/// <param name="Minds">The probability that the user minds at all.</param>
/// <param name="LambdaLatency">What decisions charge for a second, quality: 0 while neither the user nor others have said anything of it.</param>
/// <param name="Quantiles">Of it.</param>
/// <param name="Seconds">How long the user waits for one more right answer in 100 at that price; null: as long as it takes.</param>
internal sealed record LatencyAnswer(double Minds, double LambdaLatency, LambdaQuantiles Quantiles, double? Seconds);

/// <param name="Firmer">The probability that cost weighs more on it than elsewhere; <paramref name="Freer"/>: less.</param>
internal sealed record TopicAnswer(string Name, IReadOnlyList<string> Words, LambdaQuantiles LambdaCost, double Firmer, double Freer);

internal readonly record struct MarginalPoint(double LambdaCost, float Probability);

internal sealed record ErasedAnswer(bool Erased, string User, string At, string Receipt);

/// <param name="Record">Base64 of the user's state.</param>
internal sealed record ExportAnswer(string User, string Record, int Signals, string At);

internal sealed record UserChangeAnswer(string Done, string User, int Signals, string At, string Receipt);

internal sealed record VerifyAnswer(bool Genuine, string? Done, string? At);

/// <param name="ApplyShare">Of users, where it is not all of them, and the mode is one in which it counts.</param>
internal sealed record ModeAnswer(string Mode, double? ApplyShare = null);

/// <summary>Without a budget nothing is counted, so there is no sum either.</summary>
/// <param name="Period"><c>day</c> or <c>month</c>.</param>
internal sealed record BudgetAnswer(string Tenant, string Period, string Ends)
{
    public double? BudgetUsd { get; init; }

    /// <summary>Includes what is set aside for calls in hand.</summary>
    public double? SpentUsd { get; init; }

    public UserBudgetAnswer? User { get; init; }
}

internal sealed record UserBudgetAnswer(string User)
{
    public double? BudgetUsd { get; init; }

    public double? SpentUsd { get; init; }
}

/// <param name="Key">The new receipt key's number.</param>
/// <param name="SealsFrom">Decisions from then on are sealed with it.</param>
/// <param name="EarlierUntil">When the last receipt of the earlier keys expires.</param>
internal sealed record RotatedAnswer(int Key, string SealsFrom, string EarlierUntil);

/// <param name="File">Its full path.</param>
/// <param name="At">All that was acknowledged by then is in it.</param>
internal sealed record BackupAnswer(string File, long Bytes, string At);

internal sealed record HealthAnswer(string Status, string Snapshot, int Models, bool Simulated)
{
    /// <summary>Models whose upstream failed and is left alone, or has not answered since; null: none.</summary>
    public RestingAnswer[]? Resting { get; init; }

    /// <summary>When the shared store was last found emptied; null: not since this process started.</summary>
    public string? StoreLostAt { get; init; }
}

/// <param name="Until">Null: the next call tries it, or a call is trying it now.</param>
internal sealed record RestingAnswer(string Model, string? Until);

internal sealed record AliveAnswer(string Status);

internal sealed record ModelsAnswer(string Object, ModelAnswer[] Data);

internal sealed record ModelAnswer(string Id, string Object, long Created, string OwnedBy)
{
    public double? InputPriceUsdPerMillion { get; init; }

    public double? OutputPriceUsdPerMillion { get; init; }

    public int? ContextWindow { get; init; }

    public bool? Enabled { get; init; }

    public double? LambdaCost { get; init; }

    public string? Description { get; init; }
}

internal sealed record TokenCountAnswer(int InputTokens);

internal sealed record InputTokensAnswer(string Object, int InputTokens);

/// <summary>How answers are written. Not by generated code, which saves .6 us of a route, a hundredth of its time, and took a tenth or more of the time to build a fresh clone.</summary>
internal static class GatewayJson
{
    public static JsonSerializerOptions Default { get; } = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>For what people read: quotes in a text are not escaped as \u0022. The default escapes them so, and is faster.</summary>
    public static JsonSerializerOptions Readable { get; } = new(Default) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>For <c>?pretty</c>.</summary>
    public static JsonSerializerOptions Pretty { get; } = new(Readable) { WriteIndented = true };
}
