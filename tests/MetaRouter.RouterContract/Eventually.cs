using System.Diagnostics;

namespace MetaRouter.RouterContract;

/// <summary>Waiting for what comes about by itself.</summary>
public static class Eventually
{
    /// <summary>Looks until it is so; what a look throws counts as not yet.</summary>
    public static async Task TrueAsync(Func<Task<bool>> look, TimeSpan within)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if (await look())
                {
                    return;
                }
            }
            catch (Exception) when (watch.Elapsed < within)
            {
            }

            watch.Elapsed.ShouldBeLessThan(within, "it did not come true in time");
            await Task.Delay(100);
        }
    }

    public static Task TrueAsync(Func<bool> look, TimeSpan within) => TrueAsync(() => Task.FromResult(look()), within);
}
