using System.Globalization;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.OffPolicy;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter evaluate --log FILE... [--json]</c>: what other policies would have earned, from a host's decision log.</summary>
internal static class EvaluateLog
{
    // Below this an interval says little, and a normal one less.
    private const double FewDecisions = 50;

    // A smaller share that rests on the prediction would be printed as 0 %.
    private const double Told = 0.005;

    public static int Run(Terminal terminal, IReadOnlyList<string> paths, bool json)
    {
        var (decisions, leftOut, pending, repeated, astray, bad) = DecisionLogReader.Read(paths);
        foreach (var (path, lines) in bad)
        {
            terminal.Error.WriteLine($"Warning: {path}: {lines.Skipped}");
        }

        if (repeated > 0)
        {
            terminal.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Warning: {repeated:n0} {(repeated == 1 ? "decision is" : "decisions are")} repeated on a later line; each counts once."));
        }

        if (pending > 0)
        {
            terminal.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Warning: what became of {pending:n0} {(pending == 1 ? "decision" : "decisions")} is in no file; a silo's log does not have it: give the gateways' logs beside the silos'. "
                    + $"{(pending == 1 ? "It is" : "They are")} left out."));
        }

        if (astray > 0)
        {
            terminal.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"Warning: {astray:n0} feedback {(astray == 1 ? "line is" : "lines are")} about decisions that "
                    + $"{(paths.Count == 1 ? "are not in the file; if it was rotated, give its earlier files" : "are in no file; if there are earlier ones, give them")} too: "
                    + $"--log OLDEST ... NEWEST."));
        }

        var judged = decisions.Count(d => d.Reward is not null);
        if (judged < 2)
        {
            throw new DataFileException(string.Create(
                CultureInfo.InvariantCulture,
                $"{string.Join(", ", paths)}: {judged} of {decisions.Count} decisions have a reward; an estimate needs at least two. "
                    + $"Rewards come from feedback lines, or from a \"reward\" of 0 to 1 on a decision's own line; of a cluster feedback lines are in the silos' logs."));
        }

        var estimates = OffPolicyEvaluation.Run(decisions, OffPolicyEvaluation.Usual(decisions));
        string[][] rows = [.. estimates.Select(e => new[]
        {
            e.Policy,
            Cell(e.DoublyRobust, e.DoublyRobustCi),
            Cell(e.Snips, e.SnipsCi),
            Cell(e.Ips, e.IpsCi),
            (1000 * e.CostUsd).ToString("0.0000", CultureInfo.InvariantCulture),
            e.EffectiveSample.ToString("0", CultureInfo.InvariantCulture) + (e.EffectiveSample < FewDecisions ? " (few)" : ""),
        })];
        var note = string.Create(
            CultureInfo.InvariantCulture,
            $"{decisions.Count:n0} decisions, {judged:n0} of them with a reward; {leftOut:n0} left out (two answers shown, or not answered by the chosen model); "
                + $"{astray:n0} feedback lines about decisions that were not read. 95 % intervals, decisions taken as independent. "
                + $"Few: the log hardly ever did what the policy would do; trust its row little. -: it never did.");
        var predicted = estimates.Where(e => e.EffectiveSample > 0 && e.Unsupported >= Told)
            .OrderByDescending(e => e.Unsupported)
            .Select(e => string.Create(CultureInfo.InvariantCulture, $"{e.Policy} {e.Unsupported:P0}"))
            .ToArray();
        note += predicted.Length > 0
            ? " Where the log could not have done what the policy would do, doubly robust rests on the prediction alone, "
                + $"and SNIPS and IPS leave it out; the share of each policy for which that holds: {string.Join("; ", predicted)}."
            : "";
        note += Beyond(estimates);
        var name = string.Join(", ", paths.Select(Path.GetFileName));
        new ResultTable($"What policies would have earned, from {name}", ["policy", "reward, doubly robust", "SNIPS", "IPS", "USD per 1,000", "worth so many decisions"], rows, note)
            .Write(terminal.Results());
        if (json)
        {
            terminal.Out.WriteLine(ReportJson.Write(new { Log = name, Decisions = decisions.Count, Rewarded = judged, LeftOut = leftOut, Pending = pending, Repeated = repeated, Astray = astray, Policies = estimates }));
        }

        return ExitCodes.Success;
    }

    private static string Cell(double estimate, Interval interval) => ResultTable.Number(estimate, interval, "0.000") + (OffPolicyEstimate.Leaves(estimate, interval) ? "*" : "");

    /// <summary>The note on figures that are impossible values; empty: there are none.</summary>
    private static string Beyond(IReadOnlyList<OffPolicyEstimate> estimates)
    {
        if (estimates.All(e => e.OutOfRange.Count == 0))
        {
            return "";
        }

        string[] outside =
        [
            .. estimates.Where(e => OffPolicyEstimate.IsOutside(e.DoublyRobust)).Select(e => string.Create(CultureInfo.InvariantCulture, $"{e.Policy} {e.DoublyRobust:0.000}")),
        ];
        return " *: the figure or its interval leaves 0 to 1, where every reward lies: the log has too little of that policy. Doubly robust and IPS are "
            + "right on average only because they are not cut off there; read of the interval the part between 0 and 1, "
            + "and where a figure itself is outside, read SNIPS, which is a mean of actual rewards."
            + (outside.Length > 0 ? $" Doubly robust is outside for {string.Join("; ", outside)}." : "");
    }
}
