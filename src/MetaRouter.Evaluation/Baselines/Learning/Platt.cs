using MetaRouter.Core.Numerics;

namespace MetaRouter.Evaluation.Baselines.Learning;

/// <summary>Turns strengths into probabilities: per model, score = sigmoid(a + b s), fitted by Newton's method on rows the strengths were not learned from. Source: Platt 1999.</summary>
internal sealed class Platt
{
    private const int Steps = 20;

    // Keeps a slope finite where the strengths split right from wrong without an error.
    private const double Ridge = 1e-2;

    private readonly (double Intercept, double Slope)[] _curves;

    private Platt((double, double)[] curves) => _curves = curves;

    /// <param name="strength">Rows x models.</param>
    /// <param name="score">Rows x models, 0 to 1; NaN: unknown.</param>
    public static Platt Fit(double[] strength, float[] score, int models) => new([.. Enumerable.Range(0, models).Select(m => Curve(strength, score, models, m))]);

    public float Of(int model, double strength) => (float)Logistic.Sigmoid(_curves[model].Intercept + (_curves[model].Slope * strength));

    private static (double, double) Curve(double[] strength, float[] score, int models, int model)
    {
        var (a, b) = (0.0, 0.0);
        for (var step = 0; step < Steps; step++)
        {
            var (ga, gb, haa, hab, hbb) = (0.0, Ridge * b, Ridge, 0.0, Ridge);
            for (var i = model; i < score.Length; i += models)
            {
                if (float.IsNaN(score[i]))
                {
                    continue;
                }

                var p = Logistic.Sigmoid(a + (b * strength[i]));
                var curvature = Math.Max(p * (1 - p), 1e-6);
                (ga, gb) = (ga + p - score[i], gb + ((p - score[i]) * strength[i]));
                (haa, hab, hbb) = (haa + curvature, hab + (curvature * strength[i]), hbb + (curvature * strength[i] * strength[i]));
            }

            var determinant = (haa * hbb) - (hab * hab);
            (a, b) = (a - (((hbb * ga) - (hab * gb)) / determinant), b - (((haa * gb) - (hab * ga)) / determinant));
        }

        return (a, b);
    }
}
