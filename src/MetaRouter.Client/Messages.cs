using System.Text.Json.Serialization;

namespace MetaRouter.Client;

/// <param name="Input">What the user asks.</param>
/// <param name="User">Null: nobody's decision; the population's policy decides and nothing can be learned from it.</param>
public sealed record RouteCall(string Input, string? User = null)
{
    /// <summary>Dollars against quality by hand, 0 or more; null: the user's own.</summary>
    public double? LambdaCost { get; init; }

    /// <summary>Quality to give up for a second less, 0 or more; null: 0 beside a <see cref="LambdaCost"/>, else the user's own.</summary>
    public double? LambdaLatency { get; init; }

    /// <summary>A second model may be offered, for the user to compare the two answers.</summary>
    public bool Compare { get; init; }

    /// <summary>The only models; null: all.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    public double? MaxCostUsd { get; init; }
}

/// <param name="Receipt">Brings feedback back to this decision.</param>
/// <param name="Offered">The second model to show; null: none.</param>
/// <param name="Propensity">The exact probability with which the model was chosen.</param>
public sealed record RouteReply(
    string Receipt,
    string Model,
    string? Offered,
    string Reason,
    string Explanation,
    double Propensity,
    bool Explored,
    double LambdaCost,
    double LambdaLatency,
    string Snapshot,
    IReadOnlyList<RankedModel> Ranking)
{
    /// <summary>What the dearest model costs on an average request: a cost counts in these, at <see cref="LambdaCost"/>. 0: all models are free.</summary>
    public double CostScaleUsd { get; init; }
}

/// <param name="Quality">As predicted.</param>
/// <param name="LatencyS">Seconds to the full answer; null: nothing is known of it.</param>
/// <param name="Utility">Null: it may not answer, and <paramref name="Excluded"/> says why.</param>
public sealed record RankedModel(string Model, double Quality, double CostUsd, double? LatencyS, double? Utility, double Propensity, string? Excluded)
{
    /// <summary>The quality that <see cref="Utility"/> counted: what sets models apart counts in so far as the request's words are familiar. Null: it may not answer.</summary>
    public double? CountedQuality { get; init; }

    /// <summary>"price": nothing else is known of the model; null: it was graded, or a sibling of it.</summary>
    public string? JudgedBy { get; init; }
}

/// <param name="Decision">Its id in the console.</param>
/// <param name="KnownFrom">memory, log or receipt: what is null or missing is known from the ones before it alone.</param>
/// <param name="Model">Who answered; null: nobody, or a model that is no longer in the catalog.</param>
public sealed record FoundDecision(string Decision, DateTimeOffset At, string KnownFrom, string? Model, bool Explored, IReadOnlyList<FoundCandidate> Candidates)
{
    /// <summary>Why so little is known.</summary>
    public string? Note { get; init; }

    /// <summary>Who was chosen; another may have answered.</summary>
    public string? Chosen { get; init; }

    /// <summary>The second model of a comparison.</summary>
    public string? Offered { get; init; }

    public string? Reason { get; init; }

    public string? Explanation { get; init; }

    public double? Propensity { get; init; }

    public double? LambdaCost { get; init; }

    /// <summary>What the dearest model costs on an average request: a cost counts in these, at <see cref="LambdaCost"/>.</summary>
    public double? CostScaleUsd { get; init; }

    /// <summary>As counted, both answers where two were compared; null: the model was called elsewhere, or it is not known any more.</summary>
    public double? CostUsd { get; init; }

    public double? LatencyS { get; init; }

    public string? Snapshot { get; init; }

    /// <summary>Null: it is not known any more.</summary>
    public IReadOnlyList<FoundFeedback>? Feedback { get; init; }
}

/// <summary>A model as it was predicted for the request.</summary>
/// <param name="Model">Null: it is no longer in the catalog.</param>
/// <param name="Excluded">Why it could not answer; null: it could.</param>
public sealed record FoundCandidate(string? Model, double Quality, double CostUsd, double? LatencyS, double? Utility, double? Propensity, string? Excluded);

public sealed record FoundFeedback(DateTimeOffset At, string Kind, string Value, bool Counted);

/// <param name="Receipt">Of a decision, or a completion's id.</param>
/// <param name="Kind">comparison, thumb, rating, regenerate, switch_model, accept, edit, abandon or task_success.</param>
/// <param name="Value">As the kind defines it; null where it has none.</param>
public sealed record FeedbackCall(string Receipt, string User, string Kind, object? Value = null)
{
    /// <summary>When the user said it; null: now.</summary>
    public DateTimeOffset? OccurredAt { get; init; }

    /// <summary>The user takes it back.</summary>
    public bool Withdrawn { get; init; }
}

/// <param name="Counted">False for what was known already, or came too late.</param>
public sealed record FeedbackReply(bool Counted, string Outcome, PreferenceReply Preference);

public sealed record PreferenceReply(string Explanation, int Signals, [property: JsonPropertyName("lambda_cost")] Quantiles LambdaCost);

/// <summary>What share of the belief lies below: p05 a twentieth, p50 half.</summary>
public sealed record Quantiles(double P05, double P25, double P50, double P75, double P95);

public sealed record UserReply(
    string User,
    string Explanation,
    int Signals,
    IReadOnlyDictionary<string, int> Kinds,
    Quantiles LambdaCost,
    double ActingLambdaCost,
    LatencyReply Latency,
    string Snapshot);

/// <summary>How much the user minds waiting.</summary>
/// <param name="Minds">The probability that the user minds at all.</param>
/// <param name="LambdaLatency">What decisions charge for a second, in quality; 0 while neither the user nor others have said anything of it.</param>
/// <param name="Quantiles">Of what the user would give for a second less.</param>
/// <param name="Seconds">How long the user waits for one more right answer in 100; null: as long as it takes.</param>
public sealed record LatencyReply(double Minds, double LambdaLatency, Quantiles Quantiles, double? Seconds);

/// <summary>US dollars. Null sums: no budget is set there, and nobody counts.</summary>
/// <param name="Period">day or month.</param>
/// <param name="Ends">When the next one begins, with nothing spent.</param>
/// <param name="SpentUsd">What is set aside for calls in hand included.</param>
/// <param name="User">Null: nobody was asked for.</param>
public sealed record BudgetReply(string Tenant, string Period, DateTimeOffset Ends, double? BudgetUsd, double? SpentUsd, UserBudget? User);

/// <summary>As <see cref="BudgetReply"/> tells of its tenant.</summary>
public sealed record UserBudget(string User, double? BudgetUsd, double? SpentUsd);

/// <param name="Receipt">Proof, which POST /v1/router/users/{id}/verify checks.</param>
public sealed record ErasedReply(bool Erased, string User, DateTimeOffset At, string Receipt);

/// <param name="Key">The new receipt key's number.</param>
/// <param name="SealsFrom">Decisions from then on are sealed with it.</param>
/// <param name="EarlierUntil">When the last receipt of the earlier keys expires.</param>
public sealed record RotatedReply(int Key, DateTimeOffset SealsFrom, DateTimeOffset EarlierUntil);

/// <param name="File">Its full path, on the gateway's machine.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="At">All that was acknowledged by then is in it.</param>
public sealed record BackupReply(string File, long Bytes, DateTimeOffset At);

/// <param name="Record">To be given to an import unchanged.</param>
public sealed record ExportReply(string User, string Record, int Signals, DateTimeOffset At);

/// <param name="Done">imported or reset.</param>
/// <param name="Receipt">Proof, which POST /v1/router/users/{id}/verify checks.</param>
public sealed record UserChangeReply(string Done, string User, int Signals, DateTimeOffset At, string Receipt);
