using System.Text.Json;
using MetaRouter.Core.Preferences;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.Orleans.Storage;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Snapshots;

/// <summary>
/// What all silos share: the secrets, made by whoever starts first, and the priors that were published. A silo reads both before it becomes active,
/// and the priors again every few seconds, from the store itself, so also when the meta-learner is dead.
/// </summary>
internal sealed partial class SharedState(RecordStore store, PoolHolder pool, RouterMetrics metrics, TimeProvider time, ILogger<SharedState> logger)
{
    private const string Secret = "secrets";
    private const string Priors = "priors";
    private const string Aside = "unreadable-priors";
    private const string Type = "metarouter-shared";
    private static readonly GrainId Id = GrainId.Create(Type, "0");

    private readonly Lock _gate = new();
    private RouterSecrets? _secrets;
    private byte[] _stored = []; // the secrets as bytes
    private long _version;
    private long _atMs; // when the one in service was published
    private long _confirmed;
    private (string? Etag, long Version) _reported; // an unreadable record is reported once

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

        _stored = secret;
        _secrets = RouterSecrets.Read(secret)
            ?? throw new RouterStoreException(
                $"The cluster's secrets have {secret.Length} bytes, and were not written by this program; "
                    + "receipts and users cannot be recognised. Restore Redis from a backup, or start with another ServiceId.");
        await PullAsync().ConfigureAwait(true);
    }

    /// <summary>Checks that the store still has the secrets that this silo works with, and puts them back if it has none.</summary>
    /// <returns>False: it has others.</returns>
    /// <exception cref="RouterStoreException">It cannot be reached.</exception>
    public async Task<bool> CheckSecretsAsync()
    {
        var (secret, _) = await store.ReadAsync(Secret, Id).ConfigureAwait(false);
        if (secret.Length == 0)
        {
            await store.WriteAsync(Secret, Id, _stored, null).ConfigureAwait(false); // if another silo was faster, the next check shows it
            return true;
        }

        return secret.AsSpan().SequenceEqual(_stored);
    }

    /// <summary>Takes over what was published last. The store decides, even if an older copy was restored; if it cannot be read, what is in service stays.</summary>
    /// <exception cref="RouterStoreException">It cannot be reached.</exception>
    public async Task PullAsync()
    {
        var (before, serving) = (time.GetTimestamp(), Version);
        var read = await ReadHistoryAsync().ConfigureAwait(true);
        if (read.Priors is [var latest, ..])
        {
            Take(latest, serving);
        }

        Volatile.Write(ref _confirmed, before);
    }

    /// <summary>Puts a published prior into service, unless a newer one is.</summary>
    public void Take(PublishedPrior published) => Take(published, null);

    /// <summary>The history as the store has it.</summary>
    /// <exception cref="RouterStoreException">It cannot be reached.</exception>
    public async Task<PriorHistory> ReadHistoryAsync()
    {
        var (bytes, etag) = await store.ReadAsync(Priors, Id).ConfigureAwait(true);
        if (bytes.Length == 0)
        {
            return new PriorHistory([], etag);
        }

        try
        {
            var priors = JsonSerializer.Deserialize<List<PublishedPrior?>>(bytes, Json) ?? [];
            return priors.TrueForAll(p => p is { Version: > 0, Prior: not null }) ? new PriorHistory(priors!, etag) : throw new JsonException("An entry has no Version above 0, or no Prior.");
        }
        catch (JsonException e)
        {
            if (_reported.Etag != etag)
            {
                _reported.Etag = etag;
                LogHistoryUnreadable(bytes.Length, e.Message);
            }

            return new PriorHistory([], etag, bytes);
        }
    }

    /// <summary>Writes the history if nobody else published since it was read. A history that could not be read is kept aside first, each under a name of its own.</summary>
    /// <exception cref="RouterStoreException">It may or may not have been written.</exception>
    public async Task<bool> TryPublishAsync(IReadOnlyList<PublishedPrior> history, PriorHistory read)
    {
        if (read.Unreadable is { } unreadable)
        {
            await store.WriteAsync(Aside, GrainId.Create(Type, read.Etag ?? "0"), unreadable, null).ConfigureAwait(true); // if it is there already, it is the same
        }

        if (await store.WriteAsync(Priors, Id, JsonSerializer.SerializeToUtf8Bytes(history, Json), read.Etag).ConfigureAwait(true) is null)
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

    private static JsonSerializerOptions Json { get; } = new() { NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals };

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

/// <param name="Priors">Latest first.</param>
/// <param name="Etag">Of the record; null: there is none.</param>
/// <param name="Unreadable">What is there instead of a history, torn or of a later version; null: nothing is.</param>
internal sealed record PriorHistory(IReadOnlyList<PublishedPrior> Priors, string? Etag, byte[]? Unreadable = null);
