using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>A fifth of the training rows, by a hash of the id, on which a baseline chooses its settings.</summary>
internal static class ValidationFifth
{
    // Far from the protocols' own seeds, so that a fifth is never a copy of a fold.
    private const int Salt = 0x51f7;

    public static (int[] Fit, int[] Validate) Of(IReadOnlyList<string> ids, int seed)
    {
        var (drawn, others) = Split.Draw(ids, ids.Count / 5, seed ^ Salt);
        return drawn.Length == 0 ? (others, others) : (others, drawn);
    }

    /// <summary>Of expected scores, summed over what is known.</summary>
    public static double SquaredError(float[] expected, float[] score)
    {
        var sum = 0.0;
        for (var i = 0; i < score.Length; i++)
        {
            sum += float.IsNaN(score[i]) ? 0 : (expected[i] - score[i]) * (double)(expected[i] - score[i]);
        }

        return sum;
    }
}
