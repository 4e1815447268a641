using System.Diagnostics;

namespace MetaRouter.Hosting;

/// <summary>
/// A circuit breaker: whether the store is worth asking. A store that failed is asked again a moment later, by one request at a time: a hanging store would
/// otherwise hold up all. Safe for concurrent use.
/// </summary>
internal sealed class StoreCircuit
{
    /// <summary>How soon a store that failed is asked again, and how long an unanswered question then keeps the others from asking, in seconds.</summary>
    private const double AskAgain = 0.25, AwaitAnswer = 4;

    private long _until; // a timestamp; 0: it is there

    /// <summary>Whether this request may ask.</summary>
    /// <param name="retryAt">When it was to be asked again, a timestamp; for <see cref="Abandoned"/>.</param>
    public bool MayAsk(out long retryAt)
    {
        retryAt = Interlocked.Read(ref _until);
        return retryAt == 0 || (Stopwatch.GetTimestamp() >= retryAt && Interlocked.CompareExchange(ref _until, In(AwaitAnswer), retryAt) == retryAt);
    }

    public void Answered() => Interlocked.Exchange(ref _until, 0);

    public void Failed() => Interlocked.Exchange(ref _until, In(AskAgain));

    /// <summary>Whoever asked went away before the store could answer: the next may ask at once.</summary>
    public void Abandoned(long retryAt)
    {
        if (retryAt != 0)
        {
            Interlocked.Exchange(ref _until, retryAt);
        }
    }

    private static long In(double seconds) => Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
}
