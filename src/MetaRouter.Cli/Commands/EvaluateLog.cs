using System.Globalization;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.OffPolicy;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter evaluate --log FILE [--json]</c>: what other policies would have earned, from a host's decision log.</summary>
internal static class EvaluateLog
{
    // Under it an interval says little, and a normal one less.
    private const double FewDecisions = 50;

    public static int Run(Terminal terminal, string path, bool json)
    {
        var (decisions, leftOut, bad) = DecisionLogReader.Read(path);
        if (bad.Count > 0)
        {
            terminal.Error.WriteLine($"Warning: {path}: skipped {bad.Count} bad {(bad.Count == 1 ? "line" : "lines")}: {string.Join("; ", bad.Take(3))}{(bad.Count > 3 ? "; ..." : "")}");
        }

        var judged = decisions.Count(d => d.Reward is not null);
        if (judged < 2)
        {
            throw new DataFileException(string.Create(CultureInfo.InvariantCulture, $"{path}: {judged} of {decisions.Count} decisions have a reward; an estimate needs at least two. Rewards come from feedback lines, or from a \"reward\" of 0 to 1 on a decision's own line."));
        }

        var estimates = OffPolicyEvaluation.Run(decisions, OffPolicyEvaluation.Usual(decisions));
        string[][] rows = [.. estimates.Select(e => new[]
        {
            e.Policy,
            ResultTable.Number(e.DoublyRobust, e.DoublyRobustCi, "0.000"),
            ResultTable.Number(e.Snips, e.SnipsCi, "0.000"),
            ResultTable.Number(e.Ips, e.IpsCi, "0.000"),
            (1000 * e.CostUsd).ToString("0.0000", CultureInfo.InvariantCulture),
            e.EffectiveSample.ToString("0", CultureInfo.InvariantCulture) + (e.EffectiveSample < FewDecisions ? " (few)" : ""),
        })];
        var note = string.Create(CultureInfo.InvariantCulture, $"{decisions.Count:n0} decisions, {judged:n0} of them with a reward; {leftOut:n0} left out (two answers shown, or not answered by the chosen model). 95 % intervals, decisions taken as independent. Few: the log hardly ever did what the policy would do; trust its row little. -: it never did.");
        new ResultTable($"What policies would have earned, from {Path.GetFileName(path)}", ["policy", "reward, doubly robust", "SNIPS", "IPS", "USD per 1,000", "worth so many decisions"], rows, note).Write(terminal.Results());
        if (json)
        {
            terminal.Out.WriteLine(ReportJson.Write(new { Log = Path.GetFileName(path), Decisions = decisions.Count, Rewarded = judged, LeftOut = leftOut, Policies = estimates }));
        }

        return ExitCodes.Success;
    }
}
