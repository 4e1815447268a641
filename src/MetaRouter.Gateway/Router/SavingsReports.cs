namespace MetaRouter.Gateway.Router;

/// <summary>
/// Limits how often reports are made: each reads the whole decision log. A caller that asks while one is being made waits for it, and one that took long is given again
/// for ten times as long as it took, so that a tenant's reports take a tenth of a core's time at most. With a small log that is no time at all.
/// </summary>
internal sealed class SavingsReports(TimeProvider time)
{
    private const int Rest = 10;

    private readonly Lock _gate = new();

    /// <summary>Tenants come from the configured keys, so there are no more of them than keys.</summary>
    private readonly Dictionary<string, Made> _of = [];

    /// <param name="make">Not cancelled with its first caller: others may be waiting.</param>
    public Task<SavingsReport> GetAsync(string tenant, Func<Task<SavingsReport>> make, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (!_of.TryGetValue(tenant, out var made) || made.IsOver(time))
            {
                _of[tenant] = made = new Made();
                made.Report = MakeAsync(made, make);
            }

            return made.Report.WaitAsync(cancellationToken);
        }
    }

    private async Task<SavingsReport> MakeAsync(Made made, Func<Task<SavingsReport>> make)
    {
        await Task.Yield(); // the log is opened and read outside the lock
        var started = time.GetTimestamp();
        var report = await make().ConfigureAwait(false);
        var now = time.GetTimestamp();
        made.Until = now + ((now - started) * Rest);
        return report;
    }

    private sealed class Made
    {
        public Task<SavingsReport> Report { get; set; } = null!;

        /// <summary>Timestamp until which it is given again; set before the report is there.</summary>
        public long Until { get; set; }

        public bool IsOver(TimeProvider time) => Report.IsCompleted && (!Report.IsCompletedSuccessfully || time.GetTimestamp() >= Until);
    }
}
