using System.Numerics.Tensors;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// How often a replicate drew each scoring row and each user of a run, which is one split in one direction. The pool's rows are drawn once for all splits, since a row scores in several;
/// a split's users once for its two directions, which P3 and its kin share and P4 only numbers alike. Rows drawn anew for each split would pass for as many other rows, and intervals would narrow
/// with splits that bring no new data. The splits stay as they are: what training on other rows would change is not in these intervals.
/// </summary>
internal static class RunCounts
{
    // Axes of chance: the pool's rows; the users of split s have axis Users + s.
    private const int Rows = 2, Users = 1000;

    /// <param name="replicate">The number of <see cref="Bootstrap.Replicates"/> itself: the data as they are, each once.</param>
    /// <param name="run">Twice the split, and 1 more in the second direction.</param>
    /// <param name="poolRows">Of the pool's table.</param>
    /// <param name="scored">The run's scoring rows, as numbers of the pool's table.</param>
    /// <returns>How often each scoring row counts, scaled to a mean of 1, and how often each user was drawn.</returns>
    public static (float[] Rows, float[] Users) Of(Bootstrap bootstrap, int replicate, int run, int poolRows, int[] scored, int users)
    {
        if (replicate == bootstrap.Replicates)
        {
            return ([.. Enumerable.Repeat(1f, scored.Length)], [.. Enumerable.Repeat(1f, users)]);
        }

        var (pool, drawn) = (new float[poolRows], new float[users]);
        bootstrap.Counts(replicate, pool, axis: Rows);
        bootstrap.Counts(replicate, drawn, axis: Users + (run / 2));
        float[] rows = [.. scored.Select(row => pool[row])];
        if (TensorPrimitives.Sum<float>(rows) is var sum && sum > 0)
        {
            TensorPrimitives.Multiply(rows, rows.Length / sum, rows);
        }

        return (rows, drawn);
    }
}
