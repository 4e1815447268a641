using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// How likely a user who trades at lambda and judges with sharpness beta is to prefer the first of two answers:
/// Bradley-Terry with a lapse, <c>P = (1 - e) sigmoid(beta (u_1 - u_2)) + e / 2</c>, averaged over the outcomes the router cannot see.
/// </summary>
/// <remarks>
/// The user judged answers that were right or wrong; the router knows only how probable each was. Plugging in the expected quality makes every
/// choice look like one between lukewarm answers and biases lambda, so the likelihood is summed over right and wrong of both, with the correlation rho
/// that two models' outcomes on one request have beyond what is predicted:
/// P(both right) = q1 q2 + rho sqrt(q1 (1 - q1) q2 (1 - q2)). Three quality differences remain (-1, 0, 1), so one signal costs
/// 3 sigmoids for each of the lambda x beta hypotheses. Nor is the cost seen: an answer may turn out longer than predicted. A cost that is off by a
/// Gaussian of deviation s flattens the curve, <c>E[sigmoid(m + s z)] = sigmoid(m / sqrt(1 + pi s^2 / 8))</c> nearly.
/// Sources: Bradley and Terry 1952; lapse, Wichmann and Hill 2001; the probit approximation, MacKay 1992.
/// </remarks>
public static class ChoiceModel
{
    /// <summary>The sharpnesses a user may have; which is likely is part of the prior.</summary>
    public static ReadOnlySpan<float> Betas => [4f, 10f, 25f];

    public const int BetaCount = 3;

    /// <summary>lambda x beta, beta fastest.</summary>
    public const int Hypotheses = PreferenceGrid.Length * BetaCount;

    private static readonly float[] InverseScale = Tabulate((lambda, beta) => beta / (1 + lambda));
    private static readonly float[] CostSlope = Tabulate((lambda, beta) => -beta * lambda / (1 + lambda));

    /// <summary>P(first preferred) under each hypothesis.</summary>
    /// <param name="speech">How sharply this kind of feedback speaks, relative to a comparison, above 0; and the share of it given without looking.</param>
    /// <param name="probability">Length <see cref="Hypotheses"/>.</param>
    /// <param name="secondIsMiddle">
    /// The second is the middle of the pool, which feedback on a single answer is measured against: as good as the median answer turns out to be, right when
    /// most models are right. Most are right, or wrong, more surely than any one of them; what that leaves out, <see cref="ChoiceContext.Middle"/> makes up for.
    /// </param>
    public static void Likelihood(in Outcome first, in Outcome second, in ChoiceContext context, SignalSpeech speech, Span<float> probability, bool secondIsMiddle = false)
    {
        var (costScaleUsd, strength, correlation) = (context.CostScaleUsd, (float)speech.Strength, context.Correlation);
        var costDifference = (float)((first.CostUsd - second.CostUsd) / costScaleUsd);
        var deviation = context.CostSpread * strength * MathF.Sqrt((first.CostUsd * first.CostUsd) + (secondIsMiddle ? 0 : second.CostUsd * second.CostUsd)) / (float)costScaleUsd;
        var waiting = (float)(context.SecondPrice * first.SecondsBeyond(second));
        var (q1, q2) = (first.Quality, second.Quality);
        q2 = secondIsMiddle ? MostRight(q2) : q2;
        var both = (q1 * q2) + (correlation * MathF.Sqrt(q1 * (1 - q1) * q2 * (1 - q2)));
        both = MathF.Min(both, MathF.Min(q1, q2));
        var (onlyFirst, onlySecond, lapse) = (q1 - both, q2 - both, (float)speech.Lapse);

        // In one pass over the hypotheses, vector by vector: the sum over right and wrong needs all of it at once, and memory only for what comes out.
        var (perCost, perSecond, flat) = (strength * costDifference, -strength * waiting, deviation * MathF.Sqrt(MathF.PI / 8));
        var costSlope = Vectors(CostSlope);
        var inverseScale = Vectors(InverseScale);
        var sum = MemoryMarshal.Cast<float, Vector<float>>(probability);
        for (var v = 0; v < costSlope.Length; v++)
        {
            var shift = costSlope[v] * perCost;
            if (waiting != 0)
            {
                shift = (inverseScale[v] * perSecond) + shift;
            }

            // What is left of each hypothesis' sharpness when the cost's share in the utility has this deviation.
            var (slope, spread) = (Vector<float>.One, costSlope[v] * flat);
            if (deviation > 0)
            {
                slope /= Vector.SquareRoot((spread * spread) + Vector<float>.One);
            }

            (shift, slope) = (shift * slope, slope * inverseScale[v]);
            var p = Sigmoid(shift) * (1 - onlyFirst - onlySecond);
            p = (Sigmoid((slope * strength) + shift) * onlyFirst) + p;
            p = (Sigmoid((slope * -strength) + shift) * onlySecond) + p;
            sum[v] = p;
        }

        if (secondIsMiddle)
        {
            context.Middle?.Correct(strength, probability);
        }

        TensorPrimitives.Multiply(probability, 1 - lapse, probability);
        TensorPrimitives.Add(probability, lapse / 2, probability);
    }

    /// <summary>How probable it is that most models are right when the median model is with probability q: twice its log odds.</summary>
    private static float MostRight(float q)
    {
        var (right, wrong) = (q * q, (1 - q) * (1 - q));
        return right / (right + wrong);
    }

    /// <summary>Whole vectors: the number of hypotheses is a multiple of any vector's length.</summary>
    internal static ReadOnlySpan<Vector<float>> Vectors(float[] byHypothesis) => MemoryMarshal.Cast<float, Vector<float>>(byHypothesis.AsSpan());

    internal static Vector<float> Sigmoid(Vector<float> x) => Vector<float>.One / (Vector<float>.One + Vector.Exp(-x));

    private static float[] Tabulate(Func<float, float, float> value)
    {
        var table = new float[Hypotheses];
        for (var i = 0; i < table.Length; i++)
        {
            table[i] = value(PreferenceGrid.Lambda[i / BetaCount], Betas[i % BetaCount]);
        }

        return table;
    }
}
