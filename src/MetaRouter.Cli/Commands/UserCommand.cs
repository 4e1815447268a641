using System.CommandLine;
using System.Globalization;
using MetaRouter.Cli.Gateways;
using MetaRouter.Client;
using MetaRouter.Core.Catalog;
using Spectre.Console;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter user show USER [--json] [--plain] [--url URL] [--key KEY]</c></summary>
internal static class UserCommand
{
    private const int MostHistory = 10, MostDecisions = 8, Bars = 24, PlainWidth = 120, Text = 60;

    public static Command Create(Terminal terminal)
    {
        var user = new Argument<string>("USER") { Description = "The id that the client names, or ~ and the pseudonym of a decision." };
        var json = new Option<bool>("--json") { Description = "One line of JSON, as GET /v1/console/users/USER gives it." };
        var plain = new Option<bool>("--plain") { Description = "No colours, and only ASCII." };
        var gateway = new GatewayOptions();
        var show = new DocumentedCommand(
            "show", "What is believed of one user, how each signal moved it, and who answered.",
            "user show ada",
            "user show ~0123456789 --json")
        {
            user, json, plain,
        };
        gateway.AddTo(show);
        show.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetRequiredValue(user) is { Length: 0 or > 256 } id)
            {
                throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"USER has {id.Length} characters; give 1 to 256."));
            }

            var to = parsed.GetValue(plain) ? terminal with { RichOut = false, RichError = false } : terminal;
            return gateway.AskAsync(parsed, terminal, (client, _) => RunAsync(to, client, parsed.GetRequiredValue(user), parsed.GetValue(json), parsed.GetValue(plain), cancellationToken));
        });
        return new Command("user", "What a gateway knows of a user.") { show };
    }

    private static async Task<int> RunAsync(Terminal terminal, MetaRouterClient client, string id, bool isJson, bool isPlain, CancellationToken cancellationToken)
    {
        var user = await client.GetUserStoryAsync(id, cancellationToken).ConfigureAwait(false);
        if (isJson)
        {
            await terminal.Out.WriteLineAsync(GatewayJson.Line(user)).ConfigureAwait(false);
            return ExitCodes.Success;
        }

        var console = terminal.Results();
        var ascii = isPlain || !console.Profile.Capabilities.Unicode;
        var width = terminal.RichOut ? Math.Max(40, console.Profile.Width - 1) : PlainWidth;
        Show(Line().Add(user.Name ?? "~" + user.User, "bold").Gap(2).Add(user.Name is null ? "" : "~" + user.User, "grey"));
        Show(Line().Add(user.Signals == 0 ? "Nothing is known yet: no signal has counted, so everybody's belief decides." : Upper(user.Explanation) + "."));
        Show(Line());
        Show(Line().Left("", 10).Left("quality", 12, "grey").Right("low cost", 12, "grey"));
        // The mean, as each signal moved it below; what is said in words above is the median.
        Show(Belief("believed", user.Density, "deepskyblue1").Gap(2).Add(Price(user.LambdaMean), "bold").Gap().Add(user.CostScaleUsd > 0 ? "a right answer on average" : "all models are free"));
        Show(Belief("everybody", user.Prior, "grey").Gap(2).Add("where a new user begins", "grey"));
        if (user.History.Count > 0)
        {
            Show(Line());
            var last = user.History.Count > MostHistory ? string.Create(CultureInfo.InvariantCulture, $", the last {MostHistory} of {user.History.Count} signals") : "";
            // A repeated word on one answer, a rating, or one that was withdrawn is kept and says nothing of the trade-off.
            var silent = user.History.Count - user.Signals;
            Show(Line().Left($"how it was learned{last}{(silent > 0 ? string.Create(CultureInfo.InvariantCulture, $"; {silent} of {user.History.Count} say nothing of the trade-off") : "")}", width, "grey"));
            foreach (var move in user.History.Skip(user.History.Count - MostHistory))
            {
                var line = Line().Left(Time(move.T), 12, "grey").Gap().Left($"{DecisionRow.Words(move.Kind)} {move.Value}".TrimEnd(), 19).Gap();
                line = width > 100 ? line.Left(move.Model ?? "", 24).Gap() : line;
                line.Right(Price(move.LambdaMean), 9, "bold").Gap(2);
                Show(line.Left(move.Text, Math.Clamp(width - line.Width, 10, Text)));
            }
        }

        if (user.Decisions.Count > 0)
        {
            var rows = new DecisionRow(terminal.Clock.LocalTimeZone, ascii);
            Show(Line());
            Show(rows.Heading(width));
            foreach (var decision in user.Decisions.Take(MostDecisions))
            {
                Show(rows.Of(decision, width));
            }
        }

        return ExitCodes.Success;

        TextLine Line() => new(ascii);

        TextLine Belief(string name, IReadOnlyList<Mass> mass, string style) => Line().Left(name, 10).Drawn(Readable.Bars([.. mass.Select(m => m.Probability)], Bars, ascii).PadRight(Bars), style);

        // Utility is quality - lambda cost / tau: so much cost makes up for one right answer; none where all models are free.
        string Price(double lambda) => user.CostScaleUsd > 0 ? Dollars.Text(user.CostScaleUsd / lambda) : "-";

        string Time(DateTimeOffset time) => TimeZoneInfo.ConvertTime(time, terminal.Clock.LocalTimeZone).ToString(terminal.Clock.GetUtcNow() - time < TimeSpan.FromHours(20) ? "HH:mm:ss" : "MMM d HH:mm", CultureInfo.InvariantCulture);

        void Show(TextLine line)
        {
            if (terminal.RichOut)
            {
                console.MarkupLine(line.Markup);
            }
            else
            {
                terminal.Out.WriteLine(line.Plain);
            }
        }
    }

    private static string Upper(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];
}
