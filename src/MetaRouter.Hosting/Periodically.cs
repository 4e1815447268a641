namespace MetaRouter.Hosting;

/// <summary>What a background service does again and again.</summary>
internal static class Periodically
{
    /// <summary>Does the work once per period, until the host stops; never two at once, and an exception ends it.</summary>
    /// <param name="time">Null: the system's.</param>
    /// <param name="atOnce">Also before the first is.</param>
    public static async Task DoAsync(TimeSpan period, Func<CancellationToken, Task> work, CancellationToken stoppingToken, TimeProvider? time = null, bool atOnce = false)
    {
        using var timer = new PeriodicTimer(period, time ?? TimeProvider.System);
        try
        {
            while (atOnce || await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                atOnce = false;
                await work(stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }
}
