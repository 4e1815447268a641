using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.OffPolicy;

/// <summary>The files of one decision log as read.</summary>
/// <param name="LeftOut">Decisions that say nothing of what the chosen model is worth.</param>
/// <param name="Repeated">Lines of decisions that an earlier line has, as where one file is another's later copy; they count once.</param>
/// <param name="Astray">Words about decisions that stand in none of the files.</param>
/// <param name="BadLines">Of each file that has any.</param>
public sealed record DecisionLogFiles(IReadOnlyList<LoggedDecision> Decisions, int LeftOut, int Repeated, int Astray, IReadOnlyList<(string Path, BadLines Lines)> BadLines);
