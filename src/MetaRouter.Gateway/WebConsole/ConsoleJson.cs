using System.Text.Json;
using System.Text.Json.Serialization;

namespace MetaRouter.Gateway.WebConsole;

internal sealed record SessionView(string Tenant, string[] Scopes, bool Demo, bool Simulated, string Mode, string Version);

internal sealed record OverviewView(DateTime Now, DateTime Since, int BucketSeconds, TotalsView Totals, BucketView[] Series, ModelUseView[] Models, ServingView Snapshot, string Mode);

/// <param name="PredictedUsd">The part of the money spent that is predicted, since the models were called elsewhere.</param>
/// <param name="ComparisonsUsd">The part that second answers took, shown so that the choice between two teaches.</param>
internal sealed record TotalsView(
    long Requests, long Errors, long Fallbacks, double SpentUsd, double PredictedUsd, double ComparisonsUsd,
    SavingView? AlwaysStrongest, SavingView? BestSingle, QualityView? Quality, LatencyView LatencyMs, int Users);

/// <param name="Quality">Mean predicted quality if this model had answered everything.</param>
/// <param name="SavedLow">With SavedHigh a 95 % normal interval, over requests, of the US dollars saved.</param>
internal sealed record SavingView(string Model, double Usd, double? SavedShare, double? Quality, double? SavedLow, double? SavedHigh);

internal sealed record QualityView(double Value, double Low, double High, string Method)
{
    public const string Stated = "predicted quality of what was served; 95 % normal interval over requests, the predictor's own error not included";
}

internal sealed record LatencyView(double? P50, double? P99);

internal sealed record BucketView(DateTime T, long Requests, long Errors, double SpentUsd, double AlwaysStrongestUsd, double? Quality, double? P50Ms, double? P99Ms, Dictionary<string, long> Models);

internal sealed record ModelUseView(string Name, long Requests, double Share, double SpentUsd, double? Quality, double? P50Ms, string Circuit, bool Enabled);

/// <param name="Held">An operator rolled back to it: it stays until a refresh is asked for.</param>
internal sealed record ServingView(string Version, DateTime? Since, double? AgeSeconds, int? Users, bool Held);

internal sealed record DecisionsView(RowView[] Decisions, int Total, string? Next, string[] Reasons);

internal record RowView(
    string Id, DateTime T, string? User, string? Name, string Model, string Reason, double? Propensity,
    double? Lambda, double? Quality, double? CostUsd, string? Served, int? Status, double? LatencyMs, int Signals);

/// <param name="CostScaleUsd">tau: utility = (quality - lambda cost / tau) / (1 + lambda).</param>
internal sealed record DecisionView([property: JsonIgnore] RowView Row, string? Explanation, string Snapshot, double? CostScaleUsd, CandidateView[] Candidates, FeedbackView[] Feedback) : RowView(Row);

internal sealed record CandidateView(string Model, float Quality, double QualitySd, float CostUsd, double? LatencyMs, float? Utility, float Propensity, string? Exclusion, bool Chosen, bool Offered);

internal sealed record FeedbackView(DateTime T, string Kind, string Value, bool Counted);

internal sealed record FrontView(long Requests, FrontModelView[] Models, TrafficView? Traffic, DialView[] Dial, double CostScaleUsd);

internal sealed record FrontModelView(string Name, double? Quality, double? CostUsd, double Share);

internal sealed record TrafficView(double Quality, double CostUsd, double? Lambda);

internal sealed record DialView(double Lambda, double Quality, double CostUsd, Dictionary<string, double> Shares);

internal sealed record UsersView(UserLineView[] Users);

internal sealed record UserLineView(string User, string? Name, long Requests, double SpentUsd, string TopModel, int Signals, DateTime Last);

internal sealed record TenantsView(TenantLineView[] Tenants);

/// <param name="Budget">Null: none is set.</param>
internal sealed record TenantLineView(string Tenant, long Requests, long Errors, double SpentUsd, SavingView? AlwaysStrongest, double? Quality, LatencyView LatencyMs, TenantBudgetView? Budget);

/// <param name="SpentUsd">In this period, on all gateways of the store.</param>
internal sealed record TenantBudgetView(double BudgetUsd, double SpentUsd, string Period, string Ends);

internal readonly record struct MassView(double Lambda, double Probability);

internal sealed record TopicView(string Name, double Offset, double Sd);

internal sealed record UserView(
    string User, string? Name, string Explanation, int Signals, double LambdaMean, double LambdaLow, double LambdaHigh, double ActingLambda, MassView[] Density, MassView[] Prior, TopicView[]? Topics,
    StepView[] History, RowView[] Decisions, string Snapshot, double CostScaleUsd);

internal sealed record StepView(DateTime T, string Kind, string Value, string? Model, double LambdaMean, double LambdaLow, double LambdaHigh, string Text);

internal sealed record LearningView(ServingView Serving, SnapshotView[] Snapshots, NewcomerView[]? Newcomers);

internal sealed record SnapshotView(string Version, DateTime? T, string Result, int? Users, double? ChampionEvidence, double? ChallengerEvidence, MassView[] Density, bool Serving);

/// <param name="Regret">Expected utility lost by not knowing the user for certain, mean over users.</param>
internal sealed record NewcomerView(int Request, double Regret, int N);

internal sealed record PlaygroundView(PlaygroundCandidateView[] Candidates, double CostScaleUsd, LambdaView Lambda, DialModelView[] Dial);

internal sealed record PlaygroundCandidateView(string Model, float Quality, double QualitySd, float CostUsd, double? LatencyMs, string? Exclusion);

internal sealed record LambdaView(double Mean, double Low, double High, double Acting);

internal sealed record DialModelView(double Lambda, string Model);

/// <param name="ByPrice">Nothing but its price is known of it.</param>
/// <param name="LengthRatio">Completion tokens counted for each predicted; null: too few answers were measured.</param>
internal sealed record ModelLineView(
    string Id, double InputPriceUsdPerMillion, double OutputPriceUsdPerMillion, double? CachedInputPriceUsdPerMillion, double OutputScale,
    int ContextWindow, string[] Capabilities, double? LatencySeconds, string? Sibling, bool Enabled,
    string Circuit, long Requests, long Errors, double? P50Ms, string? Upstream, bool ByPrice, double? LengthRatio);

/// <param name="Known">The snapshot's models, any of which may be a sibling.</param>
internal sealed record ModelsView(string Etag, ModelLineView[] Models, string[] Known);

/// <summary>How the console's answers are written: nothing is left out, what is not known is null.</summary>
internal static class ConsoleJson
{
    public static JsonSerializerOptions Default { get; } = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>For <c>?pretty</c>.</summary>
    public static JsonSerializerOptions Pretty { get; } = new(Default) { WriteIndented = true };
}
