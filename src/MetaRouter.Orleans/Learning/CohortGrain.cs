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
    private const byte Version = 1;
    private const int Windows = 64;

    private readonly Cohort _cohort = new(Math.Max(MetaLearner.SmallestCohort, options.RefreshUsers / cluster.Partitions));
    private readonly WindowSample _sample = new(Windows);
    private string? _etag;
    private long _changes = Random.Shared.NextInt64(); // else an activation that starts anew could tell a number that was told before
    private long _saved;

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
            LogNotRestored(e.Message);
        }
    }

    public ValueTask<ulong> ReportAsync(CohortReport report)
    {
        for (var i = 0; i < report.Users.Length; i++)
        {
            _cohort.Put(report.Users[i], report.Evidence.AsSpan(i * ChoiceModel.Hypotheses, ChoiceModel.Hypotheses));
            if (report.Windows[i] is { } window)
            {
                _sample.Put(report.Users[i], window);
            }
        }

        _changes += report.Users.Length;
        foreach (var user in report.Gone)
        {
            _changes += _cohort.Remove(user) ? 1 : 0; // that somebody unknown is gone changes nothing
            _sample.Remove(user);
        }

        return new(_sample.Ceiling);
    }

    public ValueTask<CohortAnswer> ExpectAsync(byte[] prior, CohortPart part)
    {
        var expectation = _cohort.Expect(Read(prior), part);
        return new(new CohortAnswer(expectation.Counts, expectation.LogEvidence, expectation.Users));
    }

    public ValueTask<double[]> SpeechAsync(byte[] prior) =>
        new(MetaLearner.SpeechEvidence(router.Pool.Current, Read(prior), _sample.Windows.Select(w => UserState.TryRead(w, out var state, out _) ? state : UserState.Empty)));

    public async ValueTask<long> SaveAsync()
    {
        var changes = _changes;
        if (_saved != changes)
        {
            // Somebody else wrote: a second activation, whose users and this one's report to either. The last to write stays.
            _etag = await store.WriteAsync(Name, this.GetGrainId(), ToBytes(), _etag) ?? (await store.ReadAsync(Name, this.GetGrainId())).Etag;
            _saved = changes;
        }

        return changes;
    }

    private static PopulationPrior Read(byte[] prior) => PriorJson.Read(prior, out var error) ?? throw new ArgumentException($"The prior cannot be read: {error}.", nameof(prior));

    /// <summary>Version, hypotheses a user, then a user at a time: hash and packed evidence. The sample of windows comes back with its users.</summary>
    private byte[] ToBytes()
    {
        const int Row = sizeof(ulong) + ChoiceModel.Hypotheses;
        var bytes = new byte[2 + (_cohort.Count * Row)];
        (bytes[0], bytes[1]) = (Version, ChoiceModel.Hypotheses);
        var at = 2;
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
        const int Row = sizeof(ulong) + ChoiceModel.Hypotheses;
        if (bytes.IsEmpty)
        {
            return;
        }

        if (bytes.Length < 2 || bytes[0] != Version || bytes[1] != ChoiceModel.Hypotheses || (bytes.Length - 2) % Row != 0)
        {
            LogNotRestored($"It begins with {(bytes.Length < 2 ? -1 : bytes[0])} and has {bytes.Length} bytes; version {Version} has rows of {Row} after 2 bytes.");
            return;
        }

        for (var at = 2; at < bytes.Length; at += Row)
        {
            _cohort.Put(BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]), bytes.Slice(at + sizeof(ulong), ChoiceModel.Hypotheses));
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A partition of the population's evidence starts empty; its users come back as they speak. {Reason}")]
    private partial void LogNotRestored(string reason);
}
