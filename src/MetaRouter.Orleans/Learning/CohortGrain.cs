using System.Buffers.Binary;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Learning;
using MetaRouter.Orleans.Storage;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Learning;

/// <summary>Holds the evidence of the users of one partition and takes the E-step over them, so that the meta-learner's own work does not grow with users.</summary>
internal sealed partial class CohortGrain(SiloRouter router, RecordStore store, MetaRouterOptions options, MetaRouterClusterOptions cluster, ILogger<CohortGrain> logger) : Grain, ICohortGrain
{
    private const string Name = "cohort";
    private const byte Version = 2, BeforeCatalogs = 1;
    private const int Header = 2 + sizeof(ulong) + sizeof(uint), OldHeader = 2;
    private const int Row = sizeof(ulong) + ChoiceModel.Hypotheses;
    private const int Windows = 64;

    private readonly Cohort _cohort = new(Math.Max(MetaLearner.SmallestCohort, options.RefreshUsers / cluster.Partitions));
    private readonly WindowSample _sample = new(Windows);
    private string? _etag;
    private long _changes = Random.Shared.NextInt64(); // else an activation that starts anew could tell a number that was told before
    private long _saved;
    private uint _missing; // users whose evidence was left out when it was read, and who did not come back yet

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _saved = _changes;
        try
        {
            (var record, _etag) = await store.ReadAsync(Name, this.GetGrainId());
            Restore(record);
        }
        catch (RouterStoreException e)
        {
            // The users it knew report again when they next speak.
            NotRestored(MetaLearner.SmallestCohort, e.Message);
        }
    }

    public ValueTask<ulong?> ReportAsync(CohortReport report)
    {
        foreach (var user in report.Gone)
        {
            var known = _cohort.Remove(user);
            _changes += known ? 1 : 0; // that somebody unknown is gone changes nothing
            _missing -= _missing > 0 && !known ? 1u : 0;
            _sample.Remove(user);
        }

        if (report.Catalog != Catalog && report.Catalog != 0)
        {
            return new((ulong?)null);
        }

        for (var i = 0; i < report.Users.Length; i++)
        {
            var before = _cohort.Count;
            _cohort.Put(report.Users[i], report.Evidence.AsSpan(i * ChoiceModel.Hypotheses, ChoiceModel.Hypotheses));
            _missing -= _missing > 0 && _cohort.Count > before ? 1u : 0;
            if (report.Windows[i] is { } window)
            {
                _sample.Put(report.Users[i], window);
            }
        }

        _changes += report.Users.Length;
        return new(_sample.Ceiling);
    }

    public ValueTask<CohortAnswer> ExpectAsync(byte[] prior, CohortPart part)
    {
        var expectation = _cohort.Expect(Read(prior), part);
        return new(new CohortAnswer(expectation.Counts, expectation.LogEvidence, expectation.Users));
    }

    public ValueTask<long> MissingAsync() => new(_missing);

    public ValueTask<double[]> SpeechAsync(byte[] prior) =>
        new(MetaLearner.SpeechEvidence(router.Pool.Current, Read(prior), _sample.Windows.Select(w => UserState.TryRead(w, out var state, out _) ? state : UserState.Empty)));

    public async ValueTask<long> SaveAsync()
    {
        while (_saved != _changes)
        {
            if (await store.WriteAsync(Name, this.GetGrainId(), ToBytes(), _etag) is { } etag)
            {
                (_etag, _saved) = (etag, _changes);
            }
            else
            {
                // Somebody else wrote: a second activation, whose users and this one's report to either. The last to write stays.
                _etag = (await store.ReadAsync(Name, this.GetGrainId())).Etag;
            }
        }

        return _changes;
    }

    private static PopulationPrior Read(byte[] prior) => PriorJson.Read(prior, out var error) ?? throw new ArgumentException($"The prior cannot be read: {error}.", nameof(prior));

    /// <summary>
    /// Version, hypotheses a user, the catalog that evidence is measured against, how many users are missing, then a user at a time: hash and packed evidence.
    /// The sample of windows comes back with its users.
    /// </summary>
    private byte[] ToBytes()
    {
        var bytes = new byte[Header + (_cohort.Count * Row)];
        (bytes[0], bytes[1]) = (Version, ChoiceModel.Hypotheses);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(2), Catalog);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(2 + sizeof(ulong)), _missing);
        var at = Header;
        foreach (var (user, packed) in _cohort.Entries())
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), user);
            packed.Span.CopyTo(bytes.AsSpan(at + sizeof(ulong)));
            at += Row;
        }

        return bytes;
    }

    private void Restore(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        var header = bytes[0] == BeforeCatalogs ? OldHeader : Header;
        if (bytes.Length < header || bytes[0] is not (Version or BeforeCatalogs) || bytes[1] != ChoiceModel.Hypotheses || (bytes.Length - header) % Row != 0)
        {
            NotRestored(MetaLearner.SmallestCohort, $"It begins with {bytes[0]} and has {bytes.Length} bytes; version {Version} has rows of {Row} after {Header} bytes.");
            return;
        }

        if (bytes[0] == Version)
        {
            var (catalog, missing) = (BinaryPrimitives.ReadUInt64LittleEndian(bytes[2..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[(2 + sizeof(ulong))..]));
            if (catalog != Catalog)
            {
                // Trade-offs are measured against the dearest model's cost: at other prices what everybody said is other evidence.
                NotRestored(missing + (uint)((bytes.Length - header) / Row), FormattableString.Invariant($"It was measured against catalog {catalog:x16}; this silo has {Catalog:x16}."));
                return;
            }

            _missing = missing;
        }

        // One from before catalogs were named is taken for today's: an upgrade seldom changes prices, and starting empty would forget everybody.
        for (var at = header; at < bytes.Length; at += Row)
        {
            _cohort.Put(BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]), bytes.Slice(at + sizeof(ulong), ChoiceModel.Hypotheses));
        }
    }

    private ulong Catalog => router.Pool.Current.Catalog.Version;

    private void NotRestored(uint missing, string reason)
    {
        _missing = missing;
        LogNotRestored(reason);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A partition of the population's evidence starts empty; its users come back as they speak. {Reason}")]
    private partial void LogNotRestored(string reason);
}
