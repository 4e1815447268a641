namespace MetaRouter.Cli.Grading;

/// <summary>What may be spent. Each call has the most that it can cost set aside before it is made, so the limit holds whatever answers cost.</summary>
/// <param name="limitUsd">Infinite: there is no limit.</param>
internal sealed class Purse(double limitUsd)
{
    private readonly Lock _gate = new();
    private double _heldUsd;
    private int _calls;
    private TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public double SpentUsd { get; private set; }

    /// <summary>Calls were made of which nobody knows what they cost.</summary>
    public bool IsPartly { get; private set; }

    public bool IsLimited => double.IsFinite(limitUsd);

    /// <summary>Waits for calls in hand, which may turn out to cost less.</summary>
    /// <returns>False: with nothing in hand there is no room left.</returns>
    public async ValueTask<bool> HoldAsync(double mostUsd, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task settled;
            lock (_gate)
            {
                if (SpentUsd + _heldUsd + mostUsd <= limitUsd)
                {
                    (_heldUsd, _calls) = (_heldUsd + mostUsd, _calls + 1);
                    return true;
                }

                if (_calls == 0)
                {
                    return false;
                }

                settled = _settled.Task;
            }

            await settled.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <param name="heldUsd">As it was set aside.</param>
    /// <param name="spentUsd">NaN: not known, and so as much as was set aside.</param>
    public void Settle(double heldUsd, double spentUsd)
    {
        lock (_gate)
        {
            _calls--;
            _heldUsd = _calls == 0 ? 0 : _heldUsd - heldUsd; // sums of fractions leave crumbs
            SpentUsd += double.IsNaN(spentUsd) ? heldUsd : spentUsd;
            IsPartly |= double.IsNaN(spentUsd);
            _settled.SetResult();
            _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
