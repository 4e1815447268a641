namespace MetaRouter.Core.Routing;

/// <summary>What a user asks to have routed.</summary>
/// <param name="Text">The request as the model would read it; any Unicode, may be empty.</param>
public sealed record RouteRequest(string Text)
{
    /// <summary>Prompt tokens where they are known, 0 or more; null: estimated from the text.</summary>
    public int? PromptTokens { get; init; }

    /// <summary>What a model must offer; prompt and completion tokens left at 0 are filled in with what is known or predicted.</summary>
    public RouteNeeds Needs { get; init; }

    /// <summary>A trade-off set by hand for this request, lambda_cost, 0 or more, where more than 1e9 counts as 1e9; null: the user's own, as believed.</summary>
    public double? LambdaCost { get; init; }

    /// <summary>
    /// The quality to give up for a second less, set by hand for this request, 0 or more, where more than 1e9 counts as 1e9; null: 0 beside a
    /// <see cref="LambdaCost"/> set by hand, else the user's own, as believed.
    /// </summary>
    public double? LambdaLatency { get; init; }

    /// <summary>Two models and a threshold in the place of the user's trade-off, from a caller that routes as RouteLLM does; null: all models.</summary>
    public DeferralRule? Deferral { get; init; }

    /// <summary>The model that answered the conversation last and what its prompt cache holds; null: the conversation is new.</summary>
    public WarmModel? Warm { get; init; }

    /// <summary>Whether a model other than the best may be tried; default true.</summary>
    public bool MayExplore { get; init; } = true;

    /// <summary>Whether two answers may be shown to learn from the choice; default false. Two calls are paid for.</summary>
    public bool MayCompare { get; init; }

    /// <summary>The caller has the model answer and logs who did; default false: what becomes of the decision is known to nobody but the application.</summary>
    public bool IsToBeServed { get; init; }

    /// <exception cref="ArgumentException">A number is outside its range; the message names it.</exception>
    internal void Validate()
    {
        if (LambdaCost is { } dial && !(dial >= 0 && double.IsFinite(dial)))
        {
            throw new ArgumentException($"The request sets lambda_cost to {dial}; it must be a finite number, 0 (quality only) or more.");
        }

        if (LambdaLatency is { } hurry && !(hurry >= 0 && double.IsFinite(hurry)))
        {
            throw new ArgumentException($"The request sets lambda_latency to {hurry}; it must be a finite number, 0 (as long as it takes) or more.");
        }

        if (PromptTokens < 0 || Needs.PromptTokens < 0)
        {
            throw new ArgumentException($"The request has {(PromptTokens < 0 ? PromptTokens : Needs.PromptTokens)} prompt tokens; there must be 0 or more, or none given.");
        }

        if (Needs.ExpectedOutputTokens < 0)
        {
            throw new ArgumentException($"The request expects {Needs.ExpectedOutputTokens} output tokens; there must be 1 or more, or 0 for no limit.");
        }

        if (Warm is { CachedTokens: < 0 } warm)
        {
            throw new ArgumentException($"The request has {warm.CachedTokens} cached tokens at '{warm.Model}'; there must be 0 or more.");
        }

        if (Deferral is { IsValid: false } wrong)
        {
            throw new ArgumentException($"The request chooses between '{wrong.Strong}' and '{wrong.Weak}' at the threshold {wrong.Threshold}; give two models and a threshold from 0 to 1.");
        }
    }
}
