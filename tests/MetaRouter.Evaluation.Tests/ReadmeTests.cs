using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MetaRouter.Evaluation.Tests;

/// <summary>The figures of the README and of docs/results/README.md are those of the committed results, to the digit; with METAROUTER_WRITE_README=1 their tables are written anew.</summary>
public class ReadmeTests
{
    private const string Begin = "<!-- results: infra/results.sh -->";
    private const string End = "<!-- end of results -->";

    private static readonly string[] Pools = ["mmlu-pro-8", "routerbench-8", "zeroeval-11"];

    private static readonly string[] Told = ["0", "1", "3", "6", "12", "20"];

    private static readonly string[] Untaught = ["oracle", "random", "random-mix", "best-single", "best-single of the kind", "always cheapest", "always strongest"];

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/results/README.md")]
    public void Tables_AreWhatTheCommittedResultsSay(string page)
    {
        var (path, results) = (Path.Combine(Repository.Root, page), Path.Combine(Repository.Root, "docs", "results"));
        var text = File.ReadAllText(path);
        var (begin, end) = (text.IndexOf(Begin, StringComparison.Ordinal), text.IndexOf(End, StringComparison.Ordinal));
        begin.ShouldBeGreaterThanOrEqualTo(0);
        end.ShouldBeGreaterThan(begin);
        var tables = page == "README.md" ? Summary(results) : Whole(results);
        if (Environment.GetEnvironmentVariable("METAROUTER_WRITE_README") == "1")
        {
            File.WriteAllText(path, text[..(begin + Begin.Length)] + "\n" + tables + text[end..]);
            return;
        }

        text[(begin + Begin.Length + 1)..end].ShouldBe(tables);
    }

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/report.md")]
    public void Pictures_ThatATextShows_AreThere(string text)
    {
        var path = Path.Combine(Repository.Root, text);
        var pictures = System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(path), @"!\[[^\]]*\]\(([^)]+)\)").Select(m => m.Groups[1].Value).Where(p => !p.StartsWith("http", StringComparison.Ordinal)).ToArray();
        pictures.Length.ShouldBeGreaterThan(2);
        pictures.ShouldAllBe(p => File.Exists(Path.Combine(Path.GetDirectoryName(path)!, p)));
    }

    /// <summary>What a reader of the README wants first, and where it falls short.</summary>
    private static string Summary(string folder)
    {
        var text = new StringBuilder();
        text.Append(File.ReadLines(Path.Combine(folder, "..", "report.md")).First(l => l.Contains(" targets reached", StringComparison.Ordinal)).Split(':')[0]).Append(" ([every one](docs/report.md)).\n\n");
        Deferral(text, folder);
        text.Append("\n| P2: mean gain over the best single model, lambda 0 to 1 | MetaRouter | nearest other | MetaRouter is ahead of it by | oracle |\n|---|---|---|---|---|\n");
        foreach (var pool in Pools)
        {
            var rows = Rows(folder, "P2-" + pool);
            var other = rows.Where(IsOther).MinBy(r => r.GetProperty("lead").GetProperty("gain_mean_ci")[0].GetDouble());
            Line(text, pool, Value(rows, "metarouter", "gain_mean", "0.0000"), Named(other, "gain_mean", "0.0000"), Interval(other.GetProperty("lead").GetProperty("gain_mean"), other.GetProperty("lead").GetProperty("gain_mean_ci"), "0.0000"), Value(rows, "oracle", "gain_mean", "0.0000"));
        }

        Kinds(text, folder, 20);
        text.Append("\n| P3: share of a known preference recovered after so many comparisons | 1 | 3 | 6 | 12 | 20 | 20, told the outcomes |\n|---|---|---|---|---|---|---|\n");
        foreach (var pool in Pools)
        {
            var rows = Rows(folder, "P3-" + pool);
            Line(text, pool, [.. Told.Skip(1).Select(n => Share(rows, "metarouter", n)), Share(rows, "outcomes-seen", "20")]);
        }

        string[] taught = ["1", "3", "6", "12"];
        text.Append("\n| P3, users of two kinds, lambda 0.005 or 20: share recovered by newcomers whom as many such users have taught, and whom nobody has |" + string.Concat(taught.Select(n => $" {n} |")) + "\n|---|" + string.Concat(taught.Select(_ => "---|")) + "\n");
        foreach (var pool in Pools)
        {
            var variants = Root(folder, "P3-variants-" + pool).GetProperty("variants").EnumerateArray().ToDictionary(v => v.GetProperty("protocol").GetString()!, v => v.GetProperty("rows").EnumerateArray().ToList());
            Line(text, pool, [.. taught.Select(n => $"{Share(variants["P3 extreme taught"], "metarouter", n)}; {Share(variants["P3 extreme"], "metarouter", n)}")]);
        }

        text.Append("\n| P6: hostile input | a hard prompt leads further to the dear model than a trivial one (AUROC, worst category) | routes changed by a paraphrase | by 500 words after; ridge's | dearer by the worst suffix found; ridge's | others' routes moved by a tenth of users who lie |\n|---|---|---|---|---|---|\n");
        foreach (var pool in Found(folder, "P6-"))
        {
            JsonElement[] rows = [.. Root(folder, "P6-" + pool).GetProperty("p6").GetProperty("rows").EnumerateArray()];
            var (ours, ridge) = (rows[0], rows.First(r => r.GetProperty("router").GetString() == "ridge"));
            var worst = ours.GetProperty("categories").EnumerateArray().Skip(1).MinBy(c => c.GetProperty("auroc").GetDouble());
            var liars = ours.GetProperty("poison").EnumerateArray().First(p => p.GetProperty("share").GetDouble() == .1);
            static JsonElement Attack(JsonElement row, string name) => row.GetProperty("attacks").EnumerateArray().First(a => a.GetProperty("attack").GetString() == name);
            string Both(string attack, string property) => $"{Of(Attack(ours, attack), property, "0.0 %")}; {Of(Attack(ridge, attack), property, "0 %")}";
            Line(text, pool, Of(worst, "auroc", "0.00"), Of(Attack(ours, "paraphrase"), "flips", "0.0 %"), Both("500 words after", "flips"), Both("suffix found", "cost_increase"), Of(liars, "others", "0.0 %"));
        }

        return text.ToString();
    }

    /// <summary>P1, on labels of its own kind and on none.</summary>
    private static void Deferral(StringBuilder text, string folder)
    {
        text.Append("| P1: share of the way from the weak to the strong model (APGR) | MetaRouter | nearest other | best published | random |\n|---|---|---|---|---|\n");
        foreach (var (file, benchmark, title) in ((string, string, string)[])[("P1a", "mmlu", "MMLU, 1,500 labels"), ("P1b", "gsm8k", "GSM8K, five-fold; published: without its labels"), ("P1c", "mmlu", "MMLU, no label of it"), ("P1c", "gsm8k", "GSM8K, no label of it"), ("P1c", "mt-bench", "MT-Bench, no label of it")])
        {
            List<JsonElement> rows = [.. Rows(folder, file).Where(r => r.GetProperty("benchmark").GetString() == benchmark)];
            var quoted = rows.Where(r => IsQuoted(r) && r.GetProperty("router").GetString() != "RouteLLM random").Select(r => r.GetProperty("apgr").GetDouble()).ToArray();
            Line(text, title, Value(rows, "metarouter", "apgr", "0.000"), Named(rows.Where(IsOther).MaxBy(r => r.GetProperty("apgr").GetDouble()), "apgr", "0.000"), quoted.Length > 0 ? quoted.Max().ToString("0.000", CultureInfo.InvariantCulture) : "-", Value(rows, "random", "apgr", "0.000"));
        }
    }

    /// <summary>Kinds of request that nobody trained on, with none of them graded and with as many as this.</summary>
    private static void Kinds(StringBuilder text, string folder, int most)
    {
        var reports = Pools.Select(p => Root(folder, "kinds-" + p).GetProperty("variants").EnumerateArray().ToArray()).ToArray();
        var graded = reports[0].Select(r => r.GetProperty("protocol").GetString()!.Split(' ')[1]).TakeWhile(g => int.Parse(g, CultureInfo.InvariantCulture) <= most).ToArray();
        text.Append("\n| P2 on kinds of request left out of training: mean gain over the best single model |" + string.Concat(graded.Select(g => g == "0" ? " none of the kind graded | nearest other |" : $" {g} graded | nearest other | the best single model of those {g} |")) + "\n|---|" + string.Concat(graded.Select(g => g == "0" ? "---|---|" : "---|---|---|")) + "\n");
        foreach (var (pool, variants) in Pools.Zip(reports))
        {
            Line(text, pool, [.. variants.Take(graded.Length).SelectMany(v =>
            {
                List<JsonElement> rows = [.. v.GetProperty("rows").EnumerateArray()];
                string[] learned = [Value(rows, "metarouter", "gain_mean", "0.0000"), Named(rows.Where(IsOther).MaxBy(r => r.GetProperty("gain_mean").GetDouble()), "gain_mean", "0.0000")];
                return v.GetProperty("protocol").GetString() == "kinds, 0 graded" ? learned : [.. learned, Value(rows, "best-single of the kind", "gain_mean", "0.0000")];
            })]);
        }
    }

    private static string Whole(string folder)
    {
        var text = new StringBuilder();
        Deferral(text, folder);
        text.Append("\n| P2: mean gain over the best single model, lambda 0 to 1 | MetaRouter | UniRoute | ridge | kNN | random mix at equal cost | oracle |\n|---|---|---|---|---|---|---|\n");
        foreach (var pool in Pools)
        {
            var rows = Rows(folder, "P2-" + pool);
            Line(text, pool, [.. ((string[])["metarouter", "uniroute", "ridge", "knn", "random-mix", "oracle"]).Select(r => Value(rows, r, "gain_mean", "0.0000"))]);
        }

        text.Append("\n| P2: quality at what cost, lambda 0.1 (cost over the dearest model's) | MetaRouter | best single | ridge |\n|---|---|---|---|\n");
        foreach (var pool in Pools)
        {
            var rows = Rows(folder, "P2-" + pool);
            Line(text, pool, [.. ((string[])["metarouter", "best-single", "ridge"]).Select(r => At(rows, r, "quality") + " at " + At(rows, r, "cost"))]);
        }

        Kinds(text, folder, 100);
        text.Append("\n| P3: share of a known preference recovered after so many comparisons | 0 | 1 | 3 | 6 | 12 | 20 |\n|---|---|---|---|---|---|---|\n");
        foreach (var pool in Pools)
        {
            var rows = Rows(folder, "P3-" + pool);
            Line(text, pool, [.. Told.Select(n => Share(rows, "metarouter", n))]);
            Line(text, pool + ", told the outcomes", [.. Told.Select(n => Share(rows, "outcomes-seen", n))]);
        }

        if (Found(folder, "P3-variants-") is { Length: > 0 } varied)
        {
            text.Append("\n| P3, other users: share recovered after 12 and 20 comparisons, or 12 and 40 thumbs and regenerates |" + string.Concat(varied.Select(p => $" {p}, 12 | {p}, last |")) + "\n|---|" + string.Concat(varied.Select(_ => "---|---|")) + "\n");
            var variants = varied.Select(p => Root(folder, "P3-variants-" + p).GetProperty("variants").EnumerateArray().ToArray()).ToArray();
            for (var v = 0; v < variants[0].Length; v++)
            {
                Line(text, variants[0][v].GetProperty("protocol").GetString()!["P3 ".Length..], [.. variants.SelectMany(pool =>
                {
                    List<JsonElement> rows = [.. pool[v].GetProperty("rows").EnumerateArray()];
                    return (string[])[Share(rows, "metarouter", "12"), Share(rows, "metarouter", rows[0].GetProperty("share").EnumerateObject().Last().Name)];
                })]);
            }
        }

        if (Found(folder, "P4-") is { Length: > 0 } drifted)
        {
            text.Append("\n| P4: regret of a new user's first ten requests, by the prior | learned | flat | before the drift | the learned one saves on flat | on before |\n|---|---|---|---|---|---|\n");
            foreach (var pool in drifted)
            {
                List<JsonElement> rows = [.. Root(folder, "P4-" + pool).GetProperty("rows").EnumerateArray()];
                JsonElement Prior(string name) => rows.First(r => r.GetProperty("prior").GetString() == name);
                Line(text, pool, Of(Prior("learned"), "regret", "0.0000"), Of(Prior("flat"), "regret", "0.0000"), Of(Prior("before the drift"), "regret", "0.0000"), Of(Prior("flat"), "saved", "0 %"), Of(Prior("before the drift"), "saved", "0 %"));
            }
        }

        if (File.Exists(Path.Combine(folder, "P5.json")))
        {
            text.Append("\n| P5: labels that teach the same regression (APGR) | APGR | over pooled | over gold alone | below all gold |\n|---|---|---|---|---|\n");
            var rows = Rows(folder, "P5");
            foreach (var name in rows.Select(r => r.GetProperty("router").GetString()!))
            {
                Line(text, name, [.. ((string[])["apgr", "over_pooled", "over_gold", "below_all_gold"]).Select(p => Value(rows, name, p, "0.000"))]);
            }
        }

        text.Append("\n| What the encoder's parts buy | as shipped | n-grams of words only | of characters only | no word vectors |\n|---|---|---|---|---|\n");
        foreach (var (file, title, property, format) in ((string, string, string, string)[])[("P1a", "P1 MMLU, APGR", "apgr", "0.000"), ("P1b", "P1 GSM8K, APGR", "apgr", "0.000"), .. Pools.Select(p => ("P2-" + p, $"P2 {p}, mean gain", "gain_mean", "0.0000"))])
        {
            var rows = Rows(folder, file);
            Line(text, title, [.. ((string[])["metarouter", "metarouter, words only", "metarouter, characters only", "metarouter, no word vectors"]).Select(r => Value(rows, r, property, format))]);
        }

        return text.ToString();
    }

    private static void Line(StringBuilder text, string title, params string[] cells) => text.Append(CultureInfo.InvariantCulture, $"| {title} | {string.Join(" | ", cells)} |\n");

    /// <summary>The pools that a protocol has results of.</summary>
    private static string[] Found(string folder, string prefix) => [.. Pools.Where(p => File.Exists(Path.Combine(folder, prefix + p + ".json")))];

    private static JsonElement Root(string folder, string file) => JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, file + ".json"))).RootElement;

    private static List<JsonElement> Rows(string folder, string file) => [.. Root(folder, file).GetProperty("rows").EnumerateArray()];

    private static bool IsQuoted(JsonElement row) => row.TryGetProperty("quoted", out var quoted) && quoted.ValueKind == JsonValueKind.True;

    /// <summary>A router that learns and is not ours.</summary>
    private static bool IsOther(JsonElement row) => !IsQuoted(row) && row.GetProperty("router").GetString() is var name && !name!.StartsWith("metarouter", StringComparison.Ordinal) && !Untaught.Contains(name);

    private static string Named(JsonElement row, string property, string format) => $"{row.GetProperty("router").GetString()}, {Of(row, property, format)}";

    private static string Of(JsonElement row, string property, string format) => Interval(row.GetProperty(property), row.GetProperty(property + "_ci"), format);

    private static string Value(List<JsonElement> rows, string router, string property, string format) =>
        Of(rows.First(r => r.GetProperty("router").GetString() == router), property, format);

    private static string Share(List<JsonElement> rows, string router, string n)
    {
        var row = rows.First(r => r.GetProperty("router").GetString() == router);
        return Interval(row.GetProperty("share").GetProperty(n), row.GetProperty("share_ci").GetProperty(n), "0.00");
    }

    private static string At(List<JsonElement> rows, string router, string property) =>
        rows.First(r => r.GetProperty("router").GetString() == router).GetProperty(property).GetProperty("0.1").GetDouble().ToString("0.000", CultureInfo.InvariantCulture);

    private static string Interval(JsonElement value, JsonElement interval, string format)
    {
        string Number(JsonElement e) => e.GetDouble().ToString(format, CultureInfo.InvariantCulture);
        return $"{Number(value)} [{Number(interval[0])}, {Number(interval[1])}]";
    }
}
