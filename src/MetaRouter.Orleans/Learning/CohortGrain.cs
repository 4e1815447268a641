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
    private const string Name = "cohort", Aside = "unreadable-cohort";
    private const string GoneName = "cohort-gone", GoneAside = "unreadable-cohort-gone"; // a record of its own: silos of earlier versions also read the evidence's
    private const int TaughtWindows = 64;
    private const int HeldOutWindows = 16; // of a fifth of the users: as many of those who are there as of the others
    private const int FewestDepartures = 10_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly int _capacity = CapacityOf(options, cluster);
    private readonly WindowSamples _sample = new(TaughtWindows, HeldOutWindows);
    private readonly Dictionary<ulong, ReportTime> _unsaved = []; // who spoke or went since the store was last written
    private readonly Departures _gone = new(TimeSpan.FromHours(options.ReceiptHours), Math.Max(FewestDepartures, CapacityOf(options, cluster)));

    private Cohort _cohort = null!;
    private StoredRecord _evidenceRecord = null!;
    private StoredRecord _goneRecord = null!;
    private long _changes = Random.Shared.NextInt64(); // random, else a new activation could give a number that was given before
    private bool _isRead; // false: what the store holds is not known
    private bool _hasAsideToGo; // somebody left, and may still be in what was set aside
    private uint _missing; // users whose evidence could not be used when it was read, and who have not come back yet

    private bool IsSaved => _evidenceRecord.IsSaved && _goneRecord.IsSaved;

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _cohort = new Cohort(_capacity) { OnDropped = _sample.Remove };
        (_evidenceRecord, _goneRecord) = (new(store, Name, Aside, this.GetGrainId()), new(store, GoneName, GoneAside, this.GetGrainId()));
        try
        {
            await LoadAsync();
        }
        catch (RouterStoreException e)
        {
            // The store will be read before the first write.
            _missing = MetaLearner.SmallestCohort;
            LogNotRead(e.Message);
        }
    }

    /// <summary>Saves, within a time that the silo has when it is asked to stop.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (IsSaved)
        {
            return;
        }

        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            await SaveAsync().AsTask().WaitAsync(Patience, cancellationToken);
        }
        catch (Exception e) when (e is RouterStoreException or TimeoutException or OperationCanceledException)
        {
            LogNotSaved(_unsaved.Count, e.Message);
        }
    }

    public async ValueTask<ulong?> ReportAsync(CohortReport report)
    {
        _hasAsideToGo |= report.Gone.Length > 0;
        var (now, isNews) = (router.NowMs, false);
        for (var i = 0; i < report.Gone.Length; i++)
        {
            var (user, time) = (report.Gone[i], TimeOf(report.GoneTimes, i));
            if (time == default || !_gone.Covers(user, time))
            {
                _unsaved[user] = time;
                isNews |= Forget(user);
                if (_gone.Add(user, time))
                {
                    _goneRecord.Change();
                }
            }
        }

        var isMine = report.Catalog == Catalog || report.Catalog == 0;
        for (var i = 0; isMine && i < report.Users.Length; i++)
        {
            var (user, time) = (report.Users[i], TimeOf(report.UsersTimes, i));
            if (_gone.Covers(user, time) || _gone.IsTooOld(time, now))
            {
                continue;
            }

            _unsaved[user] = time;
            Put(user, report.Evidence.AsSpan(i * ChoiceModel.Hypotheses, ChoiceModel.Hypotheses));
            if (report.Windows[i] is { } window)
            {
                _sample.Put(user, window);
            }
        }

        if (isNews || !_goneRecord.IsSaved)
        {
            await SaveAsync(); // else, if this partition died now, they would come back, and nobody would report their leaving again
        }

        return isMine ? _sample.Ceiling : null;
    }

    public ValueTask<CohortAnswer> ExpectAsync(byte[] prior, CohortPart part)
    {
        var expectation = _cohort.Expect(Read(prior), part);
        return new(new CohortAnswer(expectation.Counts, expectation.LogEvidence, expectation.Users));
    }

    public ValueTask<long> MissingAsync() => new(_missing);

    public ValueTask<double[]> SpeechAsync(byte[] prior) =>
        new(SpeechFit.Evidence(router.Pool.Current, Read(prior), Sample(CohortPart.Taught)));

    public ValueTask<EvidenceAnswer> EvidenceAsync(byte[] prior)
    {
        var evidence = PriorEvidence.Of(router.Pool.Current, Read(prior), Sample(CohortPart.HeldOut));
        return new(new EvidenceAnswer(evidence.LogEvidence, evidence.Users, _gone.LastErasedAtMs));
    }

    public async ValueTask<long> SaveAsync()
    {
        if (!_isRead)
        {
            await LoadAsync();
        }

        if (!IsSaved)
        {
            await WriteAsync();
            _unsaved.Clear();
        }

        if (_hasAsideToGo)
        {
            await _evidenceRecord.ClearAsideAsync(); // a user cannot be removed from a record that cannot be read
            _hasAsideToGo = false;
        }

        return _changes;
    }

    /// <summary>Writes what changed. The evidence first: where this ends between the two, who is gone is out of it, and is reported again.</summary>
    private async Task WriteAsync()
    {
        for (var attempt = 0; attempt < RecordStore.MostRetries; attempt++)
        {
            if (await _evidenceRecord.TryWriteAsync(() => CohortRecord.Write(_cohort, Catalog, _missing)) && await _goneRecord.TryWriteAsync(() => _gone.ToBytes(router.NowMs)))
            {
                return;
            }

            await LoadAsync(); // somebody else wrote: a second activation, whose users and this one's report to either
        }

        throw RecordStore.Contended("A partition of the population's evidence");
    }

    /// <summary>Takes what is stored, and over it what was reported since it was last written: nothing of others is lost, and who went since stays away.</summary>
    private async Task LoadAsync()
    {
        await LoadGoneAsync();
        var (record, problem) = await _evidenceRecord.ReadAsync(r => CohortRecord.ProblemOf(r));
        var (cohort, missing) = (default(Cohort), (uint)MetaLearner.SmallestCohort);
        if (problem is not null)
        {
            router.Metrics.Quarantined.Add(1);
            LogUnreadable(problem);
        }
        else
        {
            (cohort, missing) = Restore(record);
        }

        if (!_isRead || cohort is not null) // else keep what is here: the store lost its record, or has it at other prices
        {
            var reported = _cohort.Entries().Where(e => _unsaved.TryGetValue(e.User, out var time) && !_gone.Covers(e.User, time)).ToArray();
            (_cohort, _missing) = (cohort ?? new Cohort(_capacity), missing);
            _cohort.OnDropped = _sample.Remove;
            foreach (var user in _unsaved.Keys.Except(reported.Select(r => r.User)))
            {
                Forget(user);
            }

            foreach (var (user, packed) in reported)
            {
                Put(user, packed.Span);
            }

            _changes++;
        }

        _isRead = true;
    }

    /// <summary>Adds the departures that another activation was told of.</summary>
    private async Task LoadGoneAsync()
    {
        var (record, problem) = await _goneRecord.ReadAsync(r => Departures.ProblemOf(r));
        if (problem is not null)
        {
            router.Metrics.Quarantined.Add(1);
            LogGoneUnreadable(problem);
            _goneRecord.Change();
            return;
        }

        foreach (var user in _gone.Join(record))
        {
            if (!_unsaved.TryGetValue(user, out var time) || _gone.Covers(user, time))
            {
                _sample.Remove(user);
            }
        }
    }

    /// <summary>A silo of an earlier version sends no times.</summary>
    private static ReportTime TimeOf(ReportTime[]? times, int i) => times is null ? default : times[i];

    private IEnumerable<UserState> Sample(CohortPart part) => _sample.Windows(part).Select(w => UserState.TryRead(w, out var state, out _) ? state : UserState.Empty);

    private void Put(ulong user, ReadOnlySpan<byte> packed)
    {
        var before = _cohort.Count;
        _cohort.Put(user, packed);
        _missing -= _missing > 0 && _cohort.Count > before ? 1u : 0;
        _changes++;
        _evidenceRecord.Change();
    }

    /// <returns>False: there was no evidence of the user here.</returns>
    private bool Forget(ulong user)
    {
        _sample.Remove(user);
        if (_cohort.Remove(user))
        {
            _changes++;
            _evidenceRecord.Change();
            return true;
        }

        _missing -= _missing > 0 ? 1u : 0;
        return false;
    }

    private static int CapacityOf(MetaRouterOptions options, MetaRouterClusterOptions cluster) => Math.Max(MetaLearner.SmallestCohort, options.RefreshUsers / cluster.Partitions);

    private static PopulationPrior Read(byte[] prior) => PriorJson.Read(prior, out var error) ?? throw new ArgumentException($"The prior cannot be read: {error}.", nameof(prior));

    /// <param name="record">A record without a problem.</param>
    /// <returns>Null where there is no evidence, or it was measured at other prices; and how many users are missing.</returns>
    private (Cohort? Users, uint Missing) Restore(ReadOnlySpan<byte> record)
    {
        if (record.IsEmpty)
        {
            return (null, 0);
        }

        var missing = CohortRecord.MissingOf(record);
        if (CohortRecord.CatalogOf(record) is { } catalog && catalog != Catalog)
        {
            // Trade-offs are measured against the dearest model's cost: at other prices the same feedback is different evidence.
            LogNotRestored(FormattableString.Invariant($"It was measured against catalog {catalog:x16}; this silo has {Catalog:x16}."));
            return (null, missing + CohortRecord.CountOf(record));
        }

        // A record from before catalogs were named is taken to be at today's prices: an upgrade seldom changes prices, and starting empty would forget everybody.
        return (CohortRecord.UsersOf(record, _capacity), missing);
    }

    private ulong Catalog => router.Pool.Current.Catalog.Version;

    [LoggerMessage(Level = LogLevel.Warning, Message = "A partition of the population's evidence could not be read; it starts empty, and is read again before it is next written. {Reason}")]
    private partial void LogNotRead(string reason);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "A partition of the population's evidence was deactivated before what {Users} users taught was written; they come back when they are next active. {Reason}")]
    private partial void LogNotSaved(int users, string reason);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "The list of users who left a partition of the population's evidence cannot be read and "
            + "was set aside under 'unreadable-cohort-gone'; a late report may bring them back. {Reason}")]
    private partial void LogGoneUnreadable(string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A partition of the population's evidence starts empty; its users come back when they are next active. {Reason}")]
    private partial void LogNotRestored(string reason);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "A partition of the population's evidence cannot be read and was set aside under 'unreadable-cohort'; its users come back when they are next active. {Reason}")]
    private partial void LogUnreadable(string reason);
}
