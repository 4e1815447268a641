namespace MetaRouter.Hosting;

/// <summary>What a background service does again and again.</summary>
internal static class Periodically
{
    /// <summary>Does it each time that a period is over, until the host stops; one at a time, and what fails ends it.</summary>
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
