using System.Globalization;
using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Report;

/// <summary>The pictures of each protocol. What is drawn is chosen to be read at a glance; the tables have every router.</summary>
public static class Figures
{
    private const string Ours = "metarouter";
    private const string Recovered = "share of the way from one trade-off for all (0) to knowing each user's (1)";

    private const long FewestAnswers = 20;

    // A line each; the other routers stand in the dots beside and in the tables.
    private static readonly string[] s_fronts = [Ours, "random-mix", "knn", "routellm-mf", "uniroute", "avengers-pro, true trade-off", "barp, true weights"];
    private static readonly string[] s_reliability = [Ours, "knn", "ridge", "uniroute", "cross-attention"];
    private static readonly string[] s_learners =
    [
        Ours,
        "metarouter, random questions",
        "amortised encoder",
        "amortised encoder, our questions",
        "linucb, per user",
        "linear thompson, per user",
        "fgts.cdb, per user",
        "fgts.cdb, pooled",
    ];

    /// <summary>P1: how much of the way from the weak to the strong model each router's ranking recovers.</summary>
    public static IReadOnlyList<Figure> Of(ProtocolReport<DeferralRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return [.. report.Rows.GroupBy(r => r.Benchmark).Select(benchmark =>
        {
            Whisker[] rows = [.. benchmark.Where(r => r.Router is not ("oracle" or "RouteLLM random")).Select(r => new Whisker(
                r.Quoted == true ? r.Router + " (published)" : r.Router, RoleOf(r.Router), r.Apgr, r.ApgrCi?.Low ?? double.NaN, r.ApgrCi?.High ?? double.NaN, r.Quoted == true))];
            var chart = new WhiskerChart($"Strong model or weak? {benchmark.Key}", "share of the gap recovered, over all shares of strong calls (APGR); chance is 0.5", rows, .5, "0.000");
            return new Figure(
                $"{report.Protocol.ToLowerInvariant()}-{benchmark.Key}",
                "Dots: mean over draws; bars: 95 % intervals; hollow: quoted from RouteLLM's paper, other embeddings and labels.", chart.ToSvg);
        })];
    }

    /// <summary>P2: fronts, mean gains, and expected against real scores.</summary>
    public static IReadOnlyList<Figure> Of(ProtocolReport<DialRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var rows = report.Rows.ToDictionary(r => r.Router);
        Series[] fronts = [.. s_fronts.Where(rows.ContainsKey).Select(name => new Series(name, RoleOf(name), [.. ParetoFront.Of(rows[name].Dial).Select(p => (p.Cost, p.Quality))]))];
        // The single models are the corners that a best-single dial stops at.
        var singles = ParetoFront.Of(rows["best-single"].Dial).Select(p => (p.Cost, p.Quality)).ToArray();
        var shown = fronts.SelectMany(f => f.Points).Where(p => p.Y > singles[0].Quality).Select(p => p.Y).DefaultIfEmpty(1).ToArray();
        var front = new LineChart(
            $"Right answers for the money, {report.Pool}",
            "mean cost of a request over the dearest model's (log)",
            "mean score",
            [new("single models", Role.Yardstick, singles, Dots: true), .. fronts],
            LogX: true,
            Y: (singles[0].Quality - .02, shown.Max() + .01));

        Whisker[] gains = [.. report.Rows.Where(r => r.Router is not ("oracle" or "random" or "always cheapest" or "always strongest"))
            .Select(r => new Whisker(r.Router, RoleOf(r.Router), r.GainMean, r.GainMeanCi.Low, r.GainMeanCi.High))];
        var gain = new WhiskerChart($"Gain over the best single model, {report.Pool}", "mean utility gained, lambda 0 to 1", gains, 0, "+0.0000;-0.0000;0");

        // The mean score of a few answers is mostly luck: drawn, it would look like a finding.
        var diagram = s_reliability.Where(rows.ContainsKey).Select(name => (Name: name, rows[name].Reliability)).Where(r => r.Reliability is not null)
            .Select(r => (r.Name, r.Reliability!.Error, Points: r.Reliability.Points(Math.Max(FewestAnswers, r.Reliability.Count.Sum() / 1000)))).Where(r => r.Points.Count > 0);
        var reliability = new LineChart(
            $"Is 70 % right 70 % of the time? {report.Pool}",
            "expected score", "real score",
            [
                new("as expected", Role.Yardstick, [(0, 0), (1, 1)]),
                .. diagram.Select(r => new Series(string.Create(CultureInfo.InvariantCulture, $"{r.Name}, off by {r.Error:0.000}"), RoleOf(r.Name), [.. r.Points])),
            ],
            Y: (0, 1));
        return
        [
            new Figure(
                $"p2-front-{Slug(report.Pool)}",
                "Up and to the left is better: more right answers for less money. Grey dots: one model for all; dashed: a coin between two of them.",
                front.ToSvg),
            new Figure($"p2-gain-{Slug(report.Pool)}", "Right of the line: better than the one model that is best at that trade-off. Bars: 95 % intervals.", gain.ToSvg),
            new Figure($"p2-reliability-{Slug(report.Pool)}", "Above the diagonal: better than it was expected to be. Off by: mean distance over all answers (ECE).", reliability.ToSvg),
        ];
    }

    /// <summary>P3: what comparisons taught.</summary>
    public static IReadOnlyList<Figure> Of(ProtocolReport<PreferenceRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var rows = report.Rows.ToDictionary(r => r.Router);
        Series Line(string name, string label, Role role) => new(label, role, Points(rows[name].Share), role == Role.Ours ? Band(rows[name].ShareCi) : null);
        var variant = report.Protocol["P3".Length..].TrimStart();
        var title = $"Learning what a user wants, {report.Pool}{(variant.Length > 0 ? ", " + variant : "")}";
        var chart = new LineChart(title, variant == "thumbs" ? "thumbs and regenerates given" : "comparisons answered", Recovered, [
            Line(Ours, "metarouter", Role.Ours),
            .. rows.ContainsKey("outcomes-seen")
                ? [Line("outcomes-seen", "told the outcomes", Role.Rival)]
                : (Series[])[Line("metarouter, 20 graded answers", "newcomer graded 20 times", Role.Rival), Line("retrained in full", "retrained in full", Role.Rival)],
            Line("static", "one dial for all", Role.Yardstick),
            Line("known", "told the preference", Role.Yardstick),
        ]);
        return [new Figure(
            $"p3-learning-{(variant.Length > 0 ? Slug(variant) + "-" : "")}{Slug(report.Pool)}",
            "0: the best dial position for everybody; 1: every user's trade-off is known. Told the outcomes: the most that comparisons could teach.",
            chart.ToSvg)];
    }

    /// <summary>P3's learners side by side.</summary>
    public static IReadOnlyList<Figure> Of(ProtocolReport<LearnerRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var rows = report.Rows.ToDictionary(r => r.Router);
        var slug = Slug(report.Pool);
        Series[] lines =
        [
            .. s_learners.Where(rows.ContainsKey).Select(name => new Series(name, RoleOf(name), Points(rows[name].Share), name == Ours ? Band(rows[name].ShareCi) : null)),
            new("one dial for all", Role.Yardstick, [(0, 0), (P3.Comparisons, 0)]),
        ];
        // A learner that falls far below what needs no learning is off the chart, not the measure of it.
        var chart = new LineChart($"Who learns faster? {report.Pool}", "comparisons answered", Recovered, lines, Y: (-.5, 1));
        Whisker[] behind = [.. report.Rows.Skip(1).Select(r => new Whisker(r.Router, IsTold(r.Router) ? Role.Yardstick : Role.Rival, r.Behind["6"], r.BehindCi["6"].Low, r.BehindCi["6"].High))];
        var difference = new WhiskerChart($"Behind metarouter after 6 comparisons, {report.Pool}", "metarouter's share less the other's, on the same users and requests", behind, 0, "+0.00;-0.00;0");
        var figures = new List<Figure>
        {
            new($"p3-learners-{slug}", "Share of what knowing every user's trade-off would earn. Lines below the frame are cut.", chart.ToSvg),
            new($"p3-behind-{slug}", "Right of the line: metarouter is ahead. Grey: not learners, told the trade-off or one for all. "
                + "Bars: 95 % intervals of the paired difference.", difference.ToSvg),
        };
        if (rows.TryGetValue(Ours, out var ours) && ours.Covered is { } covered)
        {
            var coverage = new LineChart($"Does the belief know what it does not know? {report.Pool}", "comparisons answered", "share of users whose true lambda is inside the believed 90 %", [
                new("metarouter", Role.Ours, Points(covered)),
                new("90 %", Role.Yardstick, [(0, .9), (P3.Comparisons, .9)]),
                new("85 %", Role.Yardstick, [(0, .85), (P3.Comparisons, .85)]),
                new("95 %", Role.Yardstick, [(0, .95), (P3.Comparisons, .95)]),
            ], Y: (.7, 1));
            figures.Add(new Figure($"p3-coverage-{slug}", "How many users' true lambda lies within the 90 % interval that is believed of it.", coverage.ToSvg));
        }

        return figures;
    }

    /// <summary>P4: what new users lose, request by request.</summary>
    public static IReadOnlyList<Figure> Of(ProtocolReport<NewUserRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var chart = new LineChart($"A new user's first requests, {report.Pool}", "request", "utility lost against knowing the user", [.. report.Rows.Select(r => new Series(
            "prior: " + r.Prior,
            r.Prior switch { "learned" => Role.Ours, "told the population" => Role.Yardstick, _ => Role.Rival },
            [.. r.ByRequest.Select((v, t) => ((double)t + 1, v))]))]);
        return [new Figure(
            $"p4-new-users-{Slug(report.Pool)}",
            "After a drift of what people want. Lower is better; everybody gives the same few thumbs, and starts from another prior.",
            chart.ToSvg)];
    }

    /// <summary>P5: what labels of either kind are worth, and both together.</summary>
    public static IReadOnlyList<Figure> Of(ProtocolReport<LabelRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        Whisker[] rows = [.. report.Rows.Select(r => new Whisker(
            r.Router,
            r.Router.EndsWith("-corrected", StringComparison.Ordinal) ? Role.Ours : r.Router == "all gold" ? Role.Yardstick : Role.Rival,
            r.Apgr, r.ApgrCi.Low, r.ApgrCi.High))];
        var chart = new WhiskerChart("Few graded answers, many opinions", "share of the gap recovered (APGR); chance is 0.5", rows, .5, "0.000");
        return [new Figure("p5-labels", "The same regression, taught by different labels. Grey: every request graded, which is what correction strives for. Bars: 95 % intervals.", chart.ToSvg)];
    }

    /// <summary>The cascade: what was promised and what was kept.</summary>
    public static IReadOnlyList<Figure> Of(ProtocolReport<CascadeRow> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var most = report.Rows.Max(r => Math.Max(r.Delta, r.Bad));
        var kept = new LineChart($"Promised and kept, {report.Pool}", "promised: at most this share of bad cheap answers", "measured share", [
            new("bad cheap answers", Role.Ours, [.. report.Rows.Select(r => (r.Delta, r.Bad))]),
            new("the promise", Role.Yardstick, [(report.Rows[0].Delta, report.Rows[0].Delta), (most, most)]),
            new("cost, decided before", Role.Rival, [.. report.Rows.Select(r => (r.Delta, r.CostBefore))]),
            new("cost, cheap first", Role.Rival, [.. report.Rows.Select(r => (r.Delta, r.Cost))]),
        ]);
        return [new Figure($"cascade-{Slug(report.Pool)}", "Below the dashed line the promise holds. Costs are over the strong model's alone.", kept.ToSvg)];
    }

    /// <summary>Not a learner: it is given the trade-off, or one for all.</summary>
    internal static bool IsTold(string router) => router.StartsWith("barp", StringComparison.Ordinal) || router.StartsWith("avengers-pro", StringComparison.Ordinal);

    /// <summary>Part of a file's name.</summary>
    private static string Slug(string? text) => string.Concat((text ?? "").ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) || c == '.' ? c : '-'));

    private static (double X, double Y)[] Points(IReadOnlyDictionary<string, double> byComparisons) => [.. byComparisons.Select(p => (double.Parse(p.Key, CultureInfo.InvariantCulture), p.Value))];

    private static (double, double)[] Band(IReadOnlyDictionary<string, Interval> byComparisons) => [.. byComparisons.Values.Select(i => (i.Low, i.High))];

    private static Role RoleOf(string router) => router switch
    {
        Ours => Role.Ours,
        "random" or "random-mix" or "best-single" => Role.Yardstick,
        _ => Role.Rival,
    };
}
