using System.Globalization;
using MetaRouter.Client;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Cli.Gateways;

/// <summary>A decision on one line: time, user, model, reason, quality, cost and latency.</summary>
internal sealed class DecisionRow(TimeZoneInfo zone, bool ascii)
{
    private const int TimeWidth = 8, UserWidth = 11, ReasonWidth = 13, CostWidth = 11, TookWidth = 6, Gaps = 5, QualityWidth = 7;
    private const int Others = TimeWidth + UserWidth + ReasonWidth + CostWidth + TookWidth + Gaps, LeastModel = 12, FullModel = 24, MostModel = 40;

    public TextLine Heading(int width) => Row(width, "time", "user", "model", "why", "quality", "cost", "took", "grey", "grey");

    public TextLine Of(DecisionLine decision, int width)
    {
        var isError = decision.Status is { } status && status != 200;
        var style = isError ? "red" : decision.Reason switch { "explored" => "yellow", "comparison" => "aqua", "fail_over" => "red", "best_for_user" => "green", _ => "" };
        var model = decision.Served is { } served && served != decision.Model ? $"{served} for {decision.Model}" : decision.Model;
        return Row(
            width, TimeZoneInfo.ConvertTime(decision.T, zone).ToString("HH:mm:ss", CultureInfo.InvariantCulture), decision.Name ?? (decision.User is { } user ? "~" + user : "nobody"), model,
            isError ? $"error {decision.Status}" : Words(decision.Reason), Quality(decision.Quality),
            decision.CostUsd is { } usd ? Dollars.Text(usd) : "-", Readable.Milliseconds(decision.LatencyMs), style, "");
    }

    public static string Words(string reason) => reason.Replace('_', ' ');

    public static string Quality(double? quality) => quality?.ToString("0.00", CultureInfo.InvariantCulture) ?? "-";

    private TextLine Row(int width, string time, string user, string model, string why, string quality, string cost, string took, string style, string other)
    {
        var isWide = width >= Others + QualityWidth + 1 + FullModel;
        var models = Math.Clamp(width - Others - (isWide ? QualityWidth + 1 : 0), LeastModel, MostModel);
        var line = new TextLine(ascii).Left(time, TimeWidth, "grey").Gap().Left(user, UserWidth, other).Gap().Left(model, models, style).Gap().Left(why, ReasonWidth, style).Gap();
        return (isWide ? line.Right(quality, QualityWidth, other).Gap() : line).Right(cost, CostWidth, other).Gap().Right(took, TookWidth, other);
    }
}
