using System.Text.Json;
using System.Text.Json.Serialization;
using MetaRouter.Core.Preferences;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.Orleans.Storage;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Snapshots;

/// <summary>
/// The priors that were published, and the one of them that this silo serves. A silo reads them before it becomes active, and again every few seconds, from the store itself, so also when the
/// meta-learner is dead.
/// </summary>
internal sealed partial class PriorStore(RecordStore store, PoolHolder pool, RouterMetrics metrics, TimeProvider time, ILogger<PriorStore> logger)
{
    private const string Name = "priors";
    private const string Aside = "unreadable-priors";
    private const string Type = "metarouter-shared";
    private static readonly GrainId Id = GrainId.Create(Type, "0");
    private static readonly JsonSerializerOptions Json = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private readonly Lock _gate = new();
    private long _version;
    private long _atMs; // when the one in service was published
    private long _confirmed;
    private (string? Etag, long Version) _reported; // an unreadable record is reported once

    /// <summary>The snapshot's own prior.</summary>
    public PopulationPrior Shipped { get; } = pool.Current.Snapshot.Prior;

    /// <summary>The version of the prior in service; 0: the snapshot's own.</summary>
    public long Version => Volatile.Read(ref _version);

    /// <summary>How long ago the prior in service was last known to be the latest.</summary>
    public TimeSpan Staleness => time.GetElapsedTime(Volatile.Read(ref _confirmed));

    /// <summary>Takes over what was published last. The store decides, even if an older copy was restored; if it cannot be read, what is in service stays.</summary>
    /// <exception cref="RouterStoreException">It cannot be reached.</exception>
    public async Task PullAsync()
    {
        var (before, serving) = (time.GetTimestamp(), Version);
        var read = await ReadAsync().ConfigureAwait(false);
        if (read.Priors is [var latest, ..])
        {
            Take(latest, serving);
        }

        Volatile.Write(ref _confirmed, before);
    }

    /// <summary>Puts a published prior into service, unless a newer one is.</summary>
    public void Take(PublishedPrior published) => Take(published, null);

    /// <exception cref="RouterStoreException">It cannot be reached.</exception>
    public async Task<StoredPriors> ReadAsync()
    {
        var (bytes, etag) = await store.ReadAsync(Name, Id).ConfigureAwait(false);
        if (bytes.Length == 0)
        {
            return new StoredPriors([], etag);
        }

        try
        {
            var priors = JsonSerializer.Deserialize<List<PublishedPrior?>>(bytes, Json) ?? [];
            return priors.TrueForAll(p => p is { Version: > 0, Prior: not null }) ? new StoredPriors(priors!, etag) : throw new JsonException("An entry has no Version above 0, or no Prior.");
        }
        catch (JsonException e)
        {
            if (_reported.Etag != etag)
            {
                _reported.Etag = etag;
                LogHistoryUnreadable(bytes.Length, e.Message);
            }

            return new StoredPriors([], etag, bytes);
        }
    }

    /// <summary>Writes the history if nobody else published since it was read. A history that could not be read is kept aside first, each under a name of its own.</summary>
    /// <exception cref="RouterStoreException">It may or may not have been written.</exception>
    public async Task<bool> TryPublishAsync(IReadOnlyList<PublishedPrior> history, StoredPriors read)
    {
        if (read.Unreadable is { } unreadable)
        {
            await store.WriteAsync(Aside, GrainId.Create(Type, read.Etag ?? "0"), unreadable, null).ConfigureAwait(false); // if it is there already, it is the same
        }

        if (await store.WriteAsync(Name, Id, JsonSerializer.SerializeToUtf8Bytes(history, Json), read.Etag).ConfigureAwait(false) is null)
        {
            return false;
        }

        if (read.Unreadable is not null)
        {
            metrics.Quarantined.Add(1);
            LogSetAside($"{Aside}:{read.Etag}");
        }

        return true;
    }

    /// <param name="serving">The version in service when the store was asked: an older one may then replace it; null: only a newer one may.</param>
    private void Take(PublishedPrior published, long? serving)
    {
        lock (_gate)
        {
            if ((published.Version <= _version && serving != _version) || (published.Version == _version && published.AtMs == _atMs))
            {
                return;
            }

            if (PriorJson.Read(published.Prior, out var error) is not { } prior)
            {
                if (_reported.Version != published.Version)
                {
                    _reported.Version = published.Version;
                    LogUnreadable(published.Version, error);
                }

                return;
            }

            pool.Update(p => p.With(prior));
            _atMs = published.AtMs;
            Volatile.Write(ref _version, published.Version);
            LogServing(published.Version, pool.Current.Snapshot.Version);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Prior {Version} is in service as snapshot {Snapshot:x16}.")]
    private partial void LogServing(long version, ulong snapshot);

    [LoggerMessage(Level = LogLevel.Error, Message = "Published prior {Version} cannot be read and is not used; what was in service stays. {Reason}")]
    private partial void LogUnreadable(long version, string reason);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The history of published priors has {Bytes} bytes that cannot be read; what was in service stays. It is set aside when the next prior is published. {Reason}")]
    private partial void LogHistoryUnreadable(int bytes, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The history of published priors could not be read and was set aside under '{Name}'; a new one begins.")]
    private partial void LogSetAside(string name);
}
