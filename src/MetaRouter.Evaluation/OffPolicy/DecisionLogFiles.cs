using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.OffPolicy;

/// <summary>The files of one decision log as read.</summary>
/// <param name="LeftOut">Decisions that say nothing of what the chosen model is worth.</param>
/// <param name="Pending">Decisions whose outcome is in none of the files, as where a silo's is read without the gateways'; nothing is known of who answered.</param>
/// <param name="Repeated">Lines of decisions that an earlier line has, as where one file is another's later copy; they count once. A silo's line and the gateway's are one decision's two.</param>
/// <param name="Astray">Words about decisions that stand in none of the files.</param>
/// <param name="BadLines">Of each file that has any.</param>
public sealed record DecisionLogFiles(IReadOnlyList<LoggedDecision> Decisions, int LeftOut, int Pending, int Repeated, int Astray, IReadOnlyList<(string Path, BadLines Lines)> BadLines);
