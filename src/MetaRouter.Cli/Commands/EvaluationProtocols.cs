using System.Globalization;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Report;

namespace MetaRouter.Cli.Commands;

/// <summary>The protocols that <c>evaluate</c> runs. A new one is one line in <see cref="All"/>; a new router is one line in <see cref="LearnedRouters"/>.</summary>
internal static class EvaluationProtocols
{
    public static IReadOnlyList<EvaluationProtocol> All { get; } =
    [
        new("P1a", "RouteLLM's MMLU, 1,500 labels", false, 5, r => Deferral(P1.RunMmlu(r.DataFolder, r.Routers, r.Seeds, r.Progress, r.CancellationToken))),
        new("P1b", "RouteLLM's GSM8K, five folds", false, 5, r => Deferral(P1.RunGsm8k(r.DataFolder, r.Routers, r.Seeds, r.Progress, r.CancellationToken))),
        new("P1c", "RouteLLM's benchmarks, transfer", false, 1, r => Deferral(P1.RunTransfer(r.DataFolder, r.Routers, r.Seeds, r.Progress, r.CancellationToken))),
        new("P2", "pools, half of the rows to learn from and half to test on", true, 5, r => ByPool(
            r,
            (pool, progress) => P2.Run(r.DataFolder, pool, r.Routers, r.Seeds, progress, r.CancellationToken),
            report => [DialTable(report), LeadTable(report)],
            Figures.Of, Targets.Of)),
        new("arrival", "P2 where one model arrives after training, with no label or few, against training again", true, 5, r => ByPool(
            r,
            (pool, progress) => P2.Run(r.DataFolder, pool, [LearnedRouters.Factories[0], .. LearnedRouters.Arrivals], r.Seeds, progress, r.CancellationToken),
            report => [DialTable(report), LeadTable(report)])),
        new("kinds", "P2 on kinds of request that nobody trained on, with none of them graded and with a few", true, 1, Kinds),
        new(
            "P3",
            "users whose preference is learned from comparisons",
            true, 5,
            r => ByPool(r, (pool, progress) => P3.Run(r.DataFolder, pool, r.Seeds, progress, r.CancellationToken), report => [PreferenceTable(report)], Figures.Of, Targets.Of)),
        new("learners", "P3 with every other learner beside ours", true, 5, Learners),
        new("variants", "P3 with other kinds of users", true, 5, Variants),
        new("changes", "P3 where a model arrives, one leaves and one gets cheaper halfway, against training again", true, 5, r => ByPool(
            r,
            (pool, progress) => P3PoolChange.Run(r.DataFolder, pool, r.Seeds, progress, r.CancellationToken),
            report => [PreferenceTable(report)], Figures.Of, Targets.OfVariant)),
        new(
            "P4",
            "new users after a drift of what people want",
            true, 5,
            r => ByPool(r, (pool, progress) => P4.Run(r.DataFolder, pool, r.Seeds, progress, r.CancellationToken), report => [NewUserTable(report)], Figures.Of, Targets.Of)),
        new("P5", "few graded answers and many preferences, joined", false, 200, Labels),
        new(
            "P6",
            "robustness: trivial against hard prompts, typos, padding, suffixes made to reroute, users who lie",
            true, 3,
            r => ByPool(r, (pool, progress) => P6.Run(r.DataFolder, pool, LearnedRouters.Factories, r.Seeds, progress, r.CancellationToken), RobustnessTables, targets: Targets.Of)),
        new(
            "cascade",
            "a cheap model first, with a promise on its bad answers",
            true, 5,
            r => ByPool(r, (pool, progress) => CascadeTrial.Run(r.DataFolder, pool, r.Seeds, progress, r.CancellationToken), report => [CascadeTable(report)], Figures.Of)),
    ];

    /// <summary>Runs a protocol pool by pool. The JSON of one pool is its report; of several, an object that holds them.</summary>
    public static EvaluationResult ByPool<TRow>(
        EvaluationRequest request,
        Func<Pool, IProgress<ProtocolProgress>, ProtocolReport<TRow>> run,
        Func<ProtocolReport<TRow>, IReadOnlyList<ResultTable>> tables,
        Func<ProtocolReport<TRow>, IReadOnlyList<Figure>>? figures = null,
        Func<ProtocolReport<TRow>, IReadOnlyList<Target>>? targets = null)
    {
        var reports = request.Pools.Select((pool, i) => run(pool, ProgressPart.Of(request.Progress, i, request.Pools.Count))).ToList();
        var json = reports is [var only] ? ReportJson.Write(only) : ReportJson.Write(new { reports[0].Protocol, reports[0].Seeds, Pools = reports });
        return new EvaluationResult([.. reports.SelectMany(tables)], json, [.. reports.SelectMany(r => r.Warnings ?? [])])
        {
            Figures = [.. reports.SelectMany(r => figures?.Invoke(r) ?? [])],
            Targets = [.. reports.Where(r => Pools.IsNamed(r.Pool)).SelectMany(r => targets?.Invoke(r) ?? [])],
        };
    }

    private static EvaluationResult Deferral(ProtocolReport<DeferralRow> report)
    {
        string[][] rows = [.. report.Rows.Select(r => new[]
        {
            r.Router + (r.Quoted == true ? " (published)" : ""),
            r.Benchmark,
            ResultTable.Number(r.Apgr, r.ApgrCi, "0.000"),
            ResultTable.Number(r.Cpt50, r.Cpt50Ci, "0.0"),
            ResultTable.Number(r.Cpt80, r.Cpt80Ci, "0.0"),
        })];
        return new EvaluationResult(
            [new ResultTable(Title(report), ["router", "benchmark", "APGR", "CPT50 %", "CPT80 %"], rows, report.Note)],
            ReportJson.Write(report), report.Warnings ?? []) { Figures = Figures.Of(report), Targets = Targets.Of(report) };
    }

    private static ResultTable DialTable(ProtocolReport<DialRow> report)
    {
        string[][] rows = [.. report.Rows.Select(r => new[]
        {
            r.Router,
            ResultTable.Number(r.GainMean, r.GainMeanCi, "0.0000"),
            ResultTable.Number(r.Gain["0"], "0.0000"),
            ResultTable.Number(r.Gain["0.1"], r.GainCi["0.1"], "0.0000"),
            ResultTable.Number(r.Gain["1"], "0.0000"),
            ResultTable.Number(r.Quality["0.1"], "0.000"),
            ResultTable.Number(r.Cost["0.1"], "0.000"),
            ResultTable.Number(r.Hv, r.HvCi, "0.000"),
            ResultTable.Number(r.Igd, "0.000"),
            ResultTable.Number(r.Aiq, "0.000"),
            r.CalibrationError is { } off ? ResultTable.Number(off, "0.000") : "-",
        })];
        return new ResultTable(
            Title(report),
            ["router", "mean gain", "gain, l = 0", "gain, l = 0.1", "gain, l = 1", "quality, 0.1", "cost/tau, 0.1", "hypervolume", "IGD", "AIQ", "ECE"],
            rows,
            report is { Protocol: "P2", Pool: { } pool } && !Pools.IsNamed(pool) ? $"{report.Note}\n{Verdict(report.Rows[0])}" : report.Note);
    }

    /// <summary>The question of somebody who brings their own outcomes.</summary>
    private static string Verdict(DialRow ours) =>
        $"Would it pay on these requests? {(ours.GainMeanCi.Low > 0 ? "Yes" : ours.GainMeanCi.High < 0 ? "No" : "Not shown")}: "
            + $"{ours.Router}'s gain over the best single model is {ResultTable.Number(ours.GainMean, ours.GainMeanCi, "0.0000")}.";

    private static ResultTable LeadTable(ProtocolReport<DialRow> report)
    {
        const string signed = "+0.0000;-0.0000;0";
        string[][] rows = [.. report.Rows.Where(r => r.Lead is not null && r.Router != "oracle").Select(r => new[]
        {
            r.Router,
            ResultTable.Number(r.Lead!.GainMean, r.Lead.GainMeanCi, signed),
            ResultTable.Number(r.Lead.Hv, r.Lead.HvCi, signed),
            ResultTable.Number(r.Lead.Igd, r.Lead.IgdCi, signed),
        })];
        return new ResultTable(
            $"{report.Protocol} {report.Pool}, {report.Rows[0].Router} against each, paired",
            [$"{report.Rows[0].Router} ahead of", "mean gain", "hypervolume", "distance to the oracle's front"],
            rows,
            "Differences on the same rows and splits, 95 % intervals; above zero, the first row of the table above is ahead.");
    }

    private static ResultTable PreferenceTable(ProtocolReport<PreferenceRow> report)
    {
        string[] told = [.. report.Rows[0].Share.Keys];
        var believes = report.Rows.Any(r => r.Covered is not null);
        string[][] rows = [.. report.Rows.Select(r => (string[])[
            r.Router,
            .. told.Select(n => ResultTable.Number(r.Share[n], r.ShareCi[n], "0.00")),
            ResultTable.Number(r.Quality[told[^1]], "0.000"),
            ResultTable.Number(r.Cost[told[^1]], "0.000"),
            .. believes ? [r.Covered is { } covered ? string.Create(CultureInfo.InvariantCulture, $"{covered.Values.Skip(1).Min():0.00} to {covered.Values.Skip(1).Max():0.00}") : ""] : (string[])[],
        ])];
        return new ResultTable(
            Title(report),
            ["share recovered after", .. told, "quality, " + told[^1], "cost/tau, " + told[^1], .. believes ? ["in the 90 % interval"] : (string[])[]],
            rows,
            report is { Protocol: "P3" or "P3 thumbs", Pool: { } pool } && !Pools.IsNamed(pool) ? $"{report.Note}\n{Verdict(report.Rows[0], report.Protocol == "P3" ? "comparison" : "signal")}" : report.Note);
    }

    /// <summary>What somebody who brings their own outcomes asks next.</summary>
    private static string Verdict(PreferenceRow ours, string signal)
    {
        var (last, clear) = (ours.Share.Keys.Last(), ours.Share.Keys.FirstOrDefault(n => ours.ShareCi[n].Low > 0));
        return "How soon would users be known? " + (double.IsNaN(ours.Share[last]) ? "There is nothing to know: one setting for all earns as much as everybody's own."
            : clear is null ? $"Not shown. {After(last)}, {Earned(last)} of what everybody's own setting would earn over one for all."
            : $"{After(clear)}, {Earned(clear)} of what everybody's own setting would earn over one for all{(clear == last ? "" : $"; after {last}, {Earned(last)}")}.");

        string After(string n) => $"After {Readable.Count(int.Parse(n, CultureInfo.InvariantCulture), signal)} each";
        string Earned(string n) => ResultTable.Number(ours.Share[n], ours.ShareCi[n], "0 %;-0 %");
    }

    private static EvaluationResult Kinds(EvaluationRequest request)
    {
        var reports = request.Pools.SelectMany((pool, i) => NewKinds.Run(
            request.DataFolder, pool, LearnedRouters.OnNewKinds, request.Seeds,
            ProgressPart.Of(request.Progress, i, request.Pools.Count), request.CancellationToken)).ToList();
        return new EvaluationResult(
            [.. reports.SelectMany(r => (ResultTable[])[DialTable(r), LeadTable(r)])],
            ReportJson.Write(new { Protocol = "kinds", request.Seeds, Variants = reports }),
            [.. reports.SelectMany(r => r.Warnings ?? []).Distinct()]);
    }

    private static EvaluationResult Variants(EvaluationRequest request)
    {
        var reports = request.Pools.SelectMany((pool, i) => P3.RunVariants(
            request.DataFolder, pool, request.Seeds,
            ProgressPart.Of(request.Progress, i, request.Pools.Count), request.CancellationToken)).ToList();
        return new EvaluationResult(
            [.. reports.Select(PreferenceTable)],
            ReportJson.Write(new { Protocol = "P3 variants", request.Seeds, Variants = reports }),
            [.. reports.SelectMany(r => r.Warnings ?? []).Distinct()])
        {
            Figures = [.. reports.SelectMany(Figures.Of)],
            Targets = [.. reports.Where(r => Pools.IsNamed(r.Pool)).SelectMany(Targets.OfVariant)],
        };
    }

    private static ResultTable NewUserTable(ProtocolReport<NewUserRow> report)
    {
        string[][] rows = [.. report.Rows.Select(r => new[]
        {
            r.Prior,
            ResultTable.Number(r.Regret, r.RegretCi, "0.0000"),
            ResultTable.Number(r.Saved, r.SavedCi, "+0 %;-0 %;0 %"),
            ResultTable.Number(r.ByRequest[0], "0.0000"),
            ResultTable.Number(r.ByRequest[P4.First - 1], "0.0000"),
            ResultTable.Number(r.ByRequest[^1], "0.0000"),
        })];
        return new ResultTable(Title(report), ["prior", $"regret, first {P4.First}", "the learned prior saves", "1st request", $"{P4.First}th", $"{P4.Shown}th"], rows, report.Note);
    }

    private static EvaluationResult Learners(EvaluationRequest request)
    {
        var reports = LearnerContest.Run(request.DataFolder, request.Pools, request.Seeds, request.Progress, request.CancellationToken);
        return new EvaluationResult([.. reports.SelectMany(LearnerTables)], ReportJson.Write(new { reports[0].Protocol, reports[0].Seeds, Pools = reports }), [.. reports.SelectMany(r => r.Warnings ?? [])])
        {
            Figures = [.. reports.SelectMany(Figures.Of)],
            Targets = request.Pools.All(p => Pools.IsNamed(p.Name)) ? Targets.Of(reports) : [],
        };
    }

    private static IEnumerable<ResultTable> LearnerTables(ProtocolReport<LearnerRow> report)
    {
        string[] told = [.. P3.Reported.Where(n => n > 0).Select(n => n.ToString(CultureInfo.InvariantCulture))];
        string[][] rows = [.. report.Rows.Select(r => (string[])[
            r.Router,
            .. told.Select(n => ResultTable.Number(r.Share[n], "0.00")),
            .. told.Skip(1).Select(n => ResultTable.Number(r.Behind[n], r.BehindCi[n], "0.00")),
        ])];
        yield return new ResultTable(Title(report), ["share recovered after", .. told, .. told.Skip(1).Select(n => "behind, " + n)], rows, report.Note);
        if (report.Rows[0].BehindRandom is not null)
        {
            string[][] random = [.. report.Rows.Select(r => (string[])[r.Router, .. told.Select(n => ResultTable.Number(r.BehindRandom![n], r.BehindRandomCi![n], "0.00"))])];
            yield return new ResultTable(
                Title(report) + ": behind metarouter with random questions", ["comparisons", .. told], random,
                "Paired as above; above zero, the row is behind a belief that asks about any two models on the first request it meets, as the amortised encoder and nearest examples do.");
        }
    }

    private static EvaluationResult Labels(EvaluationRequest request)
    {
        const string signed = "+0.000;-0.000;0.000";
        var report = P5.Run(request.DataFolder, request.Seeds, request.Progress, request.CancellationToken);
        string[][] rows = [.. report.Rows.Select(r => new[]
        {
            r.Router,
            ResultTable.Number(r.Apgr, r.ApgrCi, "0.000"),
            ResultTable.Number(r.OverPooled, r.OverPooledCi, signed),
            ResultTable.Number(r.OverGold, r.OverGoldCi, signed),
            ResultTable.Number(r.BelowAllGold, r.BelowAllGoldCi, signed),
        })];
        return new EvaluationResult(
            [new ResultTable(Title(report), ["labels", "APGR", "over pooled", "over gold only", "below all gold"], rows, report.Note)],
            ReportJson.Write(report), report.Warnings ?? []) { Figures = Figures.Of(report), Targets = Targets.Of(report) };
    }

    private static ResultTable[] RobustnessTables(ProtocolReport<RobustnessRow> report)
    {
        const string share = "0 %", signed = "+0.0 %;-0.0 %;0.0 %", exact = "0.0 %";
        string[][] categories = [.. report.Rows.SelectMany(r => r.Categories.Select(c => new[]
        {
            r.Router,
            c.Category,
            ResultTable.Number(c.DearTrivial, share),
            ResultTable.Number(c.DearHard, share),
            ResultTable.Number(r.DearShare, share),
            ResultTable.Number(c.Excess, c.ExcessCi, signed),
            ResultTable.Number(c.Auroc, c.AurocCi, "0.00"),
            ResultTable.Number(c.DifficultyAuroc, "0.00"),
        }))];
        string[][] attacks = [.. report.Rows.SelectMany(r => r.Attacks.Select(a => new[]
        {
            r.Router,
            a.Attack,
            a.Prompts.ToString(CultureInfo.InvariantCulture),
            ResultTable.Number(a.Flips, a.FlipsCi, exact),
            ResultTable.Number(a.DialFlips, exact),
            ResultTable.Number(a.CostIncrease, a.CostIncreaseCi, signed),
            ResultTable.Number(a.DialCostIncrease, signed),
        }))];
        string[][] lies = [.. report.Rows.SelectMany(r => r.Poison ?? []).Select(p => new[]
        {
            ResultTable.Number(p.Share, share),
            ResultTable.Number(p.Others, p.OthersCi, "0.00 %"),
            ResultTable.Number(p.Newcomers, p.NewcomersCi, "0.00 %"),
        })];
        string[][] other = [.. report.Rows.Select(r =>
            new[] { r.Router, ResultTable.Number(r.DearShare, share), ResultTable.Number(r.HarmfulDear, share), ResultTable.Number(r.PersonalDear, share) })];
        return
        [
            new(Title(report), ["router", "category", "dear, trivial", "dear, hard", "dear, all prompts", "trivial over all", "AUROC, dearest's lead", "AUROC, difficulty"], categories, report.Note),
            new(
                $"{report.Protocol} {report.Pool}, prompts changed",
                ["router", "change", "prompts", "flips", "flips over the dial", "cost", "cost, worst of the dial"],
                attacks,
                "The share of prompts whose model changes, and the cost of the models then chosen, on the unchanged prompts. "
                    + "Over the dial: lambda 0 to 1 as in P2. The suffix was found against the first row."),
            new(
                $"{report.Protocol} {report.Pool}, inverted feedback",
                ["users who invert", "others' routes that change", "newcomers'"],
                lies,
                "Of 1,000 users with 12 comparisons each; the others' own comparisons are the same, and what changes is the prior learned from all."),
            new(
                $"{report.Protocol} {report.Pool}, requests a rule should decide",
                ["router", "dear, all prompts", "dear, harmful", "dear, personal data"],
                other,
                "Harmful or personal content is not the predictor's concern: pin such a category to models by configuration. Shown so that nobody expects it of the predictor."),
        ];
    }

    private static ResultTable CascadeTable(ProtocolReport<CascadeRow> report)
    {
        string[][] rows = [.. report.Rows.Select(r => new[]
        {
            ResultTable.Number(r.Delta, "0.00"),
            ResultTable.Number(r.Bad, "0.000"),
            ResultTable.Number(r.Broken, "0.0"),
            ResultTable.Number(r.CheapShare, "0.00"),
            ResultTable.Number(r.Quality, "0.000"),
            ResultTable.Number(r.Cost, "0.00"),
            ResultTable.Number(r.CostBefore, "0.00"),
        })];
        return new ResultTable(
            string.Create(CultureInfo.InvariantCulture, $"cascade {report.Pool}, {Seeds(report.Seeds)}"),
            ["promised", "bad cheap answers", "splits above", "cheap share", "score", "cost, cheap first", "cost, decided before"],
            rows, report.Note);
    }

    private static string Title<TRow>(ProtocolReport<TRow> report) =>
        string.Create(CultureInfo.InvariantCulture, $"{report.Protocol}{(report.Pool is null ? "" : " " + report.Pool)}, {Seeds(report.Seeds)}, 95 % intervals over rows and draws");

    private static string Seeds(int seeds) => seeds == 1 ? "seed 0" : string.Create(CultureInfo.InvariantCulture, $"seeds 0 to {seeds - 1}");
}
