using MetaRouter.Evaluation.Metrics;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>How often a replicate drew each scoring row and each user of a run, which is one split in one direction. A split's two directions share its users; rows of different runs are drawn apart.</summary>
internal static class RunCounts
{
    // Axes of chance: rows of the runs from the first on, users of the splits from the second.
    private const int Rows = 2, Users = 1000;

    /// <param name="replicate">The number of <see cref="Bootstrap.Replicates"/> itself: the data as they are, each once.</param>
    /// <param name="run">Twice the split, and 1 more in the second direction.</param>
    public static (float[] Rows, float[] Users) Of(Bootstrap bootstrap, int replicate, int run, int rows, int users)
    {
        var counts = (Rows: new float[rows], Users: new float[users]);
        if (replicate == bootstrap.Replicates)
        {
            Array.Fill(counts.Rows, 1);
            Array.Fill(counts.Users, 1);
        }
        else
        {
            bootstrap.Counts(replicate, counts.Rows, axis: Rows + run);
            bootstrap.Counts(replicate, counts.Users, axis: Users + (run / 2));
        }

        return counts;
    }
}
