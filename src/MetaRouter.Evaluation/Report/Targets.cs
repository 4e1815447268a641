using System.Globalization;
using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Robustness;

namespace MetaRouter.Evaluation.Report;

/// <summary>What the project set out to reach, held against what was measured, reached or not.</summary>
public static class Targets
{
    /// <summary>By how much of the share a lower bound may be behind one dial for all where "not behind" is to be clear.</summary>
    private const double NotBehind = .05;

    private const string Ours = "metarouter";

    private static readonly Dictionary<string, double> s_gain = new() { ["mmlu-pro-8"] = .016, ["routerbench-8"] = .024, ["zeroeval-11"] = .009 };

    private static readonly Dictionary<string, (string Comparisons, double Share)[]> s_share = new()
    {
        ["mmlu-pro-8"] = [("6", .72), ("20", .88)],
        ["routerbench-8"] = [("12", .55)],
        ["zeroeval-11"] = [("12", .40)],
    };

    /// <summary>How many were reached, of those that were put to the test.</summary>
    public static string Summary(IReadOnlyCollection<Target> targets)
    {
        ArgumentNullException.ThrowIfNull(targets);
        Target[] tested = [.. targets.Where(t => t.Untested is null)];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{tested.Count(t => t.Reached)} of {tested.Length} targets reached, {tested.Count(t => t is { Reached: true, Clear: false })} of them within noise");
    }

    public static IReadOnlyList<Target> Of(ProtocolReport<DeferralRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return [.. report.Rows.GroupBy(r => r.Benchmark).SelectMany(benchmark =>
        {
            var (ours, random) = (benchmark.First(r => r.Router == Ours), benchmark.First(r => r.Router == "random"));
            Target above = report.Protocol switch
            {
                "P1a" => AtLeast(.66, $"P1a {benchmark.Key}, APGR", "at least 0.66", ours.Apgr, ours.ApgrCi),
                "P1b" => AtLeast(.63, $"P1b {benchmark.Key}, APGR", "at least 0.63", ours.Apgr, ours.ApgrCi),
                _ => new(
                    $"{report.Protocol} {benchmark.Key}, APGR",
                    string.Create(CultureInfo.InvariantCulture, $"above the random interval's {random.ApgrCi?.High:0.000}"),
                    Number(ours.Apgr, ours.ApgrCi), ours.Apgr > random.ApgrCi?.High, ours.ApgrCi?.Low > random.ApgrCi?.High),
            };
            var others = benchmark.Where(r => r.Router != "oracle" && !r.Router.StartsWith(Ours, StringComparison.Ordinal));
            return (Target[])[above, AgainstOthers($"{report.Protocol} {benchmark.Key}, against the others", ours, [.. others])];
        })];
    }

    /// <summary>Measured rows by their paired intervals; published ones, whose requests are not known, by their figures alone.</summary>
    private static Target AgainstOthers(string name, DeferralRow ours, IReadOnlyList<DeferralRow> others)
    {
        var best = others.MaxBy(r => r.Apgr)!;
        if (best.Apgr > ours.Apgr)
        {
            return new(name, $"no other above it (best: {best.Router}{(best.Quoted == true ? ", published" : "")})", Number(best.Apgr, best.ApgrCi), false);
        }

        if (others.Where(r => r.Lead is not null).MinBy(r => r.Lead!.ApgrCi.Low) is not { } nearest)
        {
            return new(name, $"no other above it (best: {best.Router}{(best.Quoted == true ? ", published" : "")}; by the figures alone)", Number(best.Apgr, best.ApgrCi), true, false);
        }

        var published = others.Any(r => r.Quoted == true) ? "; published ones by their figures alone" : "";
        return new(name, $"no other above it (nearest: {nearest.Router}{published})", $"{Number(nearest.Apgr, nearest.ApgrCi)}: {Number(nearest.Lead!.Apgr, nearest.Lead.ApgrCi, "+0.000;-0.000;0")} behind", true, nearest.Lead.ApgrCi.Low > 0);
    }

    public static IReadOnlyList<Target> Of(ProtocolReport<DialRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var ours = report.Rows.First(r => r.Router == Ours);
        var rivals = report.Rows.Where(r => r.Lead is not null && r.Router is not ("oracle" or "random" or "random-mix" or "best-single" or "always cheapest" or "always strongest")).ToList();
        var targets = new List<Target>();
        if (s_gain.TryGetValue(report.Pool ?? "", out var wanted))
        {
            targets.Add(AtLeast(wanted, $"P2 {report.Pool}, mean gain", string.Create(CultureInfo.InvariantCulture, $"at least {wanted:0.000}"), ours.GainMean, ours.GainMeanCi, "0.0000"));
        }

        if (rivals.Count > 0)
        {
            targets.Add(Ahead($"P2 {report.Pool}, mean gain", "ahead of every learned router", rivals, l => (l.GainMean, l.GainMeanCi)));
            targets.Add(Ahead($"P2 {report.Pool}, hypervolume", "ahead of every learned router", rivals, l => (l.Hv, l.HvCi)));
            targets.Add(Ahead($"P2 {report.Pool}, distance to the oracle's front", "nearer than every learned router", rivals, l => (l.Igd, l.IgdCi)));
        }

        return targets;
    }

    public static IReadOnlyList<Target> Of(ProtocolReport<PreferenceRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var (ours, told) = (report.Rows.First(r => r.Router == Ours), report.Rows.First(r => r.Router == "outcomes-seen"));
        var share = ours.Share["20"] / told.Share["20"];
        return
        [
            .. s_share.GetValueOrDefault(report.Pool ?? "", []).Select(t => AtLeast(
                t.Share,
                $"P3 {report.Pool}, {t.Comparisons} comparisons",
                string.Create(CultureInfo.InvariantCulture, $"at least {t.Share:0.00}"),
                ours.Share[t.Comparisons], ours.ShareCi[t.Comparisons], "0.00")),
            new($"P3 {report.Pool}, of what the outcomes would teach", "at least 90 % at 20", string.Create(CultureInfo.InvariantCulture, $"{100 * share:0} %"), share >= .9),
            .. OfVariant(report),
        ];
    }

    public static IReadOnlyList<Target> OfVariant(ProtocolReport<PreferenceRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var ours = report.Rows.First(r => r.Router == Ours);
        // A wide interval must not make a clear yes: where none is wholly behind, the worst is the one that might be furthest behind.
        var behind = ours.Share.Keys.Where(n => ours.ShareCi[n].High < 0).MinBy(n => ours.ShareCi[n].High);
        var worst = behind ?? ours.Share.Keys.MinBy(n => ours.ShareCi[n].Low)!;
        List<Target> targets = [new(
            $"{report.Protocol} {report.Pool}, against one dial for all",
            string.Create(CultureInfo.InvariantCulture, $"never behind by more than the interval; clear where that reaches no further than -{NotBehind:0.00} (worst: after {worst})"),
            Number(ours.Share[worst], ours.ShareCi[worst], "0.00"), behind is null, ours.ShareCi[worst].Low >= -NotBehind)];
        if (report is { Protocol: "P3 thumbs", Pool: "mmlu-pro-8" })
        {
            targets.Add(AtLeast(.4, $"{report.Protocol} {report.Pool}, 40 signals", "at least 0.40", ours.Share["40"], ours.ShareCi["40"], "0.00"));
        }

        if (report is { Protocol: "P3 taught" } && ours.Covered is { } covered)
        {
            targets.Add(Coverage(report.Protocol, report.Pool, covered));
        }

        return targets;
    }

    public static IReadOnlyList<Target> Of(ProtocolReport<NewUserRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return [.. report.Rows.Where(r => r.Prior is "flat" or "before the drift").Select(r =>
            AtLeast(
                .25,
                $"P4 {report.Pool}, regret of the first {P4.First} requests",
                $"at least 25 % below that of the prior {(r.Prior == "flat" ? "that is flat" : "of before the drift")}",
                r.Saved, r.SavedCi, "0 %"))];
    }

    public static IReadOnlyList<Target> Of(ProtocolReport<LabelRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return [.. report.Rows.Where(r => r.Router.EndsWith("-corrected", StringComparison.Ordinal)).SelectMany(r => (Target[])
        [
            new(
                $"P5 {r.Router}, APGR",
                "within 0.01 of all gold or at least 0.03 over pooled",
                string.Create(CultureInfo.InvariantCulture, $"{Number(r.Apgr, r.ApgrCi)}: {r.BelowAllGold:0.000} below all gold, {r.OverPooled:+0.000;-0.000;0} over pooled"),
                r.BelowAllGold <= .01 || r.OverPooled >= .03),
            AtLeast(0, $"P5 {r.Router}, over gold only", "not below 0", r.OverGold, r.OverGoldCi, "+0.000;-0.000;0"),
        ])];
    }

    /// <summary>The first row is what ships.</summary>
    public static IReadOnlyList<Target> Of(ProtocolReport<RobustnessRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        const string percent = "0.0 %", signed = "+0.0 %;-0.0 %;0.0 %";
        var ours = report.Rows[0];
        var trivial = ours.Categories.MaxBy(c => c.Excess)!;
        var told = ours.Categories.Skip(1).MinBy(c => c.Auroc)!;
        var suffix = ours.Attacks.First(a => a.Attack == AttackedPrompts.SuffixFound);
        AttackFigures[] held = [.. ours.Attacks.Where(a => a.Attack is not ("other language" or AttackedPrompts.SuffixFound))];
        var flipped = held.MaxBy(a => a.DialFlips)!;
        return
        [
            new(
                $"P6 {report.Pool}, dear models on trivial prompts",
                $"at most 5 points over all prompts (worst: {trivial.Category})",
                Number(trivial.Excess, trivial.ExcessCi, signed), trivial.Excess <= .05, trivial.ExcessCi.High <= .05, ours.DearShare > 0 ? null : "no dear model served"),
            new($"P6 {report.Pool}, hard against trivial", $"AUROC over 0.5, interval too (worst: {told.Category})", Number(told.Auroc, told.AurocCi, "0.00"), told.AurocCi.Low > .5),
            .. held.Select(a => AtMost(.05, $"P6 {report.Pool}, {a.Attack}", "at most 5 % of routes change", a.Flips, a.FlipsCi, percent)),
            AtMost(.05, $"P6 {report.Pool}, all of these, over the dial", $"at most 5 % of routes change (worst: {flipped.Attack})", flipped.DialFlips, null, percent),
            AtMost(.1, $"P6 {report.Pool}, best suffix found", "at most 10 % dearer", suffix.CostIncrease, suffix.CostIncreaseCi, signed),
            AtMost(.1, $"P6 {report.Pool}, best suffix found, over the dial", "at most 10 % dearer at its worst position", suffix.DialCostIncrease, null, signed),
            .. (ours.Poison ?? []).Where(p => p.Share == .1)
                .Select(p => AtMost(.01, $"P6 {report.Pool}, a tenth of the users invert", "at most 1 % of the others' routes change", p.Others, p.OthersCi, "0.00 %")),
        ];
    }

    /// <summary>The last report is the mean of the pools, where there are several.</summary>
    public static IReadOnlyList<Target> Of(IReadOnlyList<ProtocolReport<LearnerRow>> reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        var together = reports[^1];
        var rivals = together.Rows.Skip(1).Where(r => !Figures.IsTold(r.Router) && !r.Router.StartsWith(Ours, StringComparison.Ordinal)).ToList();
        var targets = new List<Target>();
        foreach (var n in (string[])["3", "6", "12", "20"])
        {
            if (rivals.MinBy(r => r.BehindCi[n].Low) is { } nearest)
            {
                targets.Add(new(
                    $"P3 {together.Pool}, {n} comparisons",
                    $"ahead of every learner, interval above 0 (nearest: {nearest.Router})",
                    Number(nearest.Behind[n], nearest.BehindCi[n], "+0.00;-0.00;0"), nearest.BehindCi[n].Low > 0));
            }
        }

        foreach (var report in reports)
        {
            if (report.Rows[0].Covered is { } covered)
            {
                targets.Add(Coverage("P3", report.Pool, covered));
            }
        }

        return targets;
    }

    /// <summary>At every number of comparisons but none.</summary>
    private static Target Coverage(string protocol, string? pool, IReadOnlyDictionary<string, double> covered)
    {
        double[] shares = [.. covered.Where(c => c.Key != "0").Select(c => c.Value)];
        return new(
            $"{protocol} {pool}, 90 % intervals on lambda",
            "cover 85 to 95 %",
            string.Create(CultureInfo.InvariantCulture, $"{100 * shares.Min():0.0} to {100 * shares.Max():0.0} %"),
            shares.Min() >= .85 && shares.Max() <= .95);
    }

    private static Target AtLeast(double bound, string name, string wanted, double value, Interval? interval, string format = "0.000") =>
        new(name, wanted, Number(value, interval, format), value >= bound, !(interval?.Low < bound));

    private static Target AtMost(double bound, string name, string wanted, double value, Interval? interval, string format) =>
        new(name, wanted, Number(value, interval, format), value <= bound, !(interval?.High > bound));

    /// <summary>Told of the rival with the lowest lower bound; where some are not behind, of those.</summary>
    private static Target Ahead(string name, string wanted, IReadOnlyList<DialRow> rivals, Func<DialLead, (double Lead, Interval Interval)> of)
    {
        var nearest = rivals.OrderBy(r => of(r.Lead!).Lead > 0).ThenBy(r => of(r.Lead!).Interval.Low).First();
        var (lead, interval) = of(nearest.Lead!);
        return new(name, $"{wanted} (nearest: {nearest.Router})", Number(lead, interval, "+0.0000;-0.0000;0"), lead > 0, interval.Low > 0);
    }

    private static string Number(double value, Interval? interval, string format = "0.000") => interval is { } i && double.IsFinite(i.Low)
        ? $"{value.ToString(format, CultureInfo.InvariantCulture)} [{i.Low.ToString(format, CultureInfo.InvariantCulture)}, {i.High.ToString(format, CultureInfo.InvariantCulture)}]"
        : value.ToString(format, CultureInfo.InvariantCulture);
}
