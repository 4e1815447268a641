using System.Numerics.Tensors;
using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// What a replicate drew of one run of users over scoring rows. The pool's rows are drawn once for all splits, since a row scores in several; a split's users once for its two directions,
/// which share them. Rows drawn anew for each split would pass for as many other rows, and intervals would narrow with splits that bring no new data.
/// </summary>
internal static class UserReplicate
{
    /// <param name="poolRows">Of the pool's table.</param>
    /// <param name="scored">The run's scoring rows, as numbers of the pool's table.</param>
    /// <returns>How often each scoring row counts, scaled to a mean of 1, and how often each user was drawn.</returns>
    public static (float[] Rows, float[] Users) Draw(Bootstrap bootstrap, int replicate, int poolRows, int[] scored, int split, int users)
    {
        var (pool, drawn) = (new float[poolRows], new float[users]);
        bootstrap.Counts(replicate, pool, axis: 2);
        bootstrap.Counts(replicate, drawn, axis: 1000 + split);
        float[] rows = [.. scored.Select(row => pool[row])];
        if (TensorPrimitives.Sum<float>(rows) is var sum && sum > 0)
        {
            TensorPrimitives.Multiply(rows, rows.Length / sum, rows);
        }

        return (rows, drawn);
    }
}
