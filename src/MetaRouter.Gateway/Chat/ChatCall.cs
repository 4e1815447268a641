using System.Text;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary>One request on its way.</summary>
/// <param name="Unrouted">Who answers when no decision is followed; null: a decision is followed.</param>
/// <param name="Session">Its name in shared state; null: the request belongs to none.</param>
internal sealed record ChatCall(HttpContext Context, long Started, ChatBody Body, string Tenant, string? User, ModelProfile? Unrouted, ModelCatalog Catalog, string? Session)
{
    private readonly Lock _gate = new();

    /// <summary>The catalog in service when the request came, or a newer one by which it was decided.</summary>
    public ModelCatalog Catalog { get; set; } = Catalog;

    /// <summary>Null: nothing was decided.</summary>
    public RouteDecision? Decision { get; set; }

    /// <summary>The routed name that was asked for, as a label; null: a model's own was.</summary>
    public string? Routed { get; init; }

    /// <summary>The client asked for routing, whether or not it is on.</summary>
    public bool IsAuto => Routed is not null;

    /// <summary>What was asked for, as a label.</summary>
    public string Requested => Routed ?? Unrouted!.Id.Value;

    /// <summary>The client wants what the headers say in the body, too.</summary>
    public bool WantsDetails { get; init; }

    /// <summary>As <see cref="MetaRouter.Hosting.ServedCall.ApplyShare"/>.</summary>
    public double? ApplyShare { get; init; }

    /// <summary>The name under which the model that began the turn is remembered; null: no tools take part, or nothing is remembered.</summary>
    public Lazy<string>? Turn { get; init; }

    /// <summary>The decision was limited to the model that began the turn.</summary>
    public bool GoesOn { get; set; }

    /// <summary>If the model that began the turn failed and another decision's models are asked, the decision that was limited to it; null: there is none.</summary>
    public RouteDecision? Begun { get; set; }

    /// <summary>What the offered model's answer cost, reported beside the chosen one's; null: only one model answered.</summary>
    public Spending? Second { get; set; }

    public Budgets.Hold Hold { get; set; }

    /// <summary>US dollars that one answer of <see cref="Unrouted"/> is expected to cost; 0 where neither a budget nor a limit is set.</summary>
    public double UnroutedUsd { get; set; }

    /// <summary>US dollars, as far as is known.</summary>
    public double SpentUsd { get; private set; }

    private Task? Settling { get; set; }

    public long PromptTokens => PromptTokensIn(Decision);

    /// <summary>US dollars, before the call.</summary>
    public double ExpectedUsd => Unrouted is { } named ? ExpectedOf(named.Id) : ExpectedOf(Decision!.Model) + (Decision.Offered is { } offered ? ExpectedOf(offered) : 0);

    /// <summary>The same, of one model that may answer: no more than its answers can cost at their limit, where they have one.</summary>
    /// <param name="decision">One that is not followed yet; null: as the call stands.</param>
    public double ExpectedOf(ModelId model, RouteDecision? decision = null)
    {
        var (profile, by) = (ProfileOf(model), decision ?? Decision);
        var one = decision is null && Unrouted is not null ? UnroutedUsd : by!.Candidates.First(c => c.Model == model).Predicted.CostUsd;

        // The prompt is charged once, with the first answer; of a cost that is foretold without tokens its share is not known. Where it is free the limit is all that an answer can cost.
        var prompt = profile.InputPrice.CostUsd(PromptTokensIn(by));
        var further = one > prompt ? one - prompt : one;
        further = Body.Needs.ExpectedOutputTokens is > 0 and var limit ? Math.Min(further, profile.OutputPrice.CostUsd(limit)) : further;
        return (profile.InputPrice.Usd == 0 ? further : one) + ((Body.Choices - 1) * further);
    }

    private long PromptTokensIn(RouteDecision? decision) =>
        Body.Asked.PromptTokens ?? (decision is not null ? (long)decision.Receipt.InputTokens : (Encoding.UTF8.GetByteCount(Body.Asked.Text) + 3) / 4);

    /// <summary>Who is asked, in turn. Only a routed call may go on to another model; a caller that names a model wants no other.</summary>
    public IEnumerable<ModelId> Order => Unrouted is not null ? [Unrouted.Id] : Decision!.InTurn;

    /// <summary>Found by name: the candidates are in the order of whoever decided, which on a cluster is a silo.</summary>
    public ModelProfile ProfileOf(ModelId model) => Catalog.Models[Catalog.IndexOf(model)];

    /// <summary>What an answer cost, by the upstream's count; where it is silent, by this side's: about four bytes to a token.</summary>
    /// <param name="uncountedBytes">Bytes of text that the upstream's count leaves out.</param>
    public Spending Spent(ModelId model, TokenUsage usage, long uncountedBytes)
    {
        var tokens = usage with { Prompt = usage.Prompt > 0 ? usage.Prompt : PromptTokens, Completion = usage.Completion + ((uncountedBytes + 3) / 4) };
        return new(tokens, tokens.CostUsd(ProfileOf(model)), usage.Prompt > 0 && uncountedBytes == 0 ? "usage" : "counted");
    }

    public Spending Spent(UpstreamAnswer answer) => Spent(answer.Model, answer.Part.Usage, answer.Part.Usage.Completion > 0 ? 0 : answer.Part.TextBytes);

    /// <summary>What is taken to have been spent where no answer came: the prompt.</summary>
    public Spending SpentAsking(ModelId model) => Spent(model, default, 0);

    /// <summary>Adds to what was spent; two models may answer at once.</summary>
    public void Spend(double usd)
    {
        lock (_gate)
        {
            SpentUsd += usd;
        }
    }

    /// <summary>To be called when nothing more is spent. Only the first call settles; later ones wait for it.</summary>
    public Task SettleAsync(Budgets budgets) => Settling ??= budgets.SettleAsync(Hold, SpentUsd);

    /// <summary>The same before an answer is sent, which waits a moment at most: see <see cref="Budgets.WaitBrieflyAsync"/>.</summary>
    public Task SettleBrieflyAsync(Budgets budgets) => Budgets.WaitBrieflyAsync(SettleAsync(budgets));

    /// <summary>Whether a model other than the chosen one answers.</summary>
    public bool IsFailOver(ModelId model) => Unrouted is null && model != Decision!.Model;
}

/// <summary>What an answer took.</summary>
/// <param name="Source">usage: the upstream counted; counted: this side did.</param>
internal readonly record struct Spending(TokenUsage Tokens, double Usd, string Source);
