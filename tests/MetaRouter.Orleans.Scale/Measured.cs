namespace MetaRouter.Orleans.Scale;

/// <summary>Everything the arithmetic starts from. CPU is processor time, which other work on the machine does not lengthen much; wall clocks say so.</summary>
internal sealed record Measured
{
    /// <summary>By length of the prompt in characters: bytes of a request and of a decision as Orleans serializes them.</summary>
    public required IReadOnlyList<(int Characters, int Request, int Decision)> Sizes { get; init; }

    public required IReadOnlyList<ClusterRun> Runs { get; init; }

    public required IReadOnlyList<StoredUser> Stored { get; init; }

    public required RedisWork Redis { get; init; }

    public required Learning Learner { get; init; }
}

/// <param name="Silos">How many.</param>
/// <param name="Messages">Messages between machines a decision, were each silo and the client one.</param>
/// <param name="Forwarded">Of those, between silos.</param>
/// <param name="ForwardedOfOwn">The same for users whose first decision was this client's.</param>
/// <param name="Bytes">Of all of them, headers included.</param>
/// <param name="CpuSeconds">Processor time a decision, of the client and all silos together.</param>
internal sealed record ClusterRun(int Silos, double Messages, double Forwarded, double ForwardedOfOwn, double Bytes, double CpuSeconds);

/// <param name="Signals">In the user's window.</param>
/// <param name="Record">Bytes of the state record.</param>
/// <param name="Redis">Bytes of Redis' memory, key and etag included.</param>
/// <param name="Log">Bytes of Redis' append-only file that one write takes.</param>
internal sealed record StoredUser(int Signals, int Record, double Redis, double Log);

/// <param name="WriteCpuSeconds">Of Redis' main thread, for one etag-checked write through Orleans' provider.</param>
/// <param name="ReadCpuSeconds">For one read.</param>
internal sealed record RedisWork(double WriteCpuSeconds, double ReadCpuSeconds);

/// <param name="EvidenceBytes">Packed evidence of a user.</param>
/// <param name="RowBytes">A user in a partition's record.</param>
/// <param name="MemoryBytes">A user in a partition's memory.</param>
/// <param name="ExpectCpuSeconds">The E-step, a user.</param>
/// <param name="AnswerBytes">A partition's answer to one E-step, at the least.</param>
/// <param name="PriorBytes">A prior as it crosses.</param>
/// <param name="HistoryBytes">What a silo reads each time it looks for a newer prior, with a full history.</param>
/// <param name="Partitions">Of the refresh that was run.</param>
/// <param name="Users">Whose evidence it used.</param>
/// <param name="Steps">EM steps it took.</param>
/// <param name="Seconds">From its first question to its end, saving the partitions included; wall clock.</param>
/// <param name="OwnSeconds">The singleton's own part of it.</param>
internal sealed record Learning(
    int EvidenceBytes, int RowBytes, double MemoryBytes, double ExpectCpuSeconds, int AnswerBytes, int PriorBytes, int HistoryBytes, int Partitions, long Users, int Steps, double Seconds, double OwnSeconds);
