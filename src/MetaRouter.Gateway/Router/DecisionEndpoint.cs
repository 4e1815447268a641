using System.Text.Json;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Router;

/// <summary><c>GET /v1/router/decisions/{receipt}</c>: which model answered, and why, for whoever has the answer's receipt.</summary>
internal sealed class DecisionEndpoint(ReceiptLookup lookup, PoolHolder pool, RateLimits rates, MetaRouterOptions options) : IEndpoints
{
    public const string Root = "/v1/router/decisions";

    private const string User = "user";

    public void Map(IEndpointRouteBuilder routes) => routes.MapRead(Root + "/{receipt}", DecisionAsync).WithMetadata(new NeedsScope(Scope.Inference, Scope.Feedback, Scope.Read));

    private async Task DecisionAsync(HttpContext context)
    {
        var caller = Edge.CallerOf(context);
        await rates.AdmitAsync(context, caller).ConfigureAwait(false); // it may read a file
        var user = UserId.Check(context.Request.Query[User], User) ?? UserId.Check(context.Request.Headers[ChatControls.UserHeader], ChatControls.UserHeader);
        var receipt = await lookup.OpenAsync(caller, (string)context.Request.RouteValues["receipt"]!, user, context.RequestAborted).ConfigureAwait(false);
        context.Response.Headers.CacheControl = "no-store";
        var answer = lookup.Remembered(caller.Tenant, receipt.DecisionTimeMs, receipt.Nonce) is { } remembered ? Of(remembered, receipt)
            : await LineAsync(receipt, context.RequestAborted).ConfigureAwait(false) is { } line ? Of(line, receipt)
            : OfReceipt(receipt);
        await Answers.WriteAsync(context, answer, GatewayJson.Readable, GatewayJson.Pretty).ConfigureAwait(false);
    }

    private async Task<string?> LineAsync(Receipt receipt, CancellationToken cancellationToken)
    {
        try
        {
            return options.DecisionLog.Length == 0 ? null : await DecisionLog.FindAsync(options.DecisionLog, receipt, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null; // rotated just now, or not written yet
        }
    }

    private static DecisionAnswer Begun(in Receipt receipt, string from, string? model) => new(
        JournalEntry.IdOf(receipt.DecisionTimeMs, receipt.Nonce), ApiNames.Time(DateTimeOffset.FromUnixTimeMilliseconds(receipt.DecisionTimeMs)), from, model)
    {
        Explored = receipt.IsExplored,
        Snapshot = ApiNames.Snapshot(receipt.SnapshotVersion),
    };

    private static DecisionAnswer Of(DecisionView view, in Receipt receipt) => Begun(receipt, "memory", view.Served ?? (view.Status is null ? view.Model : null)) with
    {
        Chosen = view.Model,
        Offered = view.Candidates.FirstOrDefault(c => c.Offered)?.Model,
        Reason = view.Reason,
        Explanation = view.Explanation,
        Propensity = view.Propensity,
        LambdaCost = view.Lambda,
        CostScaleUsd = view.CostScaleUsd,
        CostUsd = view.Status is null ? null : view.CostUsd,
        LatencyS = view.LatencyMs / 1000,
        Candidates = [.. view.Candidates.Select(c => new CandidateAnswer(c.Model, c.Quality, c.CostUsd, c.LatencyMs / 1000, c.Utility, c.Propensity, c.Exclusion)).OrderByDescending(c => c.Utility ?? float.NegativeInfinity)],
        Feedback = [.. view.Feedback.Select(f => new SaidAnswer(ApiNames.Time(f.T), f.Kind, f.Value, f.Counted))],
    };

    private static DecisionAnswer Of(string line, in Receipt receipt)
    {
        var logged = JsonSerializer.Deserialize<LoggedDecision>(line, GatewayJson.Default)!;
        return Begun(receipt, "log", logged.Mode == "decision" ? logged.Chosen : logged.Served) with
        {
            Note = "This gateway no longer has it in memory; this is its line in the decision log, which names no model that the guardrails removed.",
            Chosen = logged.Chosen,
            Offered = logged.Offered,
            Reason = logged.FailOver == true ? DecisionReasonNames.FailOver : DecisionReasonNames.Of(Enum.Parse<DecisionReason>(logged.Reason)),
            Propensity = logged.Propensity,
            LambdaCost = logged.Lambda,
            CostUsd = logged.CostUsd,
            LatencyS = logged.LatencyS,
            Candidates = [.. logged.Candidates.OrderByDescending(c => c.Utility)],
        };
    }

    private DecisionAnswer OfReceipt(in Receipt receipt)
    {
        var (model, offered) = (NameOf(receipt.ChosenModel), receipt.OfferedModel == 0 ? null : NameOf(receipt.OfferedModel));
        var chosen = Predicted(model, receipt.First, receipt.Propensity);
        return Begun(receipt, "receipt", model) with
        {
            Note = "Only the receipt is left of this decision, and it tells no other models, no cost that was counted, and of the reason no more than that one was tried to learn or two were compared: "
                + "this gateway does not have it in memory (it restarted since, has taken too many decisions since, or another one took it), and "
                + (options.DecisionLog.Length == 0
                    ? "no decisions are logged (MetaRouter:DecisionLog)."
                    : "the decision log does not have it (it was rotated or lost the line, or the decision is another gateway's)."),
            Offered = offered,
            Reason = receipt.IsComparison ? DecisionReasonNames.Of(DecisionReason.Comparison) : receipt.IsExplored ? DecisionReasonNames.Of(DecisionReason.Explored) : null,
            Propensity = receipt.Propensity,
            Candidates = receipt.OfferedModel == 0 ? [chosen] : [chosen, Predicted(offered, receipt.Offered, null)],
        };

        static CandidateAnswer Predicted(string? name, in Outcome outcome, float? propensity) =>
            new(name, outcome.Quality, outcome.CostUsd, outcome.LatencySeconds > 0 ? outcome.LatencySeconds : null, null, propensity, null);
    }

    private string? NameOf(uint hash) => pool.Current.Catalog.Models.FirstOrDefault(m => Receipt.HashOf(m.Id) == hash)?.Id.Value;

    /// <summary>A line of the decision log.</summary>
    private sealed record LoggedDecision(
        string Chosen, string? Offered, string Reason, double Lambda, double Propensity, string Mode, string? Served, bool? FailOver, double? CostUsd, double? LatencyS, CandidateAnswer[] Candidates);
}
