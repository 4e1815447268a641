using System.Text.Json;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting;

/// <summary>Writes the accounts of a process that keeps them in memory to its store every second, and takes them up again at the next start: a crash forgets a second of spending.</summary>
/// <remarks>
/// There may be an account for every user, and in a second few of them change. So two values are kept: all accounts as of some time, and those that changed since. When the changes are
/// a good part of the whole, the whole is written anew. Each account carries its version, and the later one counts: whichever of the two was written last, together they are right.
/// </remarks>
internal sealed partial class AccountKeeper(IUserStore store, MemorySharedState accounts, ILogger<AccountKeeper> logger) : BackgroundService
{
    /// <summary>The whole is written anew once more than a sixteenth of it changed; with few accounts, once this many changed.</summary>
    private const int ChangesOfFew = 256, ShareOfChanges = 16;

    private static readonly byte[] s_none = "[]"u8.ToArray();

    /// <summary>Versions of the accounts in memory: as of the whole, and as of the last write.</summary>
    private long _wholeVersion, _version;

    private int _wholeCount;

    public async Task RestoreAsync(CancellationToken cancellationToken)
    {
        _wholeVersion = _version = await TakeUpAsync(ValueNames.Accounts, cancellationToken).ConfigureAwait(false);
        _version = Math.Max(_version, await TakeUpAsync(ValueNames.AccountChanges, cancellationToken).ConfigureAwait(false));
    }

    public Task SaveAsync(CancellationToken cancellationToken) => SaveAsync(asWhole: false, cancellationToken);

    private async Task SaveAsync(bool asWhole, CancellationToken cancellationToken)
    {
        if (accounts.Version == (asWhole ? _wholeVersion : _version))
        {
            return;
        }

        if (!asWhole)
        {
            var changed = accounts.Write(_wholeVersion);
            if (changed.Count <= Math.Max(ChangesOfFew, _wholeCount / ShareOfChanges))
            {
                await WriteAsync(ValueNames.AccountChanges, changed.Bytes, cancellationToken).ConfigureAwait(false);
                _version = changed.Version;
                return;
            }
        }

        var all = accounts.Write(-1);
        await WriteAsync(ValueNames.Accounts, all.Bytes, cancellationToken).ConfigureAwait(false);
        (_wholeVersion, _version, _wholeCount) = (all.Version, all.Version, all.Count);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);

        // Earlier versions of this program kept no changes and wrote no versions.
        await TryAsync(async () =>
        {
            await SaveAsync(asWhole: true, CancellationToken.None).ConfigureAwait(false);
            if (_version > 0)
            {
                await WriteAsync(ValueNames.AccountChanges, s_none, CancellationToken.None).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Periodically.DoAsync(TimeSpan.FromSeconds(1), _ => TryAsync(() => SaveAsync(CancellationToken.None)), stoppingToken);

    private Task<byte[]> WriteAsync(string name, byte[] bytes, CancellationToken cancellationToken) => store.ChangeValueAsync(name, _ => bytes, cancellationToken);

    private async Task<long> TakeUpAsync(string name, CancellationToken cancellationToken)
    {
        var bytes = await store.ReadValueAsync(name, cancellationToken).ConfigureAwait(false);
        try
        {
            return bytes is null ? 0 : accounts.Read(bytes);
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            LogUnreadable(e.Message);
            return 0;
        }
    }

    private async Task TryAsync(Func<Task> save)
    {
        try
        {
            await save().ConfigureAwait(false);
        }
        catch (StoreException e)
        {
            LogUnsaved(e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "What was spent so far cannot be read from the store, so budgets start again from zero. {Reason}")]
    private partial void LogUnreadable(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What was spent so far cannot be written to the store; it is tried every second. {Reason}")]
    private partial void LogUnsaved(string reason);
}
