using System.CommandLine;
using System.Globalization;
using MetaRouter.Cli.Gateways;

namespace MetaRouter.Cli.Commands;

/// <summary><c>metarouter backup [--url URL] [--key KEY]</c></summary>
internal static class BackupCommand
{
    private static readonly TimeSpan s_patience = TimeSpan.FromHours(1); // a file of gigabytes takes minutes

    public static Command Create(Terminal terminal)
    {
        var gateway = new GatewayOptions { Patience = s_patience };
        var backup = new DocumentedCommand(
            "backup", "Has a gateway on SQLite copy its file while it runs, into its MetaRouter:BackupFolder, on the gateway's machine.",
            "backup");
        gateway.AddTo(backup, "operator");
        backup.SetAction((parsed, cancellationToken) => gateway.AskAsync(parsed, terminal, async (client, _) =>
        {
            var made = await client.BackUpAsync(cancellationToken).ConfigureAwait(false);
            await terminal.Out.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"Backed up to {made.File} ({made.Bytes:n0} bytes), with all that was acknowledged by {made.At:u}.")).ConfigureAwait(false);
            return ExitCodes.Success;
        }));
        return backup;
    }
}
