using MetaRouter.Client;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Cli.Gateways;

/// <summary>An overview in the words and figures that top shows, on a screen and in lines.</summary>
internal sealed class TopFigures(OverviewReply overview)
{
    /// <summary>The last bucket has only begun, so the rate is over it and the one before.</summary>
    public double RequestsPerSecond
    {
        get
        {
            if (overview.Series is not [.., var before, var now])
            {
                return 0;
            }

            var (begun, requests) = (overview.Now - now.T, now.Requests);
            if (before.Requests > 0)
            {
                (begun, requests) = (begun + TimeSpan.FromSeconds(overview.BucketSeconds), requests + before.Requests);
            }

            return requests / Math.Max(1, begun.TotalSeconds);
        }
    }

    public string Span => Readable.Age(Math.Round((overview.Now - overview.Since).TotalMinutes) * 60);

    public string Spent => Dollars.Text(overview.Totals.SpentUsd);

    /// <summary>The part of the money spent that is only predicted; empty: none.</summary>
    public string Predicted => overview.Totals.PredictedUsd > 0 ? $"{Dollars.Text(overview.Totals.PredictedUsd)} of it predicted" : "";

    public string Errors => Readable.Count(overview.Totals.Errors, "error");

    public string FailOvers => Readable.Count(overview.Totals.Fallbacks, "fail-over");

    public string Snapshot
    {
        get
        {
            var serving = overview.Snapshot;
            var version = serving.Version[..Math.Min(8, serving.Version.Length)];
            var age = serving.AgeSeconds is { } seconds ? $", {Readable.Age(seconds)} old" : ", as shipped";
            return $"snapshot {version}{age}{(serving.Users is { } users ? $", from {Readable.Count(users, "user")}" : "")}{(serving.Held ? ", held" : "")}";
        }
    }

    /// <summary>"62 % saved", "12 % more", "7.1x as much": what was spent beside what one model would have cost.</summary>
    public static string Against(Saving? one) => one switch
    {
        null => "-",
        { SavedShare: >= 0 and var saved } => FormattableString.Invariant($"{100 * saved:0} % saved"),
        { SavedShare: > -1 and var saved } => FormattableString.Invariant($"{-100 * saved:0} % more"),
        { SavedShare: { } saved } => FormattableString.Invariant($"{1 - saved:0.0}x as much"),
        _ => "-",
    };

    public static string Quality(double? value) => value?.ToString("0.000", System.Globalization.CultureInfo.InvariantCulture) ?? "-";
}
