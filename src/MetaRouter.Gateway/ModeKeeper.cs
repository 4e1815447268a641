using System.Text;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway;

/// <summary>
/// Whether decisions are followed, only noted, or not taken. The configuration decides until an administrator does; an administrator's choice outlives restarts
/// and reaches every gateway of the store within a second.
/// </summary>
internal sealed partial class ModeKeeper(IUserStore store, GatewaySettings settings, ILogger<ModeKeeper> logger) : BackgroundService
{
    public const string Apply = "apply", Observe = "observe", Static = "static";

    private readonly SharedValue _shared = new(store, ValueNames.Mode);
    private readonly SemaphoreSlim _turn = new(1, 1);
    private volatile string _mode = settings.Gateway.Mode;

    public string Mode => _mode;

    public async Task PullAsync(CancellationToken cancellationToken)
    {
        using var turn = await _turn.TakeAsync(cancellationToken).ConfigureAwait(false);
        if (await _shared.FindNewAsync(cancellationToken).ConfigureAwait(false) is { } said)
        {
            Follow(said);
            _shared.MarkApplied(said);
        }
    }

    /// <param name="mode">Null: back to the configuration's.</param>
    public async Task SetAsync(string? mode, CancellationToken cancellationToken)
    {
        var said = Encoding.ASCII.GetBytes(mode ?? "");
        using var turn = await _turn.TakeAsync(cancellationToken).ConfigureAwait(false);
        await _shared.WriteAsync(said, cancellationToken).ConfigureAwait(false);
        Follow(said);
    }

    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => store.Freshness is null ? Task.CompletedTask : Periodically.DoAsync(TimeSpan.FromSeconds(1), TryPullAsync, stoppingToken);

    private async Task TryPullAsync(CancellationToken cancellationToken)
    {
        try
        {
            await PullAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // The mode in force stays; others report that the store is away.
        }
    }

    private void Follow(byte[] said)
    {
        var mode = Encoding.ASCII.GetString(said);
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
