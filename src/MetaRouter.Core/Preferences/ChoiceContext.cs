namespace MetaRouter.Core.Preferences;

/// <summary>What the likelihood of a signal needs besides the signal: parts of a snapshot.</summary>
/// <param name="CostScaleUsd">tau in US dollars, above 0.</param>
/// <param name="Correlation">Of two models' outcomes on one request beyond what is predicted, 0 to 1.</param>
/// <param name="CostSpread">How far a realised cost lies from the predicted one, as a share of it: 0 (costs are known) or more; see <see cref="CostSpreadFit"/>.</param>
/// <param name="SecondPrice">The quality that the user gives up for a second less; 0: none.</param>
/// <param name="Middle">What feedback on a single answer is corrected by; null: nothing is known of it.</param>
public readonly record struct ChoiceContext(double CostScaleUsd, float Correlation, float CostSpread = 0, double SecondPrice = 0, MiddleCalibration? Middle = null);
