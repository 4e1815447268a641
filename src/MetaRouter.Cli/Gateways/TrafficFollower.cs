using MetaRouter.Client;

namespace MetaRouter.Cli.Gateways;

/// <summary>Follows a gateway's traffic for as long as somebody watches, over its restarts.</summary>
internal sealed class TrafficFollower(MetaRouterClient client, Uri address, TimeProvider clock)
{
    // An overview comes every two seconds: a silent stream is a dead one.
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(15), Pause = TimeSpan.FromSeconds(2);

    /// <param name="take">Returns false to end.</param>
    /// <param name="lost">Told why a running stream ended; it is tried again.</param>
    /// <exception cref="GatewayException">There was no gateway to begin with.</exception>
    /// <exception cref="BadInputException">The gateway refuses.</exception>
    public async Task RunAsync(int minutes, Func<TrafficEvent, Task<bool>> take, Action<string> lost, CancellationToken cancellationToken)
    {
        for (var hasRun = false; ;)
        {
            try
            {
                using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                await using var events = client.WatchAsync(minutes, ends.Token).GetAsyncEnumerator(ends.Token);
                while (true)
                {
                    ends.CancelAfter(LongestSilence);
                    if (!await events.MoveNextAsync().ConfigureAwait(false))
                    {
                        break;
                    }

                    ends.CancelAfter(Timeout.InfiniteTimeSpan);
                    hasRun = true;
                    if (!await take(events.Current).ConfigureAwait(false))
                    {
                        return;
                    }
                }

                lost($"The gateway at {GatewayOptions.Shown(address)} ended the stream; trying again.");
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && hasRun)
            {
                lost($"The gateway at {GatewayOptions.Shown(address)} is silent; trying again.");
            }
            catch (Exception e) when (hasRun && GatewayOptions.Explain(e, address) is GatewayException)
            {
                lost($"The gateway at {GatewayOptions.Shown(address)} is away; trying again.");
            }

            await Task.Delay(Pause, clock, cancellationToken).ConfigureAwait(false);
        }
    }
}
