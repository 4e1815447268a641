using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// What feedback on a single answer is worth: the answer is judged against the median of all that the pool would have answered, which nobody saw;
/// <see cref="ChoiceModel"/> puts one middling answer in its place. How far that is off is known on the calibration sample, where everything was seen, and is corrected here.
/// </summary>
/// <remarks>
/// For each hypothesis h = (lambda, beta) the probability P_h of an answer's pleasing is mapped to
/// <code>sigmoid(a_h + b_h logit P_h)</code>
/// with a_h, b_h fitted by logistic regression on the sample, where the user of h would have been pleased with probability
/// sigmoid(beta (u - median u)) by realised outcomes; held to a = 0, b = 1 by <see cref="Held"/> imaginary answers of each. Uncorrected, users of middling lambda look hard to please
/// and a population's feedback seems to come from its ends.
/// Source: Platt 1999. Fitted at every fourth lambda, straight lines between: O(answers x hypotheses), some milliseconds.
/// </remarks>
public sealed class MiddleCalibration
{
    private const int Answers = 4000; // more only sharpen what is sharp enough: a_h to a few hundredths
    private const int Stride = 4;
    private const int Steps = 6;
    private const float Held = 20;

    private static readonly int[] Fitted = [.. Enumerable.Range(0, ChoiceModel.Hypotheses).Where(h => h / ChoiceModel.BetaCount % Stride == 0)];

    private readonly float[] _intercept = new float[ChoiceModel.Hypotheses], _slope = new float[ChoiceModel.Hypotheses];

    private MiddleCalibration()
    {
    }

    /// <param name="requests">What was predicted of each model's answer to a request, and what it turned out to be; requests with less than two answers count for nothing.</param>
    /// <param name="context">Without a correction.</param>
    /// <returns>Null: there is nothing to learn from.</returns>
    public static MiddleCalibration? Fit(IReadOnlyList<(Outcome Predicted, Outcome Realised)[]> requests, in ChoiceContext context)
    {
        ArgumentNullException.ThrowIfNull(requests);
        var used = Thinned(requests);
        var answers = used.Sum(r => r.Length);
        if (answers == 0)
        {
            return null;
        }

        var (logit, pleased) = (new float[ChoiceModel.Hypotheses][], new float[ChoiceModel.Hypotheses][]);
        foreach (var h in Fitted)
        {
            (logit[h], pleased[h]) = (new float[answers], new float[answers]);
        }

        var at = 0;
        foreach (var request in used)
        {
            Predict(request, context, logit, at);
            Judge(request, context.CostScaleUsd, pleased, at);
            at += request.Length;
        }

        var calibration = new MiddleCalibration();
        foreach (var h in Fitted)
        {
            (calibration._intercept[h], calibration._slope[h]) = Regress(logit[h], pleased[h]);
        }

        calibration.Interpolate();
        return calibration;
    }

    /// <summary>The log odds of P_h for each answer to a request.</summary>
    /// <param name="logit">Hypotheses x answers; written to for the hypotheses that are fitted.</param>
    /// <param name="at">The first answer's place.</param>
    private static void Predict((Outcome Predicted, Outcome Realised)[] request, in ChoiceContext context, float[][] logit, int at)
    {
        Span<float> probability = stackalloc float[ChoiceModel.Hypotheses];
        var middle = Outcome.Middle([.. request.Select(r => r.Predicted)]);
        for (var k = 0; k < request.Length; k++)
        {
            ChoiceModel.Likelihood(request[k].Predicted, middle, context, new(1, 0), probability, secondIsMiddle: true);
            foreach (var h in Fitted)
            {
                logit[h][at + k] = Logit(probability[h]);
            }
        }
    }

    /// <summary>sigmoid(beta (u - median u)) of each answer to a request, by what the answers turned out to be.</summary>
    /// <param name="pleased">As the log odds in <see cref="Predict"/>.</param>
    private static void Judge((Outcome Predicted, Outcome Realised)[] request, double costScaleUsd, float[][] pleased, int at)
    {
        Span<float> utility = stackalloc float[request.Length], sorted = stackalloc float[request.Length];
        for (var g = 0; g < PreferenceGrid.Length; g += Stride)
        {
            for (var k = 0; k < request.Length; k++)
            {
                sorted[k] = utility[k] = (float)Utility.Of(request[k].Realised, new Preference(PreferenceGrid.Lambda[g]), costScaleUsd);
            }

            sorted.Sort();
            var median = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
            for (var k = 0; k < request.Length; k++)
            {
                for (var b = 0; b < ChoiceModel.BetaCount; b++)
                {
                    pleased[(g * ChoiceModel.BetaCount) + b][at + k] = Logistic.Sigmoid(ChoiceModel.Betas[b] * (utility[k] - median));
                }
            }
        }
    }

    /// <param name="strength">As of <see cref="SignalSpeech"/>: a kind that speaks less sharply is off by less.</param>
    /// <param name="probability">By hypothesis; corrected in place.</param>
    internal void Correct(float strength, Span<float> probability)
    {
        var intercept = ChoiceModel.Vectors(_intercept);
        var slope = ChoiceModel.Vectors(_slope);
        var p = MemoryMarshal.Cast<float, Vector<float>>(probability);
        var (least, most) = (new Vector<float>(1e-6f), new Vector<float>(1 - 1e-6f));
        for (var v = 0; v < p.Length; v++)
        {
            var held = Vector.Min(Vector.Max(p[v], least), most);
            var odds = slope[v] * Vector.Log(held / (Vector<float>.One - held));
            p[v] = ChoiceModel.Sigmoid((intercept[v] * strength) + odds);
        }
    }

    private static (Outcome Predicted, Outcome Realised)[][] Thinned(IReadOnlyList<(Outcome Predicted, Outcome Realised)[]> requests)
    {
        var whole = requests.Where(r => r.Length >= 2).ToArray();
        var every = Math.Max(1, (whole.Sum(r => r.Length) + Answers - 1) / Answers);
        return [.. whole.Where((_, i) => i % every == 0)];
    }

    private static float Logit(float p) => MathF.Log(Math.Clamp(p, 1e-6f, 1 - 1e-6f) / (1 - Math.Clamp(p, 1e-6f, 1 - 1e-6f)));

    /// <summary>Logistic regression of one variable by Newton's steps.</summary>
    private static (float Intercept, float Slope) Regress(float[] x, float[] wanted)
    {
        var (a, b) = (0.0, 1.0);
        var (p, rest, weight) = (new float[x.Length], new float[x.Length], new float[x.Length]);
        for (var step = 0; step < Steps; step++)
        {
            TensorPrimitives.Multiply(x, (float)b, p);
            TensorPrimitives.Add(p, (float)a, p);
            TensorPrimitives.Sigmoid<float>(p, p);
            TensorPrimitives.Subtract(wanted, p, rest);
            TensorPrimitives.Multiply(p, p, weight);
            TensorPrimitives.Subtract<float>(p, weight, weight);
            double ga = TensorPrimitives.Sum<float>(rest) - (Held / 4 * a), gb = TensorPrimitives.Dot<float>(rest, x) - (Held / 4 * (b - 1));
            TensorPrimitives.Multiply(weight, x, rest);
            double haa = TensorPrimitives.Sum<float>(weight) + (Held / 4), hab = TensorPrimitives.Sum<float>(rest), hbb = TensorPrimitives.Dot<float>(rest, x) + (Held / 4);
            var determinant = (haa * hbb) - (hab * hab);
            (a, b) = (a + (((ga * hbb) - (gb * hab)) / determinant), b + (((gb * haa) - (ga * hab)) / determinant));
        }

        return ((float)a, Math.Clamp((float)b, 0.2f, 3));
    }

    private void Interpolate()
    {
        for (var g = 0; g < PreferenceGrid.Length; g++)
        {
            var low = g / Stride * Stride;
            var high = Math.Min(low + Stride, (PreferenceGrid.Length - 1) / Stride * Stride);
            var share = high > low ? (float)(g - low) / (high - low) : 0;
            for (var b = 0; b < ChoiceModel.BetaCount; b++)
            {
                var (from, to, h) = ((low * ChoiceModel.BetaCount) + b, (high * ChoiceModel.BetaCount) + b, (g * ChoiceModel.BetaCount) + b);
                _intercept[h] = _intercept[from] + (share * (_intercept[to] - _intercept[from]));
                _slope[h] = _slope[from] + (share * (_slope[to] - _slope[from]));
            }
        }
    }
}
