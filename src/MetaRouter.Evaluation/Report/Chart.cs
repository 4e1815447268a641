using System.Globalization;
using System.Net;
using System.Text;

namespace MetaRouter.Evaluation.Report;

/// <summary>How a series is drawn.</summary>
public enum Role
{
    /// <summary>What the page is about: the accent, thick.</summary>
    Ours,

    /// <summary>A method to compare with: a colour of its own.</summary>
    Rival,

    /// <summary>A level to measure by: grey, dashed.</summary>
    Yardstick,
}

/// <summary>A line of a <see cref="LineChart"/>, named at its right end.</summary>
/// <param name="Band">Low and high at each point; null: none is drawn.</param>
/// <param name="Dots">Points without a line.</param>
public sealed record Series(string Name, Role Role, IReadOnlyList<(double X, double Y)> Points, IReadOnlyList<(double Low, double High)>? Band = null, bool Dots = false);

/// <summary>A row of a <see cref="WhiskerChart"/>.</summary>
/// <param name="Low">Lower end of the interval; NaN: only the point is known.</param>
/// <param name="Quoted">Published, not measured here: hollow.</param>
public sealed record Whisker(string Name, Role Role, double Value, double Low, double High, bool Quoted = false);

/// <summary>What the two charts share: an SVG with its title, axes and the palette, which follows the reader's light or dark.</summary>
internal static class Chart
{
    public const string Palette = """
        .mr{--bg:#fff;--ink:#1b1f24;--muted:#6b7480;--grid:#e7e9ed;--ours:#d6336c;--c0:#1c6fc4;--c1:#2b8a3e;--c2:#d9580a;--c3:#6741d9;--c4:#0b7285;--c5:#8a6d00;--c6:#9c36b5;--c7:#495057;font:13px system-ui,-apple-system,"Segoe UI",sans-serif}
        @media(prefers-color-scheme:dark){.mr{--bg:#14171b;--ink:#e6e9ed;--muted:#98a1ac;--grid:#2b3037;--ours:#ff6b9d;--c0:#6cb2ff;--c1:#69d483;--c2:#ffa05c;--c3:#b197fc;--c4:#4fd1e0;--c5:#e0c040;--c6:#e599f7;--c7:#adb5bd}}
        .mr text{fill:var(--ink)}.mr .title{font-size:15px;font-weight:600}.mr .axis{fill:var(--muted);font-size:12px}.mr .name{font-size:12px}
        .mr .frame{fill:var(--bg)}.mr .grid{stroke:var(--grid);stroke-width:1}.mr .zero{stroke:var(--muted);stroke-width:1.5}
        """;

    private const int Colours = 8;

    public static string Open(int width, int height, string title, bool standalone) => string.Create(CultureInfo.InvariantCulture,
        $"<svg class=\"mr\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\"{(standalone ? $" width=\"{width}\" height=\"{height}\"" : "")} "
            + $"role=\"img\" aria-label=\"{Text(title)}\">{(standalone ? $"<style>{Palette}</style>" : "")}<rect class=\"frame\" "
            + $"width=\"{width}\" height=\"{height}\" rx=\"8\"/><text class=\"title\" x=\"16\" y=\"26\">{Text(title)}</text>");

    public static string Colour(Role role, ref int rivals) => role switch
    {
        Role.Ours => "var(--ours)",
        Role.Yardstick => "var(--muted)",
        _ => string.Create(CultureInfo.InvariantCulture, $"var(--c{rivals++ % Colours})"),
    };

    public static string Text(string text) => WebUtility.HtmlEncode(text);

    public static string At(double v) => Math.Round(v, 1).ToString(CultureInfo.InvariantCulture);

    /// <summary>A round number as it is: with a digit less, two ticks beside each other could read alike.</summary>
    public static string Tick(double v) => v.ToString("0.########", CultureInfo.InvariantCulture);

    /// <summary>Round numbers from low to high, about <paramref name="wanted"/> of them.</summary>
    public static IReadOnlyList<double> Ticks(double low, double high, int wanted)
    {
        if (!(high > low))
        {
            return [low];
        }

        var step = Math.Pow(10, Math.Floor(Math.Log10((high - low) / wanted)));
        step *= ((high - low) / step / wanted) switch { > 6 => 10, > 3 => 5, > 1.2 => 2, _ => 1 };
        var first = Math.Ceiling((low / step) - 1e-9);
        return [.. Enumerable.Range(0, (int)Math.Floor((high / step) - first + 1e-9) + 1).Select(i => (first + i) * step)];
    }

    public static IReadOnlyList<double> LogTicks(double low, double high) =>
        [.. Enumerable.Range(-6, 10).SelectMany(e => new[] { 1.0, 2, 5 }.Select(m => m * Math.Pow(10, e))).Where(v => v >= low * .999 && v <= high * 1.001)];
}

/// <summary>Lines over a common axis. Names stand at the lines' ends, in their colours, so that no legend is needed.</summary>
/// <param name="LogX">Equal ratios look alike.</param>
/// <param name="Y">Least and greatest value shown; null: what there is.</param>
public sealed record LineChart(string Title, string XLabel, string YLabel, IReadOnlyList<Series> Series, bool LogX = false, (double Low, double High)? Y = null)
{
    private const int Width = 720, Height = 400, Left = 58, Right = 216, Top = 56, Bottom = 46, LineOfText = 14, LongestName = 30;

    /// <param name="standalone">A file of its own, with size and palette; else part of a page that has the palette.</param>
    public string ToSvg(bool standalone)
    {
        // Without a value, as where there was nothing to gain, the frame is empty.
        var points = Series.SelectMany(s => s.Points).Where(p => double.IsFinite(p.Y)).DefaultIfEmpty((X: 0, Y: 0)).ToList();
        var (xLow, xHigh) = (points.Min(p => p.X), points.Max(p => p.X));
        var (yLow, yHigh) = Y ?? Padded(points.Min(p => p.Y), points.Max(p => p.Y));
        var isLog = LogX && xLow > 0; // what is free has no place on a logarithmic axis
        double X(double x) => Left + ((Width - Left - Right) * (xHigh > xLow ? isLog ? Math.Log(x / xLow) / Math.Log(xHigh / xLow) : (x - xLow) / (xHigh - xLow) : .5));
        double Y_(double y) => Height - Bottom - ((Height - Top - Bottom) * (Math.Clamp(y, yLow, yHigh) - yLow) / (yHigh - yLow));

        var svg = new StringBuilder(Chart.Open(Width, Height, Title, standalone));
        foreach (var tick in Chart.Ticks(yLow, yHigh, 6))
        {
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Chart.At(Y_(tick))}\" y2=\"{Chart.At(Y_(tick))}\"/><text "
                    + $"class=\"axis\" x=\"{Left - 8}\" y=\"{Chart.At(Y_(tick) + 4)}\" text-anchor=\"end\">{Chart.Tick(tick)}</text>");
        }

        foreach (var tick in isLog ? Chart.LogTicks(xLow, xHigh) : Chart.Ticks(xLow, xHigh, 8))
        {
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"axis\" x=\"{Chart.At(X(tick))}\" y=\"{Height - Bottom + 18}\" text-anchor=\"middle\">{Chart.Tick(tick)}</text>");
        }

        svg.Append(
            CultureInfo.InvariantCulture,
            $"<text class=\"axis\" x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 10}\" text-anchor=\"middle\">{Chart.Text(XLabel)}</text><text "
                + $"class=\"axis\" x=\"{Left - 42}\" y=\"{Top - 10}\">{Chart.Text(YLabel)}</text>");

        // What matters most is drawn last and lies on top.
        var rivals = 0;
        var drawn = Series.Select(s => (Series: s, Colour: Chart.Colour(s.Role, ref rivals))).ToList();
        foreach (var (series, colour) in drawn.OrderBy(d => d.Series.Role switch { Role.Yardstick => 0, Role.Rival => 1, _ => 2 }))
        {
            Draw(svg, series, colour, X, Y_);
        }

        Label(svg, drawn, X, Y_);
        return svg.Append("</svg>").ToString();
    }

    private static void Draw(StringBuilder svg, Series series, string colour, Func<double, double> x, Func<double, double> y)
    {
        var seen = series.Points.Where(p => double.IsFinite(p.Y)).ToList();
        svg.Append(CultureInfo.InvariantCulture, $"<g style=\"color:{colour}\"><title>{Chart.Text(series.Name)}</title>");
        if (series.Band is { } band)
        {
            var known = series.Points.Zip(band, (p, b) => (p.X, b.Low, b.High)).Where(b => double.IsFinite(b.Low) && double.IsFinite(b.High)).ToList();
            var upper = known.Select(b => $"{Chart.At(x(b.X))},{Chart.At(y(b.High))}");
            var lower = known.Select(b => $"{Chart.At(x(b.X))},{Chart.At(y(b.Low))}").Reverse();
            svg.Append(CultureInfo.InvariantCulture, $"<polygon points=\"{string.Join(' ', upper.Concat(lower))}\" fill=\"currentColor\" opacity=\".16\"/>");
        }

        if (!series.Dots)
        {
            var (width, dash) = series.Role switch { Role.Ours => ("3.2", ""), Role.Yardstick => ("1.5", " stroke-dasharray=\"5 4\""), _ => ("1.6", "") };
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<polyline points=\"{string.Join(' ', seen.Select(p => $"{Chart.At(x(p.X))},{Chart.At(y(p.Y))}"))}\" "
                    + $"fill=\"none\" stroke=\"currentColor\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dash}/>");
        }

        if (series.Dots || (seen.Count <= 12 && series.Role != Role.Yardstick))
        {
            foreach (var p in seen)
            {
                svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{Chart.At(x(p.X))}\" cy=\"{Chart.At(y(p.Y))}\" r=\"{(series.Role == Role.Ours ? 4 : 3)}\" fill=\"currentColor\"/>");
            }
        }

        svg.Append("</g>");
    }

    /// <summary>Names at the ends, moved apart where lines end together, each joined to its end by a hair.</summary>
    private static void Label(StringBuilder svg, List<(Series Series, string Colour)> drawn, Func<double, double> x, Func<double, double> y)
    {
        var ends = drawn.Where(d => d.Series.Points.Any(p => double.IsFinite(p.Y)))
            .Select(d => (d.Series, d.Colour, End: d.Series.Points.Last(p => double.IsFinite(p.Y))))
            .OrderBy(d => y(d.End.Y))
            .ToList();
        var at = ends.Select(e => y(e.End.Y)).ToArray();
        for (var pass = 0; pass < 200; pass++)
        {
            for (var i = 1; i < at.Length; i++)
            {
                if (at[i] - at[i - 1] is var gap && gap < LineOfText)
                {
                    (at[i - 1], at[i]) = (at[i - 1] - ((LineOfText - gap) / 2), at[i] + ((LineOfText - gap) / 2));
                }
            }

            for (var i = 0; i < at.Length; i++)
            {
                at[i] = Math.Clamp(at[i], Top + (i * LineOfText) - (Top / 4), Height - Bottom - ((at.Length - 1 - i) * LineOfText) + 4);
            }
        }

        for (var i = 0; i < ends.Count; i++)
        {
            var (series, colour, end) = ends[i];
            var bold = series.Role == Role.Ours ? " font-weight=\"700\"" : "";
            // the reader's font may be a wide one
            var narrow = series.Name.Length > LongestName ? string.Create(CultureInfo.InvariantCulture, $" textLength=\"{Right - 20}\" lengthAdjust=\"spacingAndGlyphs\"") : "";
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<line x1=\"{Chart.At(x(end.X) + 4)}\" y1=\"{Chart.At(y(end.Y))}\" x2=\"{Width - Right + 12}\" y2=\"{Chart.At(at[i])}\" stroke=\"{colour}\" "
                    + $"stroke-width=\".7\" opacity=\".55\"/><text class=\"name\" x=\"{Width - Right + 15}\" "
                    + $"y=\"{Chart.At(at[i] + 4)}\"{narrow} style=\"fill:{colour}\"{bold}>{Chart.Text(series.Name)}</text>");
        }
    }

    private static (double, double) Padded(double low, double high) => high > low ? (low - (.04 * (high - low)), high + (.04 * (high - low))) : (low - .5, low + .5);
}

/// <summary>A row per thing: its value as a dot and its interval as a line, the best on top.</summary>
/// <param name="Zero">A vertical line to measure by; null: none.</param>
/// <param name="Format">Of the values beside the rows.</param>
public sealed record WhiskerChart(string Title, string XLabel, IReadOnlyList<Whisker> Rows, double? Zero, string Format)
{
    private const int Width = 720, Left = 236, Right = 74, Top = 42, RowHeight = 22, Bottom = 46, LongestName = 36;

    /// <inheritdoc cref="LineChart.ToSvg"/>
    public string ToSvg(bool standalone)
    {
        var rows = Rows.OrderByDescending(r => r.Value).ToList();
        var height = Top + (rows.Count * RowHeight) + Bottom;
        var all = rows.SelectMany(r => new[] { r.Value, r.Low, r.High }).Append(Zero ?? double.NaN).Where(double.IsFinite).DefaultIfEmpty(0).ToList();
        var (low, high) = (all.Min(), all.Max());
        (low, high) = high > low ? (low - (.03 * (high - low)), high + (.03 * (high - low))) : (low - 1, low + 1);
        double X(double v) => Left + ((Width - Left - Right) * (v - low) / (high - low));

        var bottom = Top + (rows.Count * RowHeight);
        var svg = new StringBuilder(Chart.Open(Width, height, Title, standalone));
        foreach (var tick in Chart.Ticks(low, high, 6))
        {
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<line class=\"grid\" x1=\"{Chart.At(X(tick))}\" x2=\"{Chart.At(X(tick))}\" y1=\"{Top}\" y2=\"{bottom}\"/><text "
                    + $"class=\"axis\" x=\"{Chart.At(X(tick))}\" y=\"{bottom + 17}\" text-anchor=\"middle\">{Chart.Tick(tick)}</text>");
        }

        if (Zero is { } zero)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"zero\" x1=\"{Chart.At(X(zero))}\" x2=\"{Chart.At(X(zero))}\" y1=\"{Top}\" y2=\"{bottom}\"/>");
        }

        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"axis\" x=\"{(Left + Width - Right) / 2}\" y=\"{height - 10}\" text-anchor=\"middle\">{Chart.Text(XLabel)}</text>");
        foreach (var (i, row) in rows.Index())
        {
            var y = Top + (i * RowHeight) + (RowHeight / 2);
            var colour = row.Role switch { Role.Ours => "var(--ours)", Role.Yardstick => "var(--muted)", _ => "var(--c0)" };
            var bold = row.Role == Role.Ours ? " font-weight=\"700\"" : "";
            var squeezed = row.Name.Length > LongestName ? $" textLength=\"{Left - 20}\" lengthAdjust=\"spacingAndGlyphs\"" : "";
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<g style=\"color:{colour}\"><text class=\"name\" x=\"{Left - 10}\" y=\"{y + 4}\" text-anchor=\"end\" style=\"fill:{colour}\"{bold}{squeezed}>{Chart.Text(row.Name)}</text>");
            if (double.IsFinite(row.Low) && double.IsFinite(row.High))
            {
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<line x1=\"{Chart.At(X(row.Low))}\" x2=\"{Chart.At(X(row.High))}\" y1=\"{y}\" y2=\"{y}\" "
                        + $"stroke=\"currentColor\" stroke-width=\"{(row.Role == Role.Ours ? 3 : 2)}\" opacity=\".55\"/>");
            }

            if (double.IsFinite(row.Value))
            {
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<circle cx=\"{Chart.At(X(row.Value))}\" cy=\"{y}\" r=\"4.5\" "
                        + $"{(row.Quoted ? "fill=\"var(--bg)\" stroke=\"currentColor\" stroke-width=\"1.6\"" : "fill=\"currentColor\"")}/>");
            }

            svg.Append(
                CultureInfo.InvariantCulture,
                $"<text class=\"axis\" x=\"{Width - 12}\" y=\"{y + 4}\" "
                    + $"text-anchor=\"end\">{(double.IsFinite(row.Value) ? row.Value.ToString(Format, CultureInfo.InvariantCulture) : "-")}</text></g>");
        }

        return svg.Append("</svg>").ToString();
    }
}
