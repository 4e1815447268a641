namespace MetaRouter.Client;

/// <summary>Who the key is, and what this gateway is. Figures of the console are of the key's tenant, and of one process.</summary>
/// <param name="Demo">Users are simulated.</param>
/// <param name="Simulated">Answers are.</param>
public sealed record SessionReply(string Tenant, IReadOnlyList<string> Scopes, bool Demo, bool Simulated, string Mode, string Version);

/// <param name="Series">From <paramref name="Since"/> on, <paramref name="BucketSeconds"/> each; the last one is not over.</param>
public sealed record OverviewReply(
    DateTimeOffset Now,
    DateTimeOffset Since,
    int BucketSeconds,
    TrafficTotals Totals,
    IReadOnlyList<TrafficBucket> Series,
    IReadOnlyList<ModelUse> Models,
    ServingSnapshot Snapshot,
    string Mode);

/// <param name="PredictedUsd">The part of the money spent that is predicted, since the models were called elsewhere.</param>
/// <param name="Users">Different users among these requests.</param>
public sealed record TrafficTotals(
    long Requests, long Errors, long Fallbacks, double SpentUsd, double PredictedUsd, Saving? AlwaysStrongest, Saving? BestSingle, QualityEstimate? Quality, LatencyMilliseconds LatencyMs, int Users)
{
    /// <summary>The part of the money spent that second answers took, shown so that the choice between two teaches.</summary>
    public double ComparisonsUsd { get; init; }
}

/// <param name="Usd">What this model alone would have cost.</param>
/// <param name="SavedShare">1 less what was spent over that; negative: more was spent.</param>
/// <param name="Quality">Its mean predicted quality on the same requests.</param>
public sealed record Saving(string Model, double Usd, double? SavedShare, double? Quality)
{
    /// <summary>Up to <see cref="SavedHigh"/>: a 95 % normal interval over requests of the US dollars saved.</summary>
    public double? SavedLow { get; init; }

    public double? SavedHigh { get; init; }
}

/// <param name="Method">What the interval covers, and what not.</param>
public sealed record QualityEstimate(double Value, double Low, double High, string Method);

public sealed record LatencyMilliseconds(double? P50, double? P99);

public sealed record TrafficBucket(
    DateTimeOffset T,
    long Requests,
    long Errors,
    double SpentUsd,
    double AlwaysStrongestUsd,
    double? Quality,
    double? P50Ms,
    double? P99Ms,
    IReadOnlyDictionary<string, long> Models);

/// <param name="Share">Of what was answered, 0 to 1.</param>
/// <param name="Circuit">closed: healthy.</param>
public sealed record ModelUse(string Name, long Requests, double Share, double SpentUsd, double? Quality, double? P50Ms, string Circuit, bool Enabled);

/// <param name="AgeSeconds">Null: it is the one that ships.</param>
/// <param name="Held">Somebody put it back: it stays until a refresh is asked for.</param>
public sealed record ServingSnapshot(string Version, DateTimeOffset? Since, double? AgeSeconds, int? Users, bool Held);

/// <param name="Decisions">The newest first.</param>
/// <param name="Next">Null: there are no older ones.</param>
public sealed record DecisionsReply(IReadOnlyList<DecisionLine> Decisions, int Total, string? Next, IReadOnlyList<string> Reasons);

/// <param name="User">A pseudonym; null: nobody's.</param>
/// <param name="Name">Shown of simulated users only.</param>
/// <param name="Quality">Predicted.</param>
/// <param name="Status">Null, like <paramref name="LatencyMs"/>: the model is called elsewhere.</param>
public sealed record DecisionLine(
    string Id, DateTimeOffset T, string? User, string? Name, string Model, string Reason, double? Propensity,
    double? Lambda, double? Quality, double? CostUsd, string? Served, int? Status, double? LatencyMs, int Signals);

/// <param name="CostScaleUsd">tau: utility = (quality - lambda cost / tau) / (1 + lambda); 0: all models are free.</param>
/// <param name="Density">What is believed of the user's lambda; <paramref name="Prior"/> of somebody nobody knows.</param>
public sealed record UserStoryReply(
    string User, string? Name, string Explanation, int Signals, double LambdaMean, double LambdaLow, double LambdaHigh, double ActingLambda, IReadOnlyList<Mass> Density, IReadOnlyList<Mass> Prior,
    IReadOnlyList<BeliefMove> History, IReadOnlyList<DecisionLine> Decisions, string Snapshot, double CostScaleUsd);

public readonly record struct Mass(double Lambda, double Probability);

/// <summary>A signal, and the belief after it.</summary>
public sealed record BeliefMove(DateTimeOffset T, string Kind, string Value, string? Model, double LambdaMean, double LambdaLow, double LambdaHigh, string Text);

/// <summary>One of the two.</summary>
public sealed record TrafficEvent(OverviewReply? Overview, DecisionLine? Decision);
