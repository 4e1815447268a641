using System.Text.Json;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting;

/// <summary>Writes the accounts of a process that keeps them in memory to its store every second, and takes them up again at the next start: a crash forgets a second of spending.</summary>
public sealed partial class AccountKeeper(IUserStore store, MemorySharedState accounts, ILogger<AccountKeeper> logger) : BackgroundService
{
    private const string Name = "accounts.v1";

    private readonly ILogger<AccountKeeper> _logger = logger;
    private byte[]? _written;

    public async Task RestoreAsync(CancellationToken cancellationToken)
    {
        _written = await store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false);
        try
        {
            if (_written is not null)
            {
                accounts.Read(_written);
            }
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            LogUnreadable(e.Message);
        }
    }

    public async Task SaveAsync(CancellationToken cancellationToken)
    {
        var now = accounts.Write();
        if (!(_written ?? "[]"u8.ToArray()).AsSpan().SequenceEqual(now) && await store.WriteValueAsync(Name, now, _written, cancellationToken).ConfigureAwait(false))
        {
            _written = now;
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        await TrySaveAsync().ConfigureAwait(false);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                await TrySaveAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    private async Task TrySaveAsync()
    {
        try
        {
            await SaveAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (StoreException e)
        {
            LogUnsaved(e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "What was spent so far cannot be read from the store, so budgets begin anew. {Reason}")]
    private partial void LogUnreadable(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What was spent so far cannot be written to the store; it is tried every second. {Reason}")]
    private partial void LogUnsaved(string reason);
}
