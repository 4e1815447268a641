using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;

namespace MetaRouter.Evaluation.Report;

/// <summary>A picture with one sentence on how to read it.</summary>
/// <param name="Id">File name without extension, also the anchor: lower case, digits, hyphens.</param>
/// <param name="Svg">Makes it; true: as a file of its own.</param>
public sealed record Figure(string Id, string Caption, Func<bool, string> Svg);

/// <param name="Rows">Cells as text, as many as columns.</param>
/// <param name="Note">What to know about it; null: nothing.</param>
public sealed record ReportTable(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows, string? Note);

/// <summary>A figure that was set as a target, and what was measured.</summary>
/// <param name="Wanted">What was asked for.</param>
/// <param name="Measured">What came out, with its interval.</param>
/// <param name="Reached">Whether that is enough.</param>
/// <param name="Clear">Whether the whole interval is, too; it says nothing where the figure is not enough.</param>
/// <param name="Untested">Why the figure says nothing, and counts neither as reached nor as missed; null: it was put to the test.</param>
public sealed record Target(string Name, string Wanted, string Measured, bool Reached, bool Clear = true, string? Untested = null)
{
    /// <summary>In a word or two.</summary>
    [JsonIgnore]
    public string Verdict => Untested ?? (Reached ? Clear ? "yes" : "yes, within noise" : "no");
}

/// <summary>One protocol's part of the report.</summary>
/// <param name="Id">Anchor and file name.</param>
/// <param name="Json">The protocol's report, one line.</param>
public sealed record ReportSection(string Id, string Title, string Lead, IReadOnlyList<Figure> Figures, IReadOnlyList<ReportTable> Tables, IReadOnlyList<Target> Targets, string Json);

/// <summary>The evaluation as one HTML page that needs nothing else, as Markdown, and as JSON. Same sections, same bytes: nothing in them tells the time.</summary>
public sealed record ReportPage(string Title, string Intro, IReadOnlyList<ReportSection> Sections)
{
    private const string Style = """
        :root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#1b1f24;--muted:#6b7480;--line:#dfe2e7;--ours:#d6336c;--good:#2b8a3e;--bad:#c92a2a}
        @media(prefers-color-scheme:dark){:root{--bg:#0c0e11;--card:#14171b;--ink:#e6e9ed;--muted:#98a1ac;--line:#2b3037;--ours:#ff6b9d;--good:#69d483;--bad:#ff8787}}
        *{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
        main{max-width:1440px;margin:0 auto;padding:28px 24px 80px}h1{font-size:28px;margin:0 0 6px}h2{font-size:21px;margin:44px 0 4px}p{margin:4px 0 14px;max-width:80ch;color:var(--muted)}
        nav{position:sticky;top:0;z-index:1;background:var(--bg);padding:10px 24px;border-bottom:1px solid var(--line);display:flex;gap:18px;flex-wrap:wrap}nav a{color:var(--ink);text-decoration:none;font-weight:600}nav a:hover{color:var(--ours)}
        .figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(560px,100%),1fr));gap:16px}figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:8px}figure svg{width:100%;height:auto;display:block}figcaption{color:var(--muted);font-size:13px;padding:2px 10px 8px}
        .scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px;margin:10px 0}table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}th,td{padding:5px 12px;text-align:right;white-space:nowrap;border-top:1px solid var(--line)}thead th{border-top:0;color:var(--muted);font-weight:600}th:first-child,td:first-child{text-align:left}tr.ours td{color:var(--ours);font-weight:700}
        table.targets td:nth-child(-n+3),table.targets th:nth-child(-n+3){text-align:left;white-space:normal}.yes{color:var(--good);font-weight:700}.no{color:var(--bad);font-weight:700}
        @media(max-width:640px){figure{overflow-x:auto}figure svg{min-width:560px}}
        details{margin:8px 0}summary{cursor:pointer;color:var(--muted);font-weight:600}
        """;

    public string ToHtml()
    {
        var html = new StringBuilder();
        html.Append(
            CultureInfo.InvariantCulture,
            $"<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                + $"content=\"width=device-width\"><title>{Chart.Text(Title)}</title><style>{Style}{Chart.Palette}</style></head><body>\n<nav>");
        foreach (var section in Sections)
        {
            html.Append(CultureInfo.InvariantCulture, $"<a href=\"#{section.Id}\">{Chart.Text(section.Title)}</a>");
        }

        html.Append(CultureInfo.InvariantCulture, $"</nav>\n<main><h1>{Chart.Text(Title)}</h1><p>{Chart.Text(Intro)}</p>\n");
        WriteTargets(html);
        foreach (var section in Sections)
        {
            html.Append(CultureInfo.InvariantCulture, $"<section id=\"{section.Id}\"><h2>{Chart.Text(section.Title)}</h2><p>{Chart.Text(section.Lead)}</p>\n<div class=\"figures\">\n");
            foreach (var figure in section.Figures)
            {
                html.Append(CultureInfo.InvariantCulture, $"<figure id=\"{figure.Id}\">{figure.Svg(false)}<figcaption>{Chart.Text(figure.Caption)}</figcaption></figure>\n");
            }

            html.Append("</div>\n");
            foreach (var table in section.Tables)
            {
                html.Append(CultureInfo.InvariantCulture, $"<details{(section.Figures.Count == 0 ? " open" : "")}><summary>{Chart.Text(table.Title)}</summary>");
                Table(html, table);
                html.Append("</details>\n");
            }

            html.Append("</section>\n");
        }

        return html.Append("</main></body></html>\n").ToString();
    }

    /// <param name="pictures">The folder of the figures' files, relative to the text.</param>
    public string ToMarkdown(string pictures)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# {Title}\n\n{Intro}\n");
        if (Sections.Any(s => s.Targets.Count > 0))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{Targets.Summary([.. Sections.SelectMany(s => s.Targets)])}: the figure is enough, but its interval reaches to where it would not be. What was never put to the test, since no dear model was served, is in neither count.\n");
            text.Append("\n| figure | target | measured | reached |\n|---|---|---|---|\n");
            foreach (var target in Sections.SelectMany(s => s.Targets))
            {
                text.Append(CultureInfo.InvariantCulture, $"| {Cell(target.Name)} | {Cell(target.Wanted)} | {Cell(target.Measured)} | {(target is { Reached: false, Untested: null } ? "**no**" : target.Verdict)} |\n");
            }
        }

        foreach (var section in Sections)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {section.Title}\n\n{section.Lead}\n");
            foreach (var figure in section.Figures)
            {
                text.Append(CultureInfo.InvariantCulture, $"\n![{figure.Caption}]({pictures}/{figure.Id}.svg)\n");
            }

            foreach (var table in section.Tables)
            {
                text.Append(CultureInfo.InvariantCulture, $"\n### {table.Title}\n\n| {string.Join(" | ", table.Columns.Select(Cell))} |\n|{string.Concat(table.Columns.Select(_ => "---|"))}\n");
                foreach (var row in table.Rows)
                {
                    text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", row.Select(Cell))} |\n");
                }

                text.Append(table.Note is null ? "" : $"\n{table.Note}\n");
            }
        }

        return text.ToString();
    }

    /// <summary>One object: the targets, and every protocol's report under its section's id.</summary>
    public string ToJson()
    {
        var targets = Protocols.ReportJson.Write(Sections.SelectMany(s => s.Targets));
        return $"{{\"targets\":{targets},{string.Join(',', Sections.Where(s => s.Json.Length > 0).Select(s => $"\"{s.Id}\":{s.Json}"))}}}\n";
    }

    private void WriteTargets(StringBuilder html)
    {
        Target[] targets = [.. Sections.SelectMany(s => s.Targets)];
        if (targets.Length == 0)
        {
            return;
        }

        html.Append(
            CultureInfo.InvariantCulture,
            $"<section id=\"targets\"><h2>{Targets.Summary(targets)}</h2><div class=\"scroll\"><table "
                + $"class=\"targets\"><thead><tr><th>figure</th><th>target</th><th>measured</th><th>reached</th></tr></thead><tbody>\n");
        foreach (var target in targets)
        {
            var shown = target.Untested is not null ? "untested" : target.Reached ? "yes" : "no";
            html.Append(
                CultureInfo.InvariantCulture,
                $"<tr><td>{Chart.Text(target.Name)}</td><td>{Chart.Text(target.Wanted)}</td><td>{Chart.Text(target.Measured)}</td><td class=\"{shown}\">{target.Verdict}</td></tr>\n");
        }

        html.Append("</tbody></table></div></section>\n");
    }

    private static void Table(StringBuilder html, ReportTable table)
    {
        html.Append(CultureInfo.InvariantCulture, $"<div class=\"scroll\"><table><thead><tr>{string.Concat(table.Columns.Select(c => $"<th>{Chart.Text(c)}</th>"))}</tr></thead><tbody>\n");
        foreach (var row in table.Rows)
        {
            html.Append(CultureInfo.InvariantCulture, $"<tr{(row[0] == "metarouter" ? " class=\"ours\"" : "")}>{string.Concat(row.Select(c => $"<td>{Chart.Text(c)}</td>"))}</tr>\n");
        }

        html.Append("</tbody></table></div>");
        if (table.Note is { } note)
        {
            html.Append(CultureInfo.InvariantCulture, $"<p>{Chart.Text(note)}</p>");
        }
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
