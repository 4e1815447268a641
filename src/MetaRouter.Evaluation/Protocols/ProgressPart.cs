namespace MetaRouter.Evaluation.Protocols;

/// <summary>The progress of a part, told as the whole's.</summary>
/// <param name="from">Of the whole's time, what lies before the part, 0 to 1.</param>
/// <param name="share">What the part takes of it, 0 to 1.</param>
public sealed class ProgressPart(IProgress<ProtocolProgress> whole, double from, double share) : IProgress<ProtocolProgress>
{
    public void Report(ProtocolProgress value) => whole.Report(value with { Done = from + (share * value.Done) });

    /// <summary>One of several parts that take as long as each other.</summary>
    public static ProgressPart Of(IProgress<ProtocolProgress> whole, int part, int parts) => new(whole, (double)part / parts, 1.0 / parts);
}
