using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>A row of P3's table. Dictionaries are by number of comparisons.</summary>
/// <param name="Share">Of the gap between the best one-for-all dial position (0) and knowing every user's preference (1), how much was recovered.</param>
/// <param name="Utility">Mean realised utility.</param>
/// <param name="Quality">Mean realised score.</param>
/// <param name="Cost">Mean realised cost over tau.</param>
/// <param name="Covered">The share of users whose lambda lies in the believed 90 % interval; null: no belief, or no single lambda that it could hold.</param>
public sealed record PreferenceRow(
    string Router,
    IReadOnlyDictionary<string, double> Share,
    IReadOnlyDictionary<string, Interval> ShareCi,
    IReadOnlyDictionary<string, double> Utility,
    IReadOnlyDictionary<string, double> Quality,
    IReadOnlyDictionary<string, double> Cost,
    IReadOnlyDictionary<string, double>? Covered = null);
