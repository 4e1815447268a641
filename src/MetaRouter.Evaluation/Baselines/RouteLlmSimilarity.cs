using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines.Learning;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// RouteLLM's similarity-weighted ranking (arXiv:2406.18665, section 4.2): for every request a Bradley-Terry model of its own over all training battles, a battle
/// weighted by gamma^(1 + S), S its request's cosine over the greatest cosine there is; gamma = 10. No training; O(n (d + K^2)) a request.
/// </summary>
/// <remarks>
/// Differs from the paper: battles are made of graded scores (<see cref="Duels"/>), cosines are of <see cref="TextVectors"/>, and for pools of more than
/// two models the strengths, less their mean, are turned into expected scores on a validation fifth; a model's cost is its mean.
/// </remarks>
public sealed class RouteLlmSimilarity : IOutcomeModel
{
    private const double Gamma = 10;
    private const int NewtonSteps = 6;

    // Of a battle's weight: one drawn battle in a few thousand, so that a model that never lost has a finite strength.
    private const double Ridge = 1e-3;

    public string Name => "routellm-sw";

    public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        var k = train.ModelCount;
        var (text, tested) = TextVectors.Read(train, test);
        var (_, cost) = ColumnMeans.Of(train);
        var (fit, validate) = ValidationFifth.Of(train.Ids, seed);
        var platt = Platt.Fit(Strengths(train, text, fit, text, validate, cancellationToken), train.Take(validate).Score, k);
        var strength = Strengths(train, text, [.. Enumerable.Range(0, train.Rows)], tested, [.. Enumerable.Range(0, test.Rows)], cancellationToken);
        return new StrengthPredictions([.. strength.Select((s, i) => platt.Of(i % k, s))], [.. strength.Select((_, i) => cost[i % k])], strength);
    }

    /// <summary>Asked rows x models; each row's strengths sum to 0.</summary>
    private static double[] Strengths(OutcomeTable train, TextVectors text, int[] known, TextVectors asked, int[] rows, CancellationToken cancellationToken)
    {
        var (k, pairs) = (train.ModelCount, Duels.Pairs(train.ModelCount));
        var (won, fought) = (new double[known.Length * pairs], new double[known.Length * pairs]);
        for (var i = 0; i < known.Length; i++)
        {
            for (var (a, p) = (1, i * pairs); a < k; a++)
            {
                for (var b = 0; b < a; b++, p++)
                {
                    var y = Duels.Won(train, known[i], a, b);
                    (won[p], fought[p]) = double.IsNaN(y) ? (0, 0) : (y, 1);
                }
            }
        }

        var everyoneFought = fought.All(f => f == 1);
        var strengths = new double[rows.Length * k];
        Parallel.For(0, rows.Length, new ParallelOptions { CancellationToken = cancellationToken }, () => new double[known.Length], (r, _, weight) =>
        {
            for (var i = 0; i < known.Length; i++)
            {
                weight[i] = TensorPrimitives.Dot(asked.Dense(rows[r]), text.Dense(known[i]));
            }

            var greatest = Math.Max(TensorPrimitives.Max<double>(weight), 1e-9);
            var (wins, battles) = (new double[pairs], new double[pairs]);
            var total = 0.0;
            for (var i = 0; i < known.Length; i++)
            {
                var w = Math.Pow(Gamma, 1 + (weight[i] / greatest));
                total += w;
                TensorPrimitives.MultiplyAdd(won.AsSpan(i * pairs, pairs), w, wins, wins);
                if (!everyoneFought)
                {
                    TensorPrimitives.MultiplyAdd(fought.AsSpan(i * pairs, pairs), w, battles, battles);
                }
            }

            if (everyoneFought)
            {
                Array.Fill(battles, total);
            }

            Solve(wins, battles, total, strengths.AsSpan(r * k, k));
            return weight;
        }, _ => { });
        return strengths;
    }

    /// <summary>Bradley-Terry strengths of greatest likelihood, by Newton's method; pairs (a, b), b below a.</summary>
    internal static void Solve(double[] wins, double[] battles, double total, Span<double> strength)
    {
        var k = strength.Length;
        strength.Clear();
        var (hessian, gradient) = (new double[k * k], new double[k]);
        for (var step = 0; step < NewtonSteps; step++)
        {
            Array.Clear(hessian);
            for (var m = 0; m < k; m++)
            {
                gradient[m] = Ridge * total * strength[m];
                hessian[(m * k) + m] = Ridge * total;
            }

            for (var (a, p) = (1, 0); a < k; a++)
            {
                for (var b = 0; b < a; b++, p++)
                {
                    var odds = Logistic.Sigmoid(strength[a] - strength[b]);
                    var (pull, curvature) = ((battles[p] * odds) - wins[p], battles[p] * odds * (1 - odds));
                    gradient[a] += pull;
                    gradient[b] -= pull;
                    hessian[(a * k) + a] += curvature;
                    hessian[(b * k) + b] += curvature;
                    hessian[(a * k) + b] -= curvature;
                }
            }

            Cholesky.Factor(hessian, k);
            Cholesky.Solve(hessian, k, gradient);
            for (var m = 0; m < k; m++)
            {
                strength[m] -= gradient[m];
            }
        }
    }
}
