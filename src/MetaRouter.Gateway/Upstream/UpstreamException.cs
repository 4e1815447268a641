using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Upstream;

/// <summary>One attempt failed.</summary>
/// <param name="error">What the caller is told if no other attempt succeeds.</param>
/// <param name="reason">What the log is told.</param>
internal sealed class UpstreamException(ApiException error, string reason) : Exception(reason)
{
    public ApiException Error { get; } = error;

    /// <summary>The answer had begun, so no other may take its place.</summary>
    public bool HasBegun { get; init; }

    /// <summary>The upstream had the prompt and did not refuse it, so it may have been at work: as it was whose answer had begun.</summary>
    public bool WasAtWork { get => field || HasBegun; init; }

    public TimeSpan? RetryAfter { get; init; }
}
