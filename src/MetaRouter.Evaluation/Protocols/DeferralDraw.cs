using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>One draw of a RouteLLM trial: what is learned from, and which rows of the benchmark are scored by it. The parts' test rows do not overlap.</summary>
internal sealed record DeferralDraw(int Seed, IReadOnlyList<(OutcomeTable Train, int[] Test)> Parts);
