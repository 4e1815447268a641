namespace MetaRouter.Hosting;

/// <summary>The turn of one of several callers that go one at a time; it lasts until it is disposed.</summary>
internal readonly struct Turn(SemaphoreSlim of) : IDisposable
{
    public void Dispose() => of.Release();
}

internal static class TurnExtensions
{
    /// <summary>Waits for the turn of a semaphore that lets one in.</summary>
    public static async ValueTask<Turn> TakeAsync(this SemaphoreSlim of, CancellationToken cancellationToken)
    {
        await of.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Turn(of);
    }
}
