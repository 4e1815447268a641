using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting;

/// <summary>Writes the accounts of a process that keeps them in memory to its store every second, and takes them up again at the next start: a crash forgets a second of spending.</summary>
/// <remarks>
/// There may be an account for every user, and in a second few of them change. So two values are kept: all accounts as of some time, and those that changed since, which
/// name what they are changes of. When they are a good part of the whole it is written anew; changes of an earlier whole are then older than it, and passed over.
/// </remarks>
public sealed partial class AccountKeeper(IUserStore store, MemorySharedState accounts, ILogger<AccountKeeper> logger) : BackgroundService
{
    private const string Whole = "accounts.v1", Changes = "accounts.v1.changes";

    /// <summary>The whole is written anew once more than a sixteenth of it changed; of few accounts, once this many did.</summary>
    private const int ChangesOfFew = 256, ShareOfChanges = 16;

    private const int MostBlanks = 64;

    private readonly ILogger<AccountKeeper> _logger = logger;
    private byte[]? _whole, _changes;
    private byte[] _nameOfWhole = NameOf(null);
    private int _count;

    /// <summary>Of the accounts in memory, as of the whole (-1: it cannot be added to) and as of the last write.</summary>
    private long _wholeVersion, _version;

    public async Task RestoreAsync(CancellationToken cancellationToken)
    {
        _whole = await store.ReadValueAsync(Whole, cancellationToken).ConfigureAwait(false);
        _nameOfWhole = NameOf(_whole);
        _changes = await store.ReadValueAsync(Changes, cancellationToken).ConfigureAwait(false);
        try
        {
            if (_whole is not null)
            {
                accounts.Read(_whole);
            }

            if (_changes is not null && _changes.AsSpan().StartsWith(_nameOfWhole))
            {
                _wholeVersion = -1; // what changes from here on is counted anew
                accounts.Read(_changes.AsSpan(_nameOfWhole.Length));
            }
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            _wholeVersion = -1;
            LogUnreadable(e.Message);
        }
    }

    public Task SaveAsync(CancellationToken cancellationToken) => SaveAsync(asWhole: false, cancellationToken);

    private async Task SaveAsync(bool asWhole, CancellationToken cancellationToken)
    {
        if (!asWhole && _wholeVersion >= 0)
        {
            var (changed, count, version) = accounts.Write(_wholeVersion);
            if (version == _version)
            {
                return;
            }

            if (count <= Math.Max(ChangesOfFew, _count / ShareOfChanges))
            {
                byte[] changes = [.. _nameOfWhole, .. changed];
                if (await store.WriteValueAsync(Changes, changes, _changes, cancellationToken).ConfigureAwait(false))
                {
                    (_changes, _version) = (changes, version);
                }

                return;
            }
        }

        var all = accounts.Write(-1);
        if (all.Version == _wholeVersion)
        {
            return;
        }

        byte[] whole = [.. Enumerable.Repeat((byte)' ', Blanks(_whole) + 1 < MostBlanks ? Blanks(_whole) + 1 : 0), .. all.Bytes];
        if (await store.WriteValueAsync(Whole, whole, _whole, cancellationToken).ConfigureAwait(false))
        {
            (_whole, _nameOfWhole, _count, _wholeVersion, _version) = (whole, NameOf(whole), all.Count, all.Version, all.Version);
        }
    }

    /// <summary>Before the JSON, which passes over them: two wholes of the same accounts, one after the other, must not be taken for one.</summary>
    private static int Blanks(ReadOnlySpan<byte> whole) => Math.Max(0, whole.IndexOfAnyExcept((byte)' '));

    /// <summary>By its content: whatever was written last before a crash, the two belong together or do not.</summary>
    private static byte[] NameOf(byte[]? whole) => Encoding.ASCII.GetBytes(Convert.ToHexString(SHA256.HashData(whole ?? []).AsSpan(0, 8)));

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        await TrySaveAsync(asWhole: true).ConfigureAwait(false); // an earlier version of this program knows of no changes
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                await TrySaveAsync(asWhole: false).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    private async Task TrySaveAsync(bool asWhole)
    {
        try
        {
            await SaveAsync(asWhole, CancellationToken.None).ConfigureAwait(false);
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
