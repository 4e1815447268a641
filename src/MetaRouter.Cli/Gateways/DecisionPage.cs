using System.Globalization;
using MetaRouter.Client;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Cli.Gateways;

/// <summary>One decision as lines: who answered and why, what it cost, what was predicted of every model, and what was said of the answer.</summary>
/// <param name="found">What the gateway told.</param>
/// <param name="zone">In which times are shown.</param>
/// <param name="width">Characters per line.</param>
/// <param name="ascii">No other characters.</param>
internal sealed class DecisionPage(FoundDecision found, TimeZoneInfo zone, int width, bool ascii)
{
    private const string Unlisted = "(no longer listed)";
    private const int NumberWidth = 11, LeastModel = 12, MostModel = 40, Columns = 4, ExcludedWidth = 18;

    public IEnumerable<TextLine> Lines() => [.. Head(), .. Candidates(), .. Feedback()];

    private IEnumerable<TextLine> Head()
    {
        var who = found.Model ?? (found.KnownFrom == "receipt" ? Unlisted : "nobody answered");
        var instead = found.Chosen is { } chosen && chosen != found.Model ? $" for {chosen}" : "";
        yield return Line().Add(who + instead, "bold").Gap(2).Add(found.Reason is { } reason ? DecisionRow.Words(reason) : "", "green");
        if (found.Explanation is { } why)
        {
            yield return Line().Add(why);
        }

        yield return Line().Add(
            string.Create(CultureInfo.InvariantCulture, $"{TimeZoneInfo.ConvertTime(found.At, zone):yyyy-MM-dd HH:mm:ss}  cost {(found.CostUsd is { } usd ? Dollars.Text(usd) : "-")}")
            + $"  took {Readable.Milliseconds(found.LatencyS * 1000)}  decision {found.Decision}", "grey");
        if (found.Note is { } note)
        {
            yield return Line().Add(note, "yellow");
        }
    }

    private IEnumerable<TextLine> Candidates()
    {
        yield return Line();
        yield return Row("predicted", "quality", "cost", "utility", "chance", "", "grey");
        foreach (var one in found.Candidates)
        {
            yield return Row(
                one.Model ?? Unlisted, DecisionRow.Quality(one.Quality), Dollars.Text(one.CostUsd), one.Utility?.ToString("0.000", CultureInfo.InvariantCulture) ?? "-",
                one.Propensity?.ToString("0.000", CultureInfo.InvariantCulture) ?? "-", DecisionRow.Words(one.Excluded ?? ""), one.Model == found.Model ? "bold" : "");
        }
    }

    private IEnumerable<TextLine> Feedback()
    {
        foreach (var one in found.Feedback ?? [])
        {
            yield return Line().Add($"{DecisionRow.Words(one.Kind)} {one.Value}".TrimEnd()).Add(one.Counted ? "" : " (did not count)", "grey");
        }
    }

    private TextLine Row(string model, string quality, string cost, string utility, string chance, string excluded, string style) => Line()
        .Left(model, Math.Clamp(width - (Columns * (NumberWidth + 1)) - ExcludedWidth, LeastModel, MostModel), style)
        .Gap().Right(quality, NumberWidth, style).Gap().Right(cost, NumberWidth, style).Gap().Right(utility, NumberWidth, style).Gap().Right(chance, NumberWidth, style).Gap(2).Add(excluded, "grey");

    private TextLine Line() => new(ascii);
}
