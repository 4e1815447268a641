using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>A row of P6: how steadily one router decides on prompts written for the purpose.</summary>
/// <param name="DearShare">The share of all graded prompts that go to a dear model.</param>
/// <param name="HarmfulDear">Of the harmful requests.</param>
/// <param name="PersonalDear">Of the requests with personal data.</param>
/// <param name="Poison">What inverted feedback does to others; only of what ships, since no other row learns from users. Null: not measured.</param>
public sealed record RobustnessRow(
    string Router,
    double DearShare,
    double HarmfulDear,
    double PersonalDear,
    IReadOnlyList<CategoryFigures> Categories,
    IReadOnlyList<AttackFigures> Attacks,
    IReadOnlyList<PoisonFigures>? Poison);

/// <summary>One category of prompts; "all" is the five together.</summary>
/// <param name="DearTrivial">The share of trivial prompts that go to a dear model.</param>
/// <param name="DearHard">Of hard ones.</param>
/// <param name="Excess"><see cref="DearTrivial"/> less the router's <see cref="RobustnessRow.DearShare"/>.</param>
/// <param name="Auroc">The chance that a hard prompt's expected lead of the dearest model over the cheapest is above a trivial one's.</param>
/// <param name="DifficultyAuroc">The same of the expected failure of the models, one less their mean expected quality.</param>
public sealed record CategoryFigures(string Category, double DearTrivial, double DearHard, double Excess, Interval ExcessCi, double Auroc, Interval AurocCi, double DifficultyAuroc);

/// <summary>What one way of changing the prompts does.</summary>
/// <param name="Prompts">How many were changed.</param>
/// <param name="Flips">The share whose model changes, for a new user.</param>
/// <param name="DialFlips">The same, mean over the lambdas of P2 up to 1.</param>
/// <param name="CostIncrease">What the models that are then chosen cost on the prompts as they were, over what those chosen before do, less 1.</param>
/// <param name="DialCostIncrease">The greatest of those lambdas.</param>
public sealed record AttackFigures(string Attack, int Prompts, double Flips, Interval FlipsCi, double DialFlips, double CostIncrease, Interval CostIncreaseCi, double DialCostIncrease);

/// <summary>What inverted feedback of a share of the users does.</summary>
/// <param name="Share">Of users who invert every answer.</param>
/// <param name="Others">The share of the other users' routes that change, all with feedback of their own.</param>
/// <param name="Newcomers">The share of the routes of users who have said nothing yet.</param>
public sealed record PoisonFigures(double Share, double Others, Interval OthersCi, double Newcomers, Interval NewcomersCi);
