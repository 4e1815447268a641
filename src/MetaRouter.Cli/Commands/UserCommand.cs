using System.CommandLine;
using System.Globalization;
using MetaRouter.Cli.Gateways;
using MetaRouter.Client;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter user show USER [--json] [--plain] [--url URL] [--key KEY]</c></summary>
internal static class UserCommand
{
    private const int LeastWidth = 40, LongestId = 256;

    public static Command Create(Terminal terminal)
    {
        var user = new Argument<string>("USER") { Description = "The id that the client names, or ~ and a pseudonym shown with a decision." };
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
            if (parsed.GetRequiredValue(user) is { Length: 0 or > LongestId } id)
            {
                throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"USER has {id.Length} characters; give 1 to {LongestId}."));
            }

            var to = terminal.Plain(parsed.GetValue(plain));
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

        var output = new LineOutput(terminal, isPlain);
        foreach (var line in new UserPage(user, terminal.Clock, Math.Max(LeastWidth, output.Width), output.IsAscii).Lines())
        {
            output.Write(line);
        }

        return ExitCodes.Success;
    }
}
