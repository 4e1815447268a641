using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Users;

/// <summary>How fast users become known: what the uncertainty of their beliefs is expected to cost them, after none, one, two… of their signals.</summary>
public static class NewcomerCurve
{
    /// <param name="most">Points, the first of which is before any signal; 1 or more.</param>
    /// <returns>Mean expected regret, in utility a request, and how many users had as many signals; it ends where nobody had.</returns>
    /// <remarks>Under today's prior and models. O(users x most^2 x hypotheses).</remarks>
    public static IReadOnlyList<(double Regret, int Users)> Of(IEnumerable<UserModel> users, int most)
    {
        ArgumentNullException.ThrowIfNull(users);
        var (sums, counts) = (new double[most], new int[most]);
        foreach (var user in users)
        {
            var pool = user.Pool;
            var signals = user.State.Signals.AsSpan();
            for (var k = 0; k < most && k <= signals.Length; k++)
            {
                sums[k] += pool.Values.ExpectedRegret(PreferenceBelief.From(pool.Snapshot.Prior, pool.Context, signals[..k]));
                counts[k]++;
            }
        }

        return [.. sums.Zip(counts).TakeWhile(p => p.Second > 0).Select(p => (p.First / p.Second, p.Second))];
    }
}
