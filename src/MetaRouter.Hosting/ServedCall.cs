using MetaRouter.Core.Catalog;

namespace MetaRouter.Hosting;

/// <summary>What became of a decision: who answered in the end and what that cost.</summary>
/// <param name="Mode">apply: the decision was followed; observe: it was only noted.</param>
/// <param name="Model">Who answered; null: nobody did.</param>
/// <param name="IsFailOver">The chosen model's upstream failed and another answered; such calls say nothing of the choice.</param>
public sealed record ServedCall(string Mode, ModelId? Model, bool IsFailOver)
{
    /// <summary>The share of users whose decisions are followed, where whoever asked was drawn by it; null: nobody was drawn, and this was followed, or not, for another reason.</summary>
    public double? ApplyShare { get; init; }

    /// <summary>US dollars; null: not known.</summary>
    public double? CostUsd { get; init; }

    /// <summary>usage: the upstream's count; counted: this side's estimate.</summary>
    public string? CostSource { get; init; }

    public long PromptTokens { get; init; }

    public long CompletionTokens { get; init; }

    /// <summary>From the request's arrival to the end of its answer.</summary>
    public double LatencySeconds { get; init; }
}
