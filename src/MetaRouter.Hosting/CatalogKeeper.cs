using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Hosting.Stores;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Hosting;

/// <summary>
/// The catalog while the router runs: what is set here is kept in the store, outlives restarts, and reaches every router of the store. Until something is set,
/// and after it is taken back, the configuration's models are in service.
/// </summary>
public sealed partial class CatalogKeeper(IUserStore store, PoolHolder pool, ILogger<CatalogKeeper> logger) : IDisposable
{
    /// <summary>
    /// A newline after the models marks that a router went back to its configuration's models, and that these are they. Earlier versions do not know the mark,
    /// ignore it and serve them.
    /// </summary>
    private const byte TakenBack = (byte)'\n';

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly SharedValue _shared = new(store, ValueNames.Catalog);

    /// <summary>The configuration's models, in service or not.</summary>
    public ModelCatalog Configured { get; } = pool.Current.Catalog;

    /// <summary>Puts the catalog into service that was set last, here or at another router of the store.</summary>
    public async Task PullAsync(CancellationToken cancellationToken)
    {
        using var turn = await _turn.TakeAsync(cancellationToken).ConfigureAwait(false);
        await PullOnceAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sets the catalog, durably and for every router of the store.</summary>
    /// <param name="expected">The version that is to be replaced; null: whichever is in service.</param>
    /// <returns>False: another version is in service by now, and nothing was changed.</returns>
    public Task<bool> ReplaceAsync(ModelCatalog catalog, ulong? expected, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return ReplaceAsync(catalog, CatalogJson.Write(catalog), expected, cancellationToken);
    }

    /// <summary>Back to the configuration's models: every router of the store serves those of its own configuration, also if they change later.</summary>
    public async Task ResetAsync(CancellationToken cancellationToken) => await ReplaceAsync(Configured, [.. CatalogJson.Write(Configured), TakenBack], null, cancellationToken).ConfigureAwait(false);

    public void Dispose() => _turn.Dispose();

    /// <param name="kept">What the store has of it.</param>
    private async Task<bool> ReplaceAsync(ModelCatalog catalog, byte[] kept, ulong? expected, CancellationToken cancellationToken)
    {
        using var turn = await _turn.TakeAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            await PullOnceAsync(cancellationToken).ConfigureAwait(false);
            if (expected is { } version && pool.Current.Catalog.Version != version)
            {
                return false;
            }

            if (await _shared.TryWriteAsync(kept, CancellationToken.None).ConfigureAwait(false))
            {
                Serve(catalog);
                return true;
            }

            // Another router set one in between: that one is looked at first.
        }
    }

    private async Task PullOnceAsync(CancellationToken cancellationToken)
    {
        if (await _shared.FindNewAsync(cancellationToken).ConfigureAwait(false) is not { } bytes)
        {
            return;
        }

        try
        {
            Serve(bytes is [] or [.., TakenBack] ? Configured : CatalogJson.Read(bytes)); // nothing at all: an earlier version took it back
        }
        catch (ArgumentException e)
        {
            LogUnreadable(e.Message);
        }

        _shared.MarkApplied(bytes);
    }

    private void Serve(ModelCatalog catalog)
    {
        if (pool.Current.Catalog.Version != catalog.Version)
        {
            pool.Update(now => new RoutingPool(now.Snapshot, catalog));
            LogServed(catalog.Count, catalog.Version);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "A catalog of {Models} models is in service as version {Version:x16}.")]
    private partial void LogServed(int models, ulong version);

    [LoggerMessage(Level = LogLevel.Error, Message = "The catalog in the store cannot be read and is not used; the one in service stays. {Reason}")]
    private partial void LogUnreadable(string reason);
}
