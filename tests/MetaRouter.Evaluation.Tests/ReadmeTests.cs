using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MetaRouter.Evaluation.Tests;

/// <summary>The README's figures are those of the committed results, to the digit; with METAROUTER_WRITE_README=1 the table is written anew.</summary>
public class ReadmeTests
{
    private const string Begin = "<!-- results: infra/results.sh -->";
    private const string End = "<!-- end of results -->";

    private static readonly string[] Pools = ["mmlu-pro-8", "routerbench-8", "zeroeval-11"];

    private static readonly string[] Told = ["0", "1", "3", "6", "12", "20"];

    [Fact]
    public void Readme_ResultsTable_IsWhatTheCommittedResultsSay()
    {
        var root = Repository.Root;
        var readme = File.ReadAllText(Path.Combine(root, "README.md"));
        var (begin, end) = (readme.IndexOf(Begin, StringComparison.Ordinal), readme.IndexOf(End, StringComparison.Ordinal));
        begin.ShouldBeGreaterThanOrEqualTo(0);
        end.ShouldBeGreaterThan(begin);
        var table = Table(Path.Combine(root, "docs", "results"));
        if (Environment.GetEnvironmentVariable("METAROUTER_WRITE_README") == "1")
        {
            File.WriteAllText(Path.Combine(root, "README.md"), readme[..(begin + Begin.Length)] + "\n" + table + readme[end..]);
            return;
        }

        readme[(begin + Begin.Length + 1)..end].ShouldBe(table);
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

    private static string Table(string folder)
    {
        var text = new StringBuilder();
        text.Append("| P1: share of the way from the weak to the strong model (APGR) | MetaRouter | kNN | ridge | best published | random |\n|---|---|---|---|---|---|\n");
        foreach (var (file, title) in ((string, string)[])[("P1a", "MMLU, 1,500 labels"), ("P1b", "GSM8K, five-fold")])
        {
            var rows = Rows(folder, file);
            var published = rows.Where(r => r.TryGetProperty("quoted", out var q) && q.GetBoolean()).Max(r => r.GetProperty("apgr").GetDouble());
            Line(text, title, Value(rows, "metarouter", "apgr", "0.000"), Value(rows, "knn", "apgr", "0.000"), Value(rows, "ridge", "apgr", "0.000"), published.ToString("0.000", CultureInfo.InvariantCulture), Value(rows, "random", "apgr", "0.000"));
        }

        text.Append("\n| P2: mean gain over the best single model, lambda 0 to 1 | MetaRouter | kNN | ridge | random mix at equal cost | oracle |\n|---|---|---|---|---|---|\n");
        foreach (var pool in Pools)
        {
            var rows = Rows(folder, "P2-" + pool);
            Line(text, pool, [.. ((string[])["metarouter", "knn", "ridge", "random-mix", "oracle"]).Select(r => Value(rows, r, "gain_mean", "0.0000"))]);
        }

        text.Append("\n| P2: quality at what cost, lambda 0.1 (cost over the dearest model's) | MetaRouter | best single | ridge |\n|---|---|---|---|\n");
        foreach (var pool in Pools)
        {
            var rows = Rows(folder, "P2-" + pool);
            Line(text, pool, [.. ((string[])["metarouter", "best-single", "ridge"]).Select(r => At(rows, r, "quality") + " at " + At(rows, r, "cost"))]);
        }

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
                string Of(string name, string property, string format) => Interval(Prior(name).GetProperty(property), Prior(name).GetProperty(property + "_ci"), format);
                Line(text, pool, Of("learned", "regret", "0.0000"), Of("flat", "regret", "0.0000"), Of("before the drift", "regret", "0.0000"), Of("flat", "saved", "0 %"), Of("before the drift", "saved", "0 %"));
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

        text.Append("\n| What each family of n-grams buys | words and characters | words only | characters only |\n|---|---|---|---|\n");
        foreach (var (file, title, property, format) in ((string, string, string, string)[])[("P1a", "P1 MMLU, APGR", "apgr", "0.000"), ("P1b", "P1 GSM8K, APGR", "apgr", "0.000"), .. Pools.Select(p => ("P2-" + p, $"P2 {p}, mean gain", "gain_mean", "0.0000"))])
        {
            var rows = Rows(folder, file);
            Line(text, title, [.. ((string[])["metarouter", "metarouter, words only", "metarouter, characters only"]).Select(r => Value(rows, r, property, format))]);
        }

        return text.ToString();
    }

    private static void Line(StringBuilder text, string title, params string[] cells) => text.Append(CultureInfo.InvariantCulture, $"| {title} | {string.Join(" | ", cells)} |\n");

    /// <summary>The pools that a protocol has results of.</summary>
    private static string[] Found(string folder, string prefix) => [.. Pools.Where(p => File.Exists(Path.Combine(folder, prefix + p + ".json")))];

    private static JsonElement Root(string folder, string file) => JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, file + ".json"))).RootElement;

    private static List<JsonElement> Rows(string folder, string file) => [.. Root(folder, file).GetProperty("rows").EnumerateArray()];

    private static string Value(List<JsonElement> rows, string router, string property, string format)
    {
        var row = rows.First(r => r.GetProperty("router").GetString() == router);
        var interval = row.GetProperty(property + "_ci");
        return Interval(row.GetProperty(property), interval, format);
    }

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
