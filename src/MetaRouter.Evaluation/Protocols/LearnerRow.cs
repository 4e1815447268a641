using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>A row of P3's table of learners. Dictionaries are by number of comparisons.</summary>
/// <param name="Share">Of the gap between the best one-for-all dial position (0) and knowing every user's preference (1), how much was recovered.</param>
/// <param name="Behind">The first row's share less this one's, on the same users, requests and replicates; above 0: this learner is behind.</param>
/// <param name="BehindRandom">
/// The same for what ships with its questions drawn at random: how learners compare where none chooses what to ask. Of those that do choose, below 0 says no more than that a choice helps.
/// Null: that row is not in the table.
/// </param>
/// <param name="Quality">Mean realised score.</param>
/// <param name="Cost">Mean realised cost over tau.</param>
/// <param name="Covered">Share of users whose true lambda lies in the believed 90 % interval; null: the learner believes nothing of lambda.</param>
public sealed record LearnerRow(
    string Router,
    IReadOnlyDictionary<string, double> Share,
    IReadOnlyDictionary<string, Interval> ShareCi,
    IReadOnlyDictionary<string, double> Behind,
    IReadOnlyDictionary<string, Interval> BehindCi,
    IReadOnlyDictionary<string, double>? BehindRandom,
    IReadOnlyDictionary<string, Interval>? BehindRandomCi,
    IReadOnlyDictionary<string, double>? Quality,
    IReadOnlyDictionary<string, double>? Cost,
    IReadOnlyDictionary<string, double>? Covered);
