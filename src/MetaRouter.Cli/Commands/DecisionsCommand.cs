using System.CommandLine;
using System.Globalization;
using MetaRouter.Cli.Gateways;
using MetaRouter.Client;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter decisions show RECEIPT [--user USER] [--json] [--plain] [--url URL] [--key KEY]</c>, <c>metarouter decisions tail [--lines N] [--count N] [--once] [--json] [--plain] [--url URL] [--key KEY]</c></summary>
internal static class DecisionsCommand
{
    private const int MostLines = 1000;

    public static Command Create(Terminal terminal)
    {
        var lines = new Option<int>("--lines") { Description = "How many of the latest decisions come first; 0 to 1000.", DefaultValueFactory = _ => 10, HelpName = "N" };
        var count = new Option<int?>("--count") { Description = "End after this many decisions, the latest ones shown first included; 1 or more. Default: never.", HelpName = "N" };
        var once = new Option<bool>("--once") { Description = "The latest decisions only." };
        var json = new Option<bool>("--json") { Description = "A line of JSON for each, as GET /v1/console/decisions gives it." };
        var plain = new Option<bool>("--plain") { Description = "No colours, and only ASCII." };
        var gateway = new GatewayOptions();
        var tail = new DocumentedCommand(
            "tail", "Shows decisions as they are taken. Beyond about ten a second it shows only some; MetaRouter:DecisionLog writes all.",
            "decisions tail",
            "decisions tail --lines 100 --once --json")
        {
            lines, count, once, json, plain,
        };
        gateway.AddTo(tail);
        tail.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(lines) is (< 0 or > MostLines) and var first)
            {
                throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--lines {first}: give a number from 0 to {MostLines}."));
            }

            if (parsed.GetValue(count) is < 1 and var most)
            {
                throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--count {most}: give a number of at least 1."));
            }

            var to = terminal.Plain(parsed.GetValue(plain));
            var wanted = new Wanted(parsed.GetValue(lines), parsed.GetValue(count) ?? int.MaxValue, parsed.GetValue(once), parsed.GetValue(json), parsed.GetValue(plain));
            return gateway.AskAsync(parsed, terminal, (client, address) => new Tail(to, client, wanted).RunAsync(address, cancellationToken));
        });
        return new Command("decisions", "What a gateway decides.") { Show(terminal), tail };
    }

    private static DocumentedCommand Show(Terminal terminal)
    {
        var receipt = new Argument<string>("RECEIPT") { Description = "The id of an answer, or a decision's receipt." };
        var user = new Option<string?>("--user") { Description = "Whose it is. A key with the scope read needs none.", HelpName = "USER" };
        var json = new Option<bool>("--json") { Description = "One line of JSON, under the names of GET /v1/router/decisions/RECEIPT." };
        var plain = new Option<bool>("--plain") { Description = "No colours, and only ASCII." };
        var gateway = new GatewayOptions();
        var show = new DocumentedCommand("show", "Which model answered, and why, by the answer's id.", "decisions show RECEIPT", "decisions show RECEIPT --user ada --json") { receipt, user, json, plain };
        gateway.AddTo(show);
        show.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetRequiredValue(receipt).Length == 0)
            {
                throw new BadInputException("RECEIPT is empty; give the id of an answer.");
            }

            var to = terminal.Plain(parsed.GetValue(plain));
            return gateway.AskAsync(parsed, terminal, async (client, _) =>
            {
                var found = await client.FindDecisionAsync(parsed.GetRequiredValue(receipt), parsed.GetValue(user), cancellationToken).ConfigureAwait(false);
                if (parsed.GetValue(json))
                {
                    await to.Out.WriteLineAsync(GatewayJson.Line(found)).ConfigureAwait(false);
                    return ExitCodes.Success;
                }

                var output = new LineOutput(to, parsed.GetValue(plain));
                foreach (var line in new DecisionPage(found, terminal.Clock.LocalTimeZone, output.Width, output.IsAscii).Lines())
                {
                    output.Write(line);
                }

                return ExitCodes.Success;
            });
        });
        return show;
    }

    private sealed record Wanted(int Lines, int Count, bool Once, bool Json, bool IsPlain);

    private sealed class Tail(Terminal terminal, MetaRouterClient client, Wanted wanted)
    {
        private readonly LineOutput _output = new(terminal, wanted.IsPlain);
        private readonly HashSet<string> _written = [];

        private DecisionRow Row => new(terminal.Clock.LocalTimeZone, _output.IsAscii);

        public async Task<int> RunAsync(Uri address, CancellationToken cancellationToken)
        {
            if (wanted.Once)
            {
                await FirstAsync(cancellationToken).ConfigureAwait(false);
                return ExitCodes.Success;
            }

            var hasBegun = false;
            await new TrafficFollower(client, address, terminal.Clock).RunAsync(1, async e =>
            {
                // Decisions from now on come by the stream, so that none is lost between list and stream.
                if (!hasBegun)
                {
                    hasBegun = true;
                    await FirstAsync(cancellationToken).ConfigureAwait(false);
                }

                if (e.Decision is { } decision)
                {
                    Write(decision);
                }

                return _written.Count < wanted.Count;
            }, terminal.Error.WriteLine, cancellationToken).ConfigureAwait(false);
            return ExitCodes.Success;
        }

        private async Task FirstAsync(CancellationToken cancellationToken)
        {
            var first = wanted.Lines == 0 ? [] : (await client.GetDecisionsAsync(wanted.Lines, cancellationToken).ConfigureAwait(false)).Decisions;
            if (!wanted.Json)
            {
                _output.Write(Row.Heading(_output.Width));
            }

            foreach (var decision in first.Reverse())
            {
                Write(decision);
            }
        }

        private void Write(DecisionLine decision)
        {
            if (_written.Count == wanted.Count || !_written.Add(decision.Id))
            {
                return;
            }

            if (wanted.Json)
            {
                terminal.Out.WriteLine(GatewayJson.Line(decision));
            }
            else
            {
                _output.Write(Row.Of(decision, _output.Width));
            }

            terminal.Out.Flush();
        }
    }
}
