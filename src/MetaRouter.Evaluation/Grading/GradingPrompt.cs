namespace MetaRouter.Evaluation.Grading;

/// <summary>A request that models are asked, so that their answers can be graded.</summary>
/// <param name="Line">Of its file, from 1.</param>
/// <param name="Id">Unique within its file.</param>
/// <param name="Query">The request as the router will see it: the user's text.</param>
/// <param name="Messages">What is sent: OpenAI's <c>messages</c>, as JSON.</param>
/// <param name="References">Right answers, any of which will do; empty: none is known.</param>
public sealed record GradingPrompt(int Line, string Id, string Dataset, string Query, string Messages, IReadOnlyList<string> References);
