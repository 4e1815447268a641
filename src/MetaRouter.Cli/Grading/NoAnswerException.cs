namespace MetaRouter.Cli.Grading;

/// <summary>One call brought nothing that can be used; the next may. The message says why.</summary>
/// <param name="isOutage">The endpoint could not answer, rather than would not.</param>
internal sealed class NoAnswerException(string message, bool isOutage = false, Exception? innerException = null) : Exception(message, innerException)
{
    public bool IsOutage { get; } = isOutage;
}
