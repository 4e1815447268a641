namespace MetaRouter.Evaluation.Protocols;

/// <summary>Runs a protocol's independent fits on all cores. Each writes only its own slot, so the result does not depend on the order.</summary>
internal static class ProtocolJobs
{
    /// <param name="count">Jobs 0 to this - 1.</param>
    /// <param name="share">The part of the protocol's time that these jobs take, for the progress.</param>
    public static void Run(int count, double share, Func<int, string> job, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken)
    {
        var (done, gate) = (0, new Lock());
        try
        {
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
            {
                var label = job(i);
                lock (gate)
                {
                    progress?.Report(new ProtocolProgress(share * ++done / count, label));
                }
            });
        }
        catch (AggregateException e) when (e.Flatten().InnerExceptions is [var first, ..])
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }
    }
}
