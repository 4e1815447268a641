using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>A row of P4's table: what new users lose who start from this prior.</summary>
/// <param name="Prior">What they start from.</param>
/// <param name="Regret">Mean over the first ten requests of the utility lost against knowing the user's trade-off.</param>
/// <param name="Saved">By how much the learned prior's regret is lower, as a share of this one's; on the same users and rows.</param>
/// <param name="ByRequest">Mean regret at each request, from the first.</param>
public sealed record NewUserRow(string Prior, double Regret, Interval RegretCi, double Saved, Interval SavedCi, IReadOnlyList<double> ByRequest);
