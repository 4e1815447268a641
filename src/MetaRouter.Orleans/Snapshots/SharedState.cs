using System.Text.Json;
using MetaRouter.Core.Preferences;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.Orleans.Storage;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Snapshots;

/// <summary>
/// What all silos share: the secrets, made by whoever starts first, and the priors that were published. A silo reads both before it becomes active,
/// and the priors again every few seconds, from the store itself: also when the meta-learner is dead.
/// </summary>
internal sealed partial class SharedState(RecordStore store, PoolHolder pool, TimeProvider time, ILogger<SharedState> logger)
{
    private const string Secret = "secrets";
    private const string Priors = "priors";
    private static readonly GrainId Id = GrainId.Create("metarouter-shared", "0");

    private readonly Lock _gate = new();
    private RouterSecrets? _secrets;
    private long _version;
    private long _confirmed;

    public RouterSecrets Secrets => _secrets ?? throw new InvalidOperationException("This silo has not read the cluster's secrets yet; it takes requests only when it is active.");

    /// <summary>The snapshot's own prior.</summary>
    public PopulationPrior Shipped { get; } = pool.Current.Snapshot.Prior;

    /// <summary>The version of the prior in service; 0: the snapshot's own.</summary>
    public long Version => Volatile.Read(ref _version);

    /// <summary>How long ago the prior in service was last known to be the latest.</summary>
    public TimeSpan Staleness => time.GetElapsedTime(Volatile.Read(ref _confirmed));

    public async Task StartAsync()
    {
        var (secret, _) = await store.ReadAsync(Secret, Id).ConfigureAwait(true);
        if (secret.Length == 0)
        {
            // Whoever writes first wins; everyone then reads the same.
            await store.WriteAsync(Secret, Id, RouterSecrets.Generate(), null).ConfigureAwait(true);
            (secret, _) = await store.ReadAsync(Secret, Id).ConfigureAwait(true);
        }

        _secrets = RouterSecrets.Read(secret)
            ?? throw new RouterStoreException($"The cluster's secrets have {secret.Length} bytes, and are none that this program wrote; receipts and users cannot be recognised. Restore Redis from a backup, or start with another ServiceId.");
        await PullAsync().ConfigureAwait(true);
    }

    /// <summary>Takes over what was published last, if it is newer.</summary>
    public async Task PullAsync()
    {
        var before = time.GetTimestamp();
        var (history, _) = await ReadHistoryAsync().ConfigureAwait(true);
        if (history.Count > 0)
        {
            Take(history[0]);
        }

        Volatile.Write(ref _confirmed, before);
    }

    /// <summary>Puts a published prior into service, unless a newer one is.</summary>
    public void Take(PublishedPrior published)
    {
        lock (_gate)
        {
            if (published.Version <= _version)
            {
                return;
            }

            if (PriorJson.Read(published.Prior, out var error) is not { } prior)
            {
                LogUnreadable(published.Version, error);
                return;
            }

            pool.Update(p => p.With(prior));
            Volatile.Write(ref _version, published.Version);
            LogServing(published.Version, pool.Current.Snapshot.Version);
        }
    }

    /// <summary>Latest first.</summary>
    public async Task<(IReadOnlyList<PublishedPrior> History, string? Etag)> ReadHistoryAsync()
    {
        var (bytes, etag) = await store.ReadAsync(Priors, Id).ConfigureAwait(true);
        if (bytes.Length == 0)
        {
            return ([], etag);
        }

        try
        {
            return (JsonSerializer.Deserialize<List<PublishedPrior>>(bytes, Json) ?? [], etag);
        }
        catch (JsonException e)
        {
            LogUnreadable(-1, e.Message);
            return ([], etag);
        }
    }

    /// <summary>Writes the history if nobody else published since it was read.</summary>
    public async Task<bool> TryPublishAsync(IReadOnlyList<PublishedPrior> history, string? etag) =>
        await store.WriteAsync(Priors, Id, JsonSerializer.SerializeToUtf8Bytes(history, Json), etag).ConfigureAwait(true) is not null;

    private static JsonSerializerOptions Json { get; } = new() { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

    [LoggerMessage(Level = LogLevel.Information, Message = "Prior {Version} is in service as snapshot {Snapshot:x16}.")]
    private partial void LogServing(long version, ulong snapshot);

    [LoggerMessage(Level = LogLevel.Error, Message = "Published prior {Version} cannot be read and is not used; what was in service stays. {Reason}")]
    private partial void LogUnreadable(long version, string reason);
}
