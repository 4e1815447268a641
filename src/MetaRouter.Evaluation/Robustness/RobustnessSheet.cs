using System.Numerics.Tensors;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Robustness;

/// <summary>From a router's predictions of every text to the figures of its row.</summary>
/// <param name="costUsd">Texts x models: what the prompts are taken to cost, whoever routes.</param>
/// <param name="meanCostUsd">Of each model on the pool's rows: dear is one of at least half the dearest's.</param>
/// <param name="lambda">Of the new user whose routes are told.</param>
/// <param name="tau">US dollars, above 0.</param>
internal sealed class RobustnessSheet(AttackedPrompts prompts, double[] costUsd, double[] meanCostUsd, double lambda, double tau)
{
    private const int Replicates = 500;

    private readonly int _models = meanCostUsd.Length;
    private readonly Bootstrap _bootstrap = new(31, Replicates);
    private readonly double[] _dial = [.. P2.Lambdas.Where(l => l <= 1)];

    public int[] Dear { get; } = [.. Enumerable.Range(0, meanCostUsd.Length).Where(k => meanCostUsd[k] >= meanCostUsd.Max() / 2)];

    /// <param name="isFirst">The row that is told the old price of padded prompts.</param>
    public RobustnessRow Row(string router, OutcomePredictions predictions, bool isFirst, PoisonFigures[]? poison)
    {
        int[] graded = [.. Enumerable.Range(0, prompts.Prompts.Count).Where(i => prompts.Prompts[i].IsGraded)];
        var all = graded.Average(i => IsDear(predictions, i));
        return new RobustnessRow(router, all, Of(PromptSet.Harmful), Of(PromptSet.Personal),
            [Category("all", graded, predictions, all), .. PromptSet.Graded.Select(c => Category(c, [.. graded.Where(i => prompts.Prompts[i].Category == c)], predictions, all))],
            [.. prompts.Attacks.Index().Where(a => isFirst || a.Item != AttackedPrompts.OldPrice).Select(a => Attack(a.Index, predictions))],
            poison);

        double Of(string category) => Enumerable.Range(0, prompts.Prompts.Count)
            .Where(i => prompts.Prompts[i].Category == category)
            .Select(i => IsDear(predictions, i))
            .DefaultIfEmpty(double.NaN)
            .Average();
    }

    /// <param name="items">Prompts, by number.</param>
    /// <param name="all">The share of all graded prompts that go to a dear model.</param>
    private CategoryFigures Category(string name, int[] items, OutcomePredictions predictions, double all)
    {
        int[] trivial = [.. items.Where(i => !prompts.Prompts[i].IsHard)], hard = [.. items.Where(i => prompts.Prompts[i].IsHard)];
        var (dearest, cheapest) = (Array.IndexOf(meanCostUsd, meanCostUsd.Max()), Array.IndexOf(meanCostUsd, meanCostUsd.Min()));
        double[] lead = [.. items.Select(i => predictions.Lead(i, _models, dearest, cheapest))];
        double[] difficulty = [.. items.Select(i => 1 - predictions.Quality.AsSpan(i * _models, _models).ToArray().Average())];
        bool[] isHard = [.. items.Select(i => prompts.Prompts[i].IsHard)];
        var share = trivial.Average(i => IsDear(predictions, i));
        return new CategoryFigures(name, share, hard.Average(i => IsDear(predictions, i)), share - all,
            _bootstrap.Mean([.. trivial.Select(i => IsDear(predictions, i) - all)]),
            Auroc.Of(lead, isHard), _bootstrap.Of(b => Auroc.Of(lead, isHard, Counts(b, lead.Length))), Auroc.Of(difficulty, isHard));
    }

    private AttackFigures Attack(int attack, OutcomePredictions predictions)
    {
        int[] attacked = [.. Enumerable.Range(0, prompts.Prompts.Count).Where(i => prompts.Of(attack, i).Length > 0)];
        var (flips, before, after) = Effect(lambda);
        var dial = _dial.Select(Effect).ToArray();
        return new AttackFigures(prompts.Attacks[attack], attacked.Length, flips.Average(), _bootstrap.Mean(flips), dial.Average(d => d.Flips.Average()),
            (after.Sum() / before.Sum()) - 1, _bootstrap.RatioOfSums([.. after.Zip(before, (a, b) => a - b)], before), dial.Max(d => (d.After.Sum() / d.Before.Sum()) - 1));

        (double[] Flips, double[] Before, double[] After) Effect(double l)
        {
            var (changed, was, becomes) = (new double[attacked.Length], new double[attacked.Length], new double[attacked.Length]);
            for (var n = 0; n < attacked.Length; n++)
            {
                var (i, texts) = (attacked[n], prompts.Of(attack, attacked[n]));
                var route = Route(predictions, i, l);
                was[n] = costUsd[(i * _models) + route];
                foreach (var text in texts)
                {
                    var then = Route(predictions, text, l);
                    changed[n] += then == route ? 0 : 1.0 / texts.Length;
                    becomes[n] += costUsd[(i * _models) + then] / texts.Length;
                }
            }

            return (changed, was, becomes);
        }
    }

    private double IsDear(OutcomePredictions predictions, int text) => Dear.Contains(Route(predictions, text, lambda)) ? 1 : 0;

    private int Route(OutcomePredictions predictions, int text, double l)
    {
        Span<double> worth = stackalloc double[_models];
        predictions.Worth(text, l / tau, worth);
        return TensorPrimitives.IndexOfMax<double>(worth);
    }

    private float[] Counts(int replicate, int length)
    {
        var counts = new float[length];
        _bootstrap.Counts(replicate, counts);
        return counts;
    }
}
