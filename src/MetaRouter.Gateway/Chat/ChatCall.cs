using System.Text;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Limits;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Chat;

/// <summary>One request on its way.</summary>
/// <param name="Unrouted">Who answers when no decision is followed; null: one is.</param>
/// <param name="Session">Its name in shared state; null: the request belongs to none.</param>
internal sealed record ChatCall(HttpContext Context, long Started, ChatBody Body, string Tenant, string? User, ModelProfile? Unrouted, ModelCatalog Catalog, string? Session)
{
    private readonly Lock _gate = new();

    /// <summary>In service when the request came; a newer one where that is what was decided by.</summary>
    public ModelCatalog Catalog { get; set; } = Catalog;

    /// <summary>Null: nothing was decided.</summary>
    public RouteDecision? Decision { get; set; }

    /// <summary>The client asked for routing, whether or not it is on.</summary>
    public bool IsAuto { get; init; }

    /// <summary>What was asked for, as a label: of few values, unlike RouteLLM's names, which have thresholds in them.</summary>
    public string Requested => !IsAuto ? Unrouted!.Id.Value : Body.Model.StartsWith("auto", StringComparison.Ordinal) ? Body.Model : "router";

    /// <summary>Under which name it is known who began the turn; null: no tools take part, or nothing is remembered.</summary>
    public Lazy<string>? Turn { get; init; }

    /// <summary>The decision was held to the model that began the turn.</summary>
    public bool GoesOn { get; set; }

    /// <summary>The decision that was held to the model that began the turn, where that failed and those of another are asked; null: there is none.</summary>
    public RouteDecision? Begun { get; set; }

    /// <summary>What the offered model's answer cost, which is told beside the chosen one's; null: one model answered.</summary>
    public Spending? Second { get; set; }

    public Budgets.Hold Hold { get; set; }

    /// <summary>US dollars that one answer of <see cref="Unrouted"/> is expected to cost; 0 where no budget asks.</summary>
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

    private long PromptTokensIn(RouteDecision? decision) => Body.Asked.PromptTokens ?? (decision is not null ? (long)decision.Receipt.InputTokens : (Encoding.UTF8.GetByteCount(Body.Asked.Text) + 3) / 4);

    /// <summary>Who is asked, in turn. Only a routed call may go on to another model; who names one wants no other.</summary>
    public IEnumerable<ModelId> Order => Unrouted is not null ? [Unrouted.Id] : Decision!.InTurn;

    /// <summary>By name: the decision's candidates stand in the order of whoever decided, which on a cluster is a silo's.</summary>
    public ModelProfile ProfileOf(ModelId model) => Catalog.Models[Catalog.IndexOf(model)];

    /// <summary>What an answer cost, by the upstream's count; where it is silent, by this side's: about four bytes to a token.</summary>
    /// <param name="uncountedBytes">Of text that the upstream's count leaves out.</param>
    public Spending Spent(ModelId model, TokenUsage usage, long uncountedBytes)
    {
        var tokens = usage with { Prompt = usage.Prompt > 0 ? usage.Prompt : PromptTokens, Completion = usage.Completion + ((uncountedBytes + 3) / 4) };
        return new(tokens, tokens.CostUsd(ProfileOf(model)), usage.Prompt > 0 && uncountedBytes == 0 ? "usage" : "counted");
    }

    public Spending Spent(UpstreamAnswer answer) => Spent(answer.Model, answer.Part.Usage, answer.Part.Usage.Completion > 0 ? 0 : answer.Part.TextBytes);

    /// <summary>What is taken to have been spent where no answer came: the prompt.</summary>
    public Spending SpentAsking(ModelId model) => Spent(model, default, 0);

    /// <summary>Two models may answer at once.</summary>
    public void Spend(double usd)
    {
        lock (_gate)
        {
            SpentUsd += usd;
        }
    }

    /// <summary>Once nothing more is spent. Only the first time does anything; later ones wait for it.</summary>
    public Task SettleAsync(Budgets budgets) => Settling ??= budgets.SettleAsync(Hold, SpentUsd);

    /// <summary>The same before an answer leaves, which waits for it a moment at most: see <see cref="Budgets.BrieflyAsync"/>.</summary>
    public Task SettleBrieflyAsync(Budgets budgets) => Budgets.BrieflyAsync(SettleAsync(budgets));

    /// <summary>Another than the chosen model answers.</summary>
    public bool IsFailOver(ModelId model) => Unrouted is null && model != Decision!.Model;
}

/// <summary>What an answer took.</summary>
/// <param name="Source">usage: the upstream counted; counted: this side did.</param>
internal readonly record struct Spending(TokenUsage Tokens, double Usd, string Source);
