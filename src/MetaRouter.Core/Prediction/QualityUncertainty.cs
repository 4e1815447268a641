using MetaRouter.Core.MetaLearning;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// How far the quality that a model can really give a request lies from the one predicted: a standard deviation of the expected quality, not of a single
/// answer, which adds luck.
/// </summary>
/// <remarks>
/// <code>
/// E p = q,  Var p = phi q (1 - q) + apart^2
/// phi = sum e_k e_l / sum sqrt(q_k (1 - q_k) q_l (1 - q_l))  over all pairs of models on one request,  e = score - q
/// </code>
/// Given p the answers of two models are independent; what the predictor missed about a request is missed for both, so it is what their residuals have in
/// common. Predictions here are cross-fitted, so phi holds the error of too few rows as well as what no feature shows. What is missed about one model alone does not
/// show, so a deviation is a little small. <c>apart</c> is 0 for graded models; for others it is how far off kin would have been about the graded ones.
/// Fitting O(cells of the calibration sample + models^2), once for a snapshot; a value is a square root.
/// Source: Williams, "Extra-binomial variation in logistic linear models", Applied Statistics 31, 1982 (model II, by moments over pairs).
/// </remarks>
internal sealed class QualityUncertainty
{
    /// <summary>Where fewer than three models were graded, nothing tells how far another may lie from them.</summary>
    private const double TypicalApart = 0.15;

    private readonly double _missed; // phi
    private readonly double _apart;  // squared

    private QualityUncertainty(double missed, double apart) => (_missed, _apart) = (missed, apart);

    public static QualityUncertainty Of(Snapshot snapshot) => new(Missed(snapshot), Apart(snapshot));

    /// <param name="quality">As predicted, 0 to 1.</param>
    /// <param name="isGraded">Answers of this very model were graded.</param>
    /// <returns>0 to 0.5.</returns>
    public float Deviation(float quality, bool isGraded) => (float)Math.Min(0.5, Math.Sqrt((_missed * quality * (1 - quality)) + (isGraded ? 0 : _apart)));

    private static double Missed(Snapshot snapshot)
    {
        var sample = snapshot.Calibration;
        var (shared, possible) = (0.0, 0.0);
        for (var row = 0; row < sample.Rows; row++)
        {
            double sum = 0, squares = 0, deviations = 0, variances = 0;
            for (var c = sample.Start[row]; c < sample.Start[row + 1]; c++)
            {
                double quality = sample.Quality[c], error = sample.Score[c] - quality, variance = quality * (1 - quality);
                (sum, squares, deviations, variances) = (sum + error, squares + (error * error), deviations + Math.Sqrt(variance), variances + variance);
            }

            // Over all pairs: what the square of a sum holds beyond the sum of squares.
            (shared, possible) = (shared + (sum * sum) - squares, possible + (deviations * deviations) - variances);
        }

        return possible > 0 ? Math.Clamp(shared / possible, 0, 1) : snapshot.OutcomeCorrelation;
    }

    private static double Apart(Snapshot snapshot)
    {
        if (snapshot.Models.Count < 3)
        {
            return TypicalApart * TypicalApart;
        }

        return Enumerable.Range(0, snapshot.Models.Count).Average(i => Math.Pow(ModelKin.OfOthers(snapshot, i) - snapshot.Heads[i].TreeMean, 2));
    }
}
