namespace MetaRouter.Client;

/// <summary>The gateway refused, or what answered is none.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="code">What exactly, as docs/api.md lists it; empty: it was no gateway that answered.</param>
/// <param name="message">Names the thing, the value and the remedy.</param>
/// <param name="retryAfter">When trying again makes sense; null: not said.</param>
public sealed class MetaRouterException(int status, string code, string message, TimeSpan? retryAfter) : Exception(message)
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    public TimeSpan? RetryAfter { get; } = retryAfter;
}
