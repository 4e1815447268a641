using System.Globalization;
using MetaRouter.Client;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Cli.Gateways;

/// <summary>All that a gateway knows of one user, as lines: who it is, what is believed, how each signal moved it, and the latest decisions.</summary>
/// <param name="user">What the gateway told.</param>
/// <param name="clock">Times are shown in its zone; those of today without their date.</param>
/// <param name="width">Characters per line.</param>
/// <param name="ascii">No other characters.</param>
internal sealed class UserPage(UserStoryReply user, TimeProvider clock, int width, bool ascii)
{
    private const int MostHistory = 10, MostDecisions = 8;
    private const int NameWidth = 10, Bars = 24, TimeWidth = 12, KindWidth = 19, ModelWidth = 24, PriceWidth = 9, LeastText = 10, MostText = 60;
    private const int WideEnoughForModels = 100; // above it
    private static readonly TimeSpan Today = TimeSpan.FromHours(20);

    public IEnumerable<TextLine> Lines() => [.. Head(), .. Beliefs(), .. History(), .. Decisions()];

    private IEnumerable<TextLine> Head()
    {
        yield return Line().Add(user.Name ?? "~" + user.User, "bold").Gap(2).Add(user.Name is null ? "" : "~" + user.User, "grey");
        yield return Line().Add(user.Signals == 0 ? "Nothing is known yet: no signal has counted, so the belief about all users decides." : Upper(user.Explanation) + ".");
        yield return Line();
    }

    private IEnumerable<TextLine> Beliefs()
    {
        yield return Line().Left("", NameWidth).Left("quality", Bars / 2, "grey").Right("low cost", Bars / 2, "grey");
        // The mean, as in the list of signals below; the words above give the median.
        yield return Belief("believed", user.Density, "deepskyblue1").Gap(2).Add(Price(user.LambdaMean), "bold").Gap().Add(user.CostScaleUsd > 0 ? "a right answer on average" : "all models are free");
        yield return Belief("everybody", user.Prior, "grey").Gap(2).Add("where a new user begins", "grey");
    }

    private IEnumerable<TextLine> History()
    {
        var known = user.History.Count;
        if (known == 0)
        {
            yield break;
        }

        yield return Line();
        // Repeated feedback on one answer, ratings and withdrawn feedback are kept but say nothing of the trade-off.
        var silent = known - user.Signals;
        var last = known > MostHistory ? string.Create(CultureInfo.InvariantCulture, $", the last {MostHistory} of {known} signals") : "";
        var unheard = silent > 0 ? string.Create(CultureInfo.InvariantCulture, $"; {silent} of {known} say nothing of the trade-off") : "";
        yield return Line().Left($"how it was learned{last}{unheard}", width, "grey");
        foreach (var move in user.History.Skip(known - MostHistory))
        {
            var line = Line().Left(Time(move.T), TimeWidth, "grey").Gap().Left($"{DecisionRow.Words(move.Kind)} {move.Value}".TrimEnd(), KindWidth).Gap();
            line = width > WideEnoughForModels ? line.Left(move.Model ?? "", ModelWidth).Gap() : line;
            line.Right(Price(move.LambdaMean), PriceWidth, "bold").Gap(2);
            yield return line.Left(move.Text, Math.Clamp(width - line.Width, LeastText, MostText));
        }
    }

    private IEnumerable<TextLine> Decisions()
    {
        if (user.Decisions.Count == 0)
        {
            yield break;
        }

        var rows = new DecisionRow(clock.LocalTimeZone, ascii);
        yield return Line();
        yield return rows.Heading(width);
        foreach (var decision in user.Decisions.Take(MostDecisions))
        {
            yield return rows.Of(decision, width);
        }
    }

    private TextLine Line() => new(ascii);

    private TextLine Belief(string name, IReadOnlyList<Mass> mass, string style) =>
        Line().Left(name, NameWidth).Drawn(Readable.Bars([.. mass.Select(m => m.Probability)], Bars, ascii).PadRight(Bars), style);

    /// <summary>The cost that makes up for one right answer, from utility = quality - lambda cost / tau; none where all models are free.</summary>
    private string Price(double lambda) => user.CostScaleUsd > 0 ? Dollars.Text(user.CostScaleUsd / lambda) : "-";

    private string Time(DateTimeOffset time) =>
        TimeZoneInfo.ConvertTime(time, clock.LocalTimeZone).ToString(clock.GetUtcNow() - time < Today ? "HH:mm:ss" : "MMM d HH:mm", CultureInfo.InvariantCulture);

    private static string Upper(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];
}
