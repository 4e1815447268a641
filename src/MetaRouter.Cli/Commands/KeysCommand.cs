using System.CommandLine;
using System.Globalization;
using MetaRouter.Cli.Gateways;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter keys rotate [--at-once] [--url URL] [--key KEY]</c></summary>
internal static class KeysCommand
{
    public static Command Create(Terminal terminal)
    {
        var atOnce = new Option<bool>("--at-once") { Description = "The key in use leaked: throw it away, and refuse feedback on everything decided so far." };
        var gateway = new GatewayOptions();
        var rotate = new DocumentedCommand(
            "rotate", "Gives receipts a new key, on every gateway of the store. Receipts sealed before stay valid for their lifetime.",
            "keys rotate",
            "keys rotate --at-once")
        {
            atOnce,
        };
        gateway.AddTo(rotate, "operator");
        rotate.SetAction((parsed, cancellationToken) => gateway.AskAsync(parsed, terminal, async (client, _) =>
        {
            var rotated = await client.RotateKeysAsync(parsed.GetValue(atOnce), cancellationToken).ConfigureAwait(false);
            await terminal.Out.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"Receipt key {rotated.Key} seals from {rotated.SealsFrom:u}; "
                    + $"{(parsed.GetValue(atOnce) ? "receipts sealed before are refused" : $"receipts sealed before are accepted until {rotated.EarlierUntil:u}")}.")).ConfigureAwait(false);
            return ExitCodes.Success;
        }));
        return new Command("keys", "The keys that receipts are sealed with.") { rotate };
    }
}
