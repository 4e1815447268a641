using System.Diagnostics;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Orleans.Client;

/// <summary>
/// Calls of the meta-learner. A refresh may take minutes, and one whose silo died is never answered: so while waiting, this asks the cluster every second where
/// the learner is, and once it is elsewhere makes the call again there. Every call may safely be done twice.
/// </summary>
internal sealed class LearnerCalls(IGrainFactory grains)
{
    private const int MostAttempts = 3;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>After this long without a silo that says where the learner is, the cluster counts as away.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <exception cref="StoreException">The cluster does not answer, or the learner's silo was lost again and again.</exception>
    public ValueTask<T> AskAsync<T>(Func<IMetaLearnerGrain, CancellationToken, ValueTask<T>> call, CancellationToken cancellationToken) => ClusterRouter.TranslateAsync(async () =>
    {
        var learner = grains.GetGrain<IMetaLearnerGrain>(0);
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            var home = await FindAsync(learner, null, cancellationToken).ConfigureAwait(false);
            using var abandon = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var answer = call(learner, abandon.Token).AsTask();
            var moved = FindAsync(learner, home, abandon.Token);
            var isAnswered = await Task.WhenAny(answer, moved).ConfigureAwait(false) == answer;
            await abandon.CancelAsync().ConfigureAwait(false);
            if (isAnswered)
            {
                return await answer.ConfigureAwait(false);
            }

            await moved.ConfigureAwait(false);
        }

        throw new StoreException($"The meta-learner's silo was lost {MostAttempts} times before it answered. Ask again once the cluster is stable; what it has published stays.");
    }, cancellationToken);

    /// <returns>Where the learner is, once it has moved.</returns>
    /// <exception cref="StoreException">No silo could say for too long.</exception>
    private async Task<SiloAddress> FindAsync(IMetaLearnerGrain learner, SiloAddress? before, CancellationToken cancellationToken)
    {
        var silent = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await learner.WakeAsync().AsTask().WaitAsync(Period, cancellationToken).ConfigureAwait(false);
                if (await grains.GetGrain<IManagementGrain>(0).GetActivationAddress(learner, cancellationToken).AsTask().WaitAsync(Period, cancellationToken).ConfigureAwait(false) is { } home)
                {
                    if (!home.Equals(before))
                    {
                        return home;
                    }

                    silent.Restart();
                }
            }
            catch (Exception e) when (e is TimeoutException or OrleansException)
            {
                // As until the others declare a silo dead.
            }

            if (silent.Elapsed > Patience)
            {
                throw new StoreException("The cluster does not answer: no silo says where the meta-learner is. Check that its silos and their Redis answer.");
            }

            await Task.Delay(Period, cancellationToken).ConfigureAwait(false);
        }
    }
}
