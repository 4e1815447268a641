using MetaRouter.Core.MetaLearning;

namespace MetaRouter.Orleans.Learning;

/// <summary>Part of the population's evidence, by the users' hashes; key 0 to Partitions - 1. Priors cross as JSON.</summary>
[Alias("metarouter.cohort")]
internal interface ICohortGrain : IGrainWithIntegerKey
{
    /// <summary>Takes what is newer than what it knows of the same user. Departures are in the store before this answers; what users taught is written later (<see cref="SaveAsync"/>).</summary>
    /// <returns>The <see cref="WindowSample.Rank"/> above which windows need not be sent. Null: this silo has another catalog than the evidence was measured
    /// against, as while silos are restarted with new prices; only the departures were taken.</returns>
    /// <exception cref="RouterStoreException">A departure could not be written: send it again.</exception>
    [Alias("report"), ResponseTimeout("00:00:10")]
    ValueTask<ulong?> ReportAsync(CohortReport report);

    /// <summary>The E-step over this part.</summary>
    [Alias("expect"), ResponseTimeout("00:01:00")]
    ValueTask<CohortAnswer> ExpectAsync(byte[] prior, CohortPart part);

    /// <summary>
    /// How many users' evidence is missing here, since it could not be used when it was read: they come back when they are next active. If unknown, a number
    /// large enough for a cohort.
    /// </summary>
    [Alias("missing")]
    ValueTask<long> MissingAsync();

    /// <summary>See <see cref="SpeechFit.Evidence"/>, on this part's sample of the windows of users who teach.</summary>
    [Alias("speech"), ResponseTimeout("00:01:00")]
    ValueTask<double[]> SpeechAsync(byte[] prior);

    /// <summary>See <see cref="Foretold.Of"/>, on this part's sample of the windows of users held out.</summary>
    [Alias("foretell"), ResponseTimeout("00:01:00")]
    ValueTask<EvaluationAnswer> EvaluateAsync(byte[] prior);

    /// <summary>Writes what changed since it was last written; a number that changes with every report that changes anything, so that an unchanged population is not fitted again.</summary>
    [Alias("save"), ResponseTimeout("00:01:00")]
    ValueTask<long> SaveAsync();
}

/// <summary>What users of one partition taught since the last report of a silo: numbers, no text, no identity.</summary>
/// <param name="Users">Hashes.</param>
/// <param name="Evidence">Packed, one row per user; see <see cref="Cohort.Pack"/>.</param>
/// <param name="Gone">Hashes of users who no longer teach anything: erased, or all withdrawn.</param>
/// <param name="Windows">Raw windows of some of the users; null where not in the sample.</param>
/// <param name="Catalog">The version of the catalog that the evidence is measured against; 0: a silo of an earlier version, which names none.</param>
/// <param name="UsersTimes">When each of <paramref name="Users"/> was in that state; null: a silo of an earlier version, which sends no times.</param>
/// <param name="GoneTimes">The same of <paramref name="Gone"/>.</param>
[GenerateSerializer, Immutable, Alias("metarouter.cohort-report")]
internal sealed record CohortReport(
    [property: Id(0)] ulong[] Users,
    [property: Id(1)] byte[] Evidence,
    [property: Id(2)] ulong[] Gone,
    [property: Id(3)] byte[]?[] Windows,
    [property: Id(4)] ulong Catalog = 0,
    [property: Id(5)] ReportTime[]? UsersTimes = null,
    [property: Id(6)] ReportTime[]? GoneTimes = null);

/// <param name="Counts">See <see cref="Expectation"/>.</param>
/// <param name="LogEvidence">See <see cref="Expectation"/>.</param>
/// <param name="Users">See <see cref="Expectation"/>.</param>
[GenerateSerializer, Immutable, Alias("metarouter.cohort-answer")]
internal sealed record CohortAnswer([property: Id(0)] double[] Counts, [property: Id(1)] double LogEvidence, [property: Id(2)] long Users);

/// <param name="LogEvidence">See <see cref="Foretold"/>.</param>
/// <param name="Users">See <see cref="Foretold"/>.</param>
/// <param name="LastErasedAtMs">When the last user of this part who was erased was erased, Unix milliseconds; 0: nobody was within a receipt's lifetime.</param>
[GenerateSerializer, Immutable, Alias("metarouter.foretold-answer")]
internal sealed record EvaluationAnswer([property: Id(0)] double LogEvidence, [property: Id(1)] long Users, [property: Id(2)] long LastErasedAtMs);
