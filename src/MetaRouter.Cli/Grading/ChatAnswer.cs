namespace MetaRouter.Cli.Grading;

/// <summary>A whole answer; figures that are not known are NaN.</summary>
/// <param name="Seconds">Of the call that brought it, without those before it that were refused.</param>
/// <param name="IsCut">It reached the limit of tokens.</param>
internal sealed record ChatAnswer(string Text, double InputTokens, double OutputTokens, double CostUsd, double Seconds, bool IsCut);
