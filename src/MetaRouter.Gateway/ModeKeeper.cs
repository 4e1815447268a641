using System.Text;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway;

/// <summary>
/// Whether decisions are followed, only noted, or not taken. The configuration says so until an administrator does; what an administrator said outlives restarts
/// and reaches every gateway of the store within a second.
/// </summary>
internal sealed partial class ModeKeeper(IUserStore store, GatewaySettings settings, ILogger<ModeKeeper> logger) : BackgroundService
{
    public const string Apply = "apply", Observe = "observe", Static = "static";
    private const string Name = ValueNames.Mode;

    private readonly ILogger<ModeKeeper> _logger = logger;
    private volatile string _mode = settings.Gateway.Mode;
    private volatile byte[]? _shared;

    public string Mode => _mode;

    public async Task PullAsync(CancellationToken cancellationToken)
    {
        var said = await store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false);
        if (said is null && _shared is { } known)
        {
            // Nobody removes it: the store was emptied. The mode in force stays.
            await store.WriteValueAsync(Name, known, null, cancellationToken).ConfigureAwait(false);
            return;
        }

        Take(said);
    }

    /// <param name="mode">Null: back to the configuration's.</param>
    public async Task SetAsync(string? mode, CancellationToken cancellationToken)
    {
        var bytes = Encoding.ASCII.GetBytes(mode ?? "");
        while (!await store.WriteValueAsync(Name, bytes, await store.ReadValueAsync(Name, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false))
        {
            // Somebody else said something at the same moment; the last word counts.
        }

        Take(bytes);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (store.Freshness is null)
        {
            return;
        }

        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                try
                {
                    await PullAsync(stoppingToken).ConfigureAwait(false);
                }
                catch (StoreException)
                {
                    // The mode in force stays; that the store is away is told by others.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    private void Take(byte[]? said)
    {
        _shared = said;
        var mode = said is null ? "" : Encoding.ASCII.GetString(said);
        mode = mode is Apply or Observe or Static ? mode : settings.Gateway.Mode;
        if (mode != _mode)
        {
            _mode = mode;
            LogMode(mode);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Routing is now in the mode {Mode}.")]
    private partial void LogMode(string mode);
}
