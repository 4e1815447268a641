namespace MetaRouter.Core.Prediction;

/// <summary>One answer of a model that somebody graded.</summary>
/// <param name="Text">The request as the model read it.</param>
/// <param name="Score">0 to 1.</param>
/// <param name="OutputTokens">Completion tokens, above 0; NaN: not counted.</param>
public readonly record struct GradedAnswer(string Text, float Score, float OutputTokens = float.NaN);
