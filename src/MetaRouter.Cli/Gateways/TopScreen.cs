using System.Globalization;
using MetaRouter.Client;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Cli.Gateways;

/// <summary>One screen of <c>top</c>: a header, four cards, who answers, and as many of the latest decisions as there is room for.</summary>
/// <remarks>Lines are of exact widths: whatever the size of the terminal, none is wrapped and none is left over.</remarks>
internal sealed class TopScreen(string address, SessionReply session, TimeZoneInfo zone, bool ascii)
{
    public const int LeastWidth = 60, LeastHeight = 12;
    private const int CardLines = 4, HeaderLines = 2;
    private static readonly string[] Colors = ["deepskyblue1", "orange1", "mediumspringgreen", "orchid", "gold1", "lightsalmon1", "mediumpurple1", "darkseagreen2"];

    private readonly DecisionRow _decisions = new(zone, ascii);

    /// <param name="latest">The newest first.</param>
    /// <param name="notice">What is wrong just now; null: nothing.</param>
    /// <returns>At most <paramref name="height"/> lines of markup, none wider than <paramref name="width"/>.</returns>
    public IReadOnlyList<string> Lines(OverviewReply overview, IReadOnlyList<DecisionLine> latest, string? notice, int width, int height)
    {
        if (width < LeastWidth || height < LeastHeight)
        {
            return [new TextLine(ascii).Left($"At least {LeastWidth} x {LeastHeight} characters are needed; these are {width} x {height}.", width).Markup];
        }

        var (inner, figures) = (width - 2, new TopFigures(overview));
        List<TextLine> lines = [Title(overview, notice, inner), Subtitle(overview, figures, inner), .. Cards(overview, figures, inner)];
        var room = height - lines.Count - HeaderLines;
        var models = overview.Models.Where(m => m.Requests > 0 || overview.Models.Count <= room).Take(Math.Max(1, room - (room > 8 ? 2 : 0))).ToArray();
        lines.AddRange(Models(overview, models, inner));
        if (height - lines.Count > 1)
        {
            lines.Add(_decisions.Heading(inner));
            lines.AddRange(latest.Take(height - lines.Count).Select(d => _decisions.Of(d, inner)));
        }

        return [.. lines.Take(height).Select(l => " " + l.Markup)];
    }

    private TextLine Title(OverviewReply overview, string? notice, int inner)
    {
        var line = new TextLine(ascii).Add("MetaRouter", "bold deepskyblue1").Gap(2).Left(address, Math.Min(address.Length, inner - 42));
        if (notice is not null)
        {
            return line.Gap(2).Left(notice, Math.Max(10, inner - line.Width - 2), "black on red");
        }

        if (session.Demo || session.Simulated)
        {
            line.Gap(2).Add(session.Demo ? "SIMULATED USERS" : "SIMULATED ANSWERS", "black on yellow");
        }

        return line.End(TimeZoneInfo.ConvertTime(overview.Now, zone).ToString("HH:mm:ss", CultureInfo.InvariantCulture), inner, "bold");
    }

    private TextLine Subtitle(OverviewReply overview, TopFigures figures, int inner)
    {
        var line = new TextLine(ascii).Left($"{session.Tenant}, last {figures.Span}", Math.Min($"{session.Tenant}, last {figures.Span}".Length, inner / 3), "grey");
        if (overview.Mode != "apply")
        {
            line.Gap(2).Add($"mode {overview.Mode}", "black on yellow");
        }

        return line.End(figures.Snapshot, inner, "grey");
    }

    private IEnumerable<TextLine> Cards(OverviewReply overview, TopFigures figures, int inner)
    {
        var totals = overview.Totals;
        int[] widths = [inner * 9 / 39, inner * 12 / 39, inner * 9 / 39, 0];
        widths[3] = inner - widths[..3].Sum();
        var series = overview.Series;
        var money = widths[1] - 4;
        (string Title, (string Text, string Style)[] Lines)[] cards =
        [
            ("requests", [
                (Readable.Rate(figures.RequestsPerSecond) + "/s", "bold"),
                (totals.Requests.ToString("n0", CultureInfo.InvariantCulture) + " in all", ""),
                (Readable.Count(totals.Users, "user"), ""),
                (Spark(series.Select(b => (double)b.Requests), widths[0] - 4), "deepskyblue1"),
            ]),
            ("money", [
                (TopFigures.Against(totals.AlwaysStrongest), totals.AlwaysStrongest?.SavedShare < 0 ? "bold red" : "bold green"),
                (totals.AlwaysStrongest is { } strongest ? $"{figures.Spent}, not {Dollars.Text(strongest.Usd)}" : figures.Spent, ""),
                (totals.BestSingle is { } single ? $"best one alone {Dollars.Text(single.Usd)}" + (money > 44 ? $", {single.Model}" : "") : "", ""),
                figures.Predicted.Length > 0 ? (figures.Predicted, "grey") : (Spark(series.Select(b => b.SpentUsd), money), "green")]),
            ("quality, predicted", [
                (TopFigures.Quality(totals.Quality?.Value), "bold"), (totals.Quality is { } q ? $"{TopFigures.Quality(q.Low)} to {TopFigures.Quality(q.High)}" : "", ""),
                ($"strongest {DecisionRow.Quality(totals.AlwaysStrongest?.Quality)}", ""), ($"best one  {DecisionRow.Quality(totals.BestSingle?.Quality)}", "")]),
            ("answers", [
                ($"p50 {Readable.Milliseconds(totals.LatencyMs.P50)}", "bold"),
                ($"p99 {Readable.Milliseconds(totals.LatencyMs.P99)}", ""),
                (figures.Errors, totals.Errors > 0 ? "bold red" : ""),
                (figures.FailOvers, totals.Fallbacks > 0 ? "yellow" : ""),
            ]),
        ];
        var (corners, across, down) = ascii ? ("++++", '-', "|") : ("╭╮╰╯", '─', "│");
        var top = new TextLine(ascii);
        foreach (var (i, card) in cards.Index())
        {
            // "quality, predicted" where there is room, else "quality", and at the worst its beginning.
            var title = card.Title.Length <= widths[i] - 5 ? card.Title : card.Title.Split(',')[0];
            title = title[..Math.Min(title.Length, widths[i] - 5)];
            top.Drawn($"{corners[0]}{across} ", "grey").Add(title, "grey").Drawn($" {new string(across, widths[i] - title.Length - 5)}{corners[1]}", "grey");
        }

        yield return top;
        for (var row = 0; row < CardLines; row++)
        {
            var line = new TextLine(ascii);
            foreach (var (i, card) in cards.Index())
            {
                var (text, style) = card.Lines[row];
                line.Drawn(down, "grey").Gap();
                _ = style is "deepskyblue1" or "green" ? line.Drawn(text.PadRight(widths[i] - 4), style) : line.Left(text, widths[i] - 4, style);
                line.Gap().Drawn(down, "grey");
            }

            yield return line;
        }

        var bottom = new TextLine(ascii);
        foreach (var width in widths)
        {
            bottom.Drawn($"{corners[2]}{new string(across, width - 2)}{corners[3]}", "grey");
        }

        yield return bottom;
    }

    /// <summary>Where there is room, each model's share over time too.</summary>
    private IEnumerable<TextLine> Models(OverviewReply overview, ModelUse[] models, int inner)
    {
        const int share = 5, requests = 8, spent = 8, quality = 7, took = 6, others = share + requests + spent + quality + took + 6;
        var name = Math.Clamp(inner - others - 12, 12, inner >= 110 ? 32 : 22);
        var isWide = inner >= 110;
        var time = isWide ? (inner - others - name) / 2 : 0;
        var bar = inner - others - name - (isWide ? time + 1 : 0);
        var heading = new TextLine(ascii).Left("who answers", name, "grey").Gap().Left("", bar).Gap();
        heading = isWide ? heading.Left("over time", time, "grey").Gap() : heading;
        yield return heading.Right("share", share, "grey").Gap()
            .Right("requests", requests, "grey").Gap()
            .Right("spent", spent, "grey").Gap()
            .Right("quality", quality, "grey").Gap()
            .Right("p50", took, "grey");
        var most = models.Select(m => m.Share).DefaultIfEmpty().Max();
        foreach (var model in models)
        {
            var color = Colors[Index(overview, model.Name) % Colors.Length];
            var isIll = model.Circuit != "closed";
            var (style, plain) = isIll ? ("red", "red") : model.Requests == 0 || !model.Enabled ? ("grey", "grey") : (color, "");
            var line = new TextLine(ascii).Left(model.Name, name, style).Gap().Drawn(Bar(most > 0 ? model.Share / most : 0, bar), color).Gap();
            line = isWide ? line.Drawn(Spark(overview.Series.Select(b => (double)b.Models.GetValueOrDefault(model.Name)), time), color).Gap() : line;
            var latency = Readable.Milliseconds(model.P50Ms).Replace(" ", "", StringComparison.Ordinal);
            yield return line.Right(model.Requests == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{100 * model.Share:0} %"), share, plain).Gap()
                .Right(model.Requests.ToString("n0", CultureInfo.InvariantCulture), requests, plain).Gap()
                .Right(model.Requests == 0 ? "-" : Dollars.Text(model.SpentUsd), spent, plain).Gap()
                .Right(DecisionRow.Quality(model.Quality), quality, plain).Gap()
                .Right(isIll ? model.Circuit : !model.Enabled ? "off" : latency, took, plain);
        }
    }

    /// <summary>A model keeps its colour while others overtake it.</summary>
    private static int Index(OverviewReply overview, string name) => overview.Models.Select(m => m.Name).Order(StringComparer.Ordinal).TakeWhile(n => n != name).Count();

    private string Spark(IEnumerable<double> values, int width) => Readable.Bars([.. values], width, ascii).PadRight(width);

    /// <summary>To an eighth of a character.</summary>
    private string Bar(double share, int width)
    {
        var eighths = (int)Math.Round(Math.Clamp(share, 0, 1) * width * 8);
        var parts = ascii ? "        " : " ▏▎▍▌▋▊▉";
        var (whole, rest) = (eighths / 8, eighths % 8);
        return (new string(ascii ? '#' : '█', whole) + (rest > 0 ? parts[rest].ToString() : "")).PadRight(width);
    }
}
