using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>A row of P5's table: one way of making a router of few gold and many preference labels.</summary>
/// <param name="Router">Which labels, joined how.</param>
/// <param name="Apgr">Mean over the draws.</param>
/// <param name="OverPooled">Its APGR less that of plain pooling, on the same draws and rows; above 0: better.</param>
/// <param name="OverGold">Less that of the gold labels alone.</param>
/// <param name="BelowAllGold">That of gold labels for all requests, less its own.</param>
public sealed record LabelRow(
    string Router,
    double Apgr,
    Interval ApgrCi,
    double OverPooled,
    Interval OverPooledCi,
    double OverGold,
    Interval OverGoldCi,
    double BelowAllGold,
    Interval BelowAllGoldCi);
