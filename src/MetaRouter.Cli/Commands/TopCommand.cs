using System.CommandLine;
using System.Globalization;
using System.Text;
using MetaRouter.Cli.Gateways;
using MetaRouter.Client;
using MetaRouter.Core.Catalog;
using Spectre.Console;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter top [--minutes N] [--once] [--json] [--plain] [--url URL] [--key KEY]</c></summary>
internal static class TopCommand
{
    private const int KeptDecisions = 100;

    public static Command Create(Terminal terminal)
    {
        var minutes = new Option<int>("--minutes") { Description = "How many minutes back the sums go; 1 to 1440.", DefaultValueFactory = _ => 15, HelpName = "N" };
        var once = new Option<bool>("--once") { Description = "The figures as they are now, in lines." };
        var json = new Option<bool>("--json") { Description = "A line of JSON for each change, as GET /v1/console/overview gives it." };
        var plain = new Option<bool>("--plain") { Description = "Lines instead of a screen, and only ASCII." };
        var gateway = new GatewayOptions();
        var command = new DocumentedCommand(
            "top", "Watches a gateway: requests, money, quality, and who answers. q or Ctrl+C ends it.",
            "top",
            "top --url https://router.example --minutes 60",
            "top --once --json")
        {
            minutes, once, json, plain,
        };
        gateway.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(minutes) is (< 1 or > 1440) and var given)
            {
                throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--minutes {given}: give a number from 1 to 1440."));
            }

            var to = terminal.Plain(parsed.GetValue(plain));
            var wanted = new Wanted(parsed.GetValue(minutes), parsed.GetValue(once), parsed.GetValue(json));
            return gateway.AskAsync(parsed, terminal, (client, address) => RunAsync(to, client, address, wanted, cancellationToken));
        });
        return command;
    }

    private sealed record Wanted(int Minutes, bool Once, bool Json);

    private static async Task<int> RunAsync(Terminal terminal, MetaRouterClient client, Uri address, Wanted wanted, CancellationToken cancellationToken)
    {
        var follower = new TrafficFollower(client, address, terminal.Clock);
        if (wanted.Once)
        {
            var overview = await client.GetOverviewAsync(wanted.Minutes, cancellationToken).ConfigureAwait(false);
            await terminal.Out.WriteLineAsync(wanted.Json ? GatewayJson.Line(overview) : Block(overview)).ConfigureAwait(false);
            return ExitCodes.Success;
        }

        var console = terminal.Results();
        if (!wanted.Json && terminal.RichOut && console.Profile.Capabilities.Ansi)
        {
            return await WatchAsync(terminal, console, client, address, follower, wanted.Minutes, cancellationToken).ConfigureAwait(false);
        }

        await follower.RunAsync(wanted.Minutes, async e =>
        {
            if (e.Overview is { } overview)
            {
                await terminal.Out.WriteLineAsync(wanted.Json ? GatewayJson.Line(overview) : Line(overview, terminal.Clock.LocalTimeZone)).ConfigureAwait(false);
                await terminal.Out.FlushAsync(cancellationToken).ConfigureAwait(false);
            }

            return true;
        }, terminal.Error.WriteLine, cancellationToken).ConfigureAwait(false);
        return ExitCodes.Success;
    }

    private static async Task<int> WatchAsync(Terminal terminal, IAnsiConsole console, MetaRouterClient client, Uri address, TrafficFollower follower, int minutes, CancellationToken cancellationToken)
    {
        // Errors are printed before the screen is switched.
        var session = await client.GetSessionAsync(cancellationToken).ConfigureAwait(false);
        var overview = await client.GetOverviewAsync(minutes, cancellationToken).ConfigureAwait(false);
        var latest = new List<DecisionLine>((await client.GetDecisionsAsync(KeptDecisions, cancellationToken).ConfigureAwait(false)).Decisions);
        var screen = new TopScreen(GatewayOptions.Shown(address), session, terminal.Clock.LocalTimeZone, !console.Profile.Capabilities.Unicode);
        using var asked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var display = new InPlaceDisplay(console, terminal.Out);
        Draw(null);
        var keys = EndOnKeyAsync(asked);
        try
        {
            await follower.RunAsync(minutes, e =>
            {
                if (e.Decision is { } decision && !latest.Exists(d => d.Id == decision.Id))
                {
                    latest.Insert(0, decision);
                    latest.RemoveRange(Math.Min(KeptDecisions, latest.Count), Math.Max(0, latest.Count - KeptDecisions));
                }

                overview = e.Overview ?? overview;
                Draw(null);
                return Task.FromResult(true);
            }, Draw, asked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Somebody pressed q.
        }
        finally
        {
            await asked.CancelAsync().ConfigureAwait(false);
            await keys.ConfigureAwait(false);
        }

        return ExitCodes.Success;

        void Draw(string? notice) => display.Show((width, height) => screen.Lines(overview, latest, notice, width, height));
    }

    private static async Task EndOnKeyAsync(CancellationTokenSource asked)
    {
        try
        {
            while (!Console.IsInputRedirected)
            {
                while (Console.KeyAvailable)
                {
                    if (Console.ReadKey(intercept: true).Key == ConsoleKey.Q)
                    {
                        await asked.CancelAsync().ConfigureAwait(false);
                        return;
                    }
                }

                await Task.Delay(100, asked.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or InvalidOperationException)
        {
            // The end, or there is no keyboard.
        }
    }

    /// <summary>For a log: one line for each overview.</summary>
    private static string Line(OverviewReply overview, TimeZoneInfo zone)
    {
        var (totals, figures) = (overview.Totals, new TopFigures(overview));
        var top = overview.Models.FirstOrDefault(m => m.Requests > 0);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{TimeZoneInfo.ConvertTime(overview.Now, zone):HH:mm:ss} {Readable.Rate(figures.RequestsPerSecond)} requests/s; in {figures.Span} "
                + $"{Readable.Count(totals.Requests, "request")}, {figures.Spent}, {TopFigures.Against(totals.AlwaysStrongest)} against always strongest, "
                + $"quality {TopFigures.Quality(totals.Quality?.Value)}, p50 {Readable.Milliseconds(totals.LatencyMs.P50)}, "
                + $"{figures.Errors}{(top is null ? "" : $", most to {OneLine.Of(top.Name, 40, "...")} ({100 * top.Share:0} %)")}");
    }

    private static string Block(OverviewReply overview)
    {
        var (totals, figures, text) = (overview.Totals, new TopFigures(overview), new StringBuilder());
        Row(
            "requests",
            $"{Readable.Rate(figures.RequestsPerSecond)} a second; ",
            $"{totals.Requests:n0}{(totals.Users == 0 ? "" : $" by {Readable.Count(totals.Users, "user")}")} in the last {figures.Span}");
        Row("spent", $"{figures.Spent}{(figures.Predicted.Length > 0 ? $", {figures.Predicted}" : "")}");
        Saving("always strongest", totals.AlwaysStrongest);
        Saving("best single model", totals.BestSingle);
        Row("quality", totals.Quality is { } q ? $"{TopFigures.Quality(q.Value)} [{TopFigures.Quality(q.Low)}, {TopFigures.Quality(q.High)}], {q.Method}" : (FormattableString)$"-");
        Row("latency", $"p50 {Readable.Milliseconds(totals.LatencyMs.P50)}, p99 {Readable.Milliseconds(totals.LatencyMs.P99)}");
        Row("errors", $"{figures.Errors}, {figures.FailOvers}");
        Row("serving", $"{figures.Snapshot}; mode {overview.Mode}");
        foreach (var model in overview.Models)
        {
            Row(
                "answers",
                $"{OneLine.Of(model.Name, 32, "..."),-32} {100 * model.Share,3:0} %  {Readable.Count(model.Requests, "request"),15}  {Dollars.Text(model.SpentUsd),10} ",
                $" quality {DecisionRow.Quality(model.Quality),4}  p50 {Readable.Milliseconds(model.P50Ms)}{(model.Circuit == "closed" ? "" : $"  {model.Circuit}")}{(model.Enabled ? "" : "  off")}");
        }

        return text.ToString().TrimEnd();

        void Saving(string what, Saving? one) => Row(what, one is null
            ? (FormattableString)$"-"
            : $"{Dollars.Text(one.Usd)} with {OneLine.Of(one.Model, 40, "...")}: {TopFigures.Against(one)}, quality {TopFigures.Quality(one.Quality)}");

        void Row(string name, params FormattableString[] parts) =>
            text.Append(CultureInfo.InvariantCulture, $"{name,-19}{string.Concat(parts.Select(FormattableString.Invariant))}\n");
    }
}
