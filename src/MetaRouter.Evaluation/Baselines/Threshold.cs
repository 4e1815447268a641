using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>A threshold for one share of strong calls, and what it is expected to do on that traffic.</summary>
/// <param name="Router">Whose scores it is set against.</param>
/// <param name="Value">With as few digits as have this share of the sample, five where that is enough; 1 at most.</param>
/// <param name="Share">Of the sample, at or above the threshold.</param>
/// <param name="Quality">Mean expected score at that share; NaN where the router expects none.</param>
/// <param name="CostOfStrong">Expected cost over that of the strong model alone; NaN where that is not known or 0.</param>
public sealed record Threshold(string Router, ModelId Strong, ModelId Weak, double Value, double Share, double Quality, double CostOfStrong, int Requests)
{
    /// <summary>The router that a gateway serves.</summary>
    public const string Shipped = "metarouter";

    /// <summary>No share of the strong model's cost can be told: it has none.</summary>
    public bool StrongIsFree { get; private init; }

    /// <summary>
    /// What an OpenAI client asks for, as RouteLLM names it. Null: the router does not ship. A gateway goes by the score of the one that does, whatever the name, so this threshold would
    /// send another share to the strong model there.
    /// </summary>
    public string? Alias => Router == Shipped ? $"router-{Router}-{Number}" : null;

    /// <summary>The value in full: as a client's model name carries it.</summary>
    public string Number => Value.ToString("0.#################", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>What ships, from a snapshot's predictions of the traffic; no labels are needed.</summary>
    /// <param name="strong">Null: the model of the greatest mean expected score.</param>
    /// <param name="weak">Null: the model of the least mean expected cost.</param>
    /// <exception cref="DataFileException">The snapshot does not know a model, or knows but one, or the two are one.</exception>
    public static Threshold OfSnapshot(Snapshot snapshot, IReadOnlyList<string> requests, ModelId? strong, ModelId? weak, double strongShare)
    {
        ArgumentNullException.ThrowIfNull(requests);
        var pool = RoutingPool.OfSnapshot(snapshot);
        ModelProfile[] models = [.. pool.Catalog.Models];
        if (models.Length < 2)
        {
            throw new DataFileException(
                $"The snapshot knows one model, {models[0].Id}; a threshold is between two. Train it on outcomes of two models or more, or add one with 'metarouter models add'.");
        }

        var outcomes = new Outcome[requests.Count * models.Length];
        Parallel.For(0, requests.Count, () => (Encoding: new RequestEncoding(), Tokens: new float[models.Length], Projected: new float[pool.Projected]), (i, _, scratch) =>
        {
            snapshot.Encoder.Encode(requests[i], scratch.Encoding);
            pool.Predict(scratch.Encoding, float.NaN, outcomes.AsSpan(i * models.Length, models.Length), scratch.Tokens, scratch.Projected);
            return scratch;
        }, _ => { });
        double Mean(int model, Func<Outcome, float> of) => Enumerable.Range(0, requests.Count).Average(i => (double)of(outcomes[(i * models.Length) + model]));
        int Find(ModelId id) => Enumerable.Range(0, models.Length).FirstOrDefault(m => models[m].Id == id, -1) is var at and >= 0
            ? at
            : throw new DataFileException($"The snapshot does not know the model '{id}'. It knows: {string.Join(", ", models.Select(m => m.Id))}.");

        var s = strong is { } wanted ? Find(wanted) : Enumerable.Range(0, models.Length).MaxBy(m => Mean(m, o => o.Quality));
        var w = weak is { } cheap ? Find(cheap) : Enumerable.Range(0, models.Length).Where(m => m != s).MinBy(m => Mean(m, o => o.CostUsd));
        if (s == w)
        {
            throw new DataFileException($"The strong and the weak model are both {models[s].Id}; give two.");
        }

        double[] scores = [.. Column(s).Zip(Column(w), (a, b) => Deferral.Score(a, b))];
        return Of(Shipped, SideOf(s), SideOf(w), scores, strongShare);

        Side SideOf(int model) => new(models[model].Id, [.. Column(model).Select(o => (double)o.Quality)], [.. Column(model).Select(o => (double)o.CostUsd)]);

        IEnumerable<Outcome> Column(int model) => Enumerable.Range(0, requests.Count).Select(i => outcomes[(i * models.Length) + model]);
    }

    /// <summary>A router that learns from the outcomes themselves: each fifth is scored by what the others taught.</summary>
    /// <param name="table">The weak and the strong model.</param>
    /// <exception cref="DataFileException">Too few rows.</exception>
    public static Threshold OfRouter(Func<IOutcomeModel> router, OutcomeTable table, double strongShare, int seed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(router);
        ArgumentNullException.ThrowIfNull(table);
        const int folds = 5, least = 100;
        if (table.Rows < least)
        {
            throw new DataFileException($"'{table.Name}' has {table.Rows} rows with a score and a price for both {table.Models[0]} and {table.Models[1]}; calibrating needs at least {least}.");
        }

        var (score, of) = (new double[table.Rows], Split.Folds(table.Ids, folds, seed));
        for (var fold = 0; fold < folds; fold++)
        {
            var (train, test) = Split.Fold(of, fold);
            var predicted = router().FitPredict(table.Take(train), table.Take(test), seed, cancellationToken);
            for (var i = 0; i < test.Length; i++)
            {
                score[test[i]] = predicted.WinChance(i, 2, strong: 1, weak: 0);
            }
        }

        return Of(router().Name, SideOf(1), SideOf(0), score, strongShare);

        Side SideOf(int model) => new(table.Models[model], Column(i => table.Score[(2 * i) + model]), Column(i => table.CostUsd[(2 * i) + model]));

        double[] Column(Func<int, double> cell) => [.. Enumerable.Range(0, table.Rows).Select(cell)];
    }

    /// <summary>One of the two models on the sample: its expected score and cost of each request, NaN where unknown.</summary>
    private readonly record struct Side(ModelId Model, double[] Quality, double[] CostUsd);

    private static Threshold Of(string router, in Side strong, in Side weak, double[] scores, double strongShare)
    {
        var threshold = Rounded(scores, Deferral.Calibrate(scores, strongShare).Threshold);
        var quality = Mixed(scores, threshold, strong.Quality, weak.Quality);
        var cost = Mixed(scores, threshold, strong.CostUsd, weak.CostUsd);
        var all = strong.CostUsd.Average();
        return new Threshold(router, strong.Model, weak.Model, threshold, (double)AtLeast(scores, threshold) / scores.Length, quality, all > 0 ? cost / all : double.NaN, scores.Length)
        {
            StrongIsFree = all == 0,
        };
    }

    /// <summary>Mean of the strong model's figure where the score reaches the threshold, and of the weak model's elsewhere.</summary>
    private static double Mixed(double[] scores, double threshold, double[] strong, double[] weak) => scores.Select((s, i) => s >= threshold ? strong[i] : weak[i]).Average();

    /// <summary>Scores lie close: a digit less may send all requests the other way.</summary>
    private static double Rounded(double[] scores, double threshold)
    {
        for (var digits = 5; digits <= 15; digits++)
        {
            var unit = Math.Pow(10, digits);
            foreach (var rounded in (double[])[Math.Round(threshold, digits), Math.Ceiling(threshold * unit) / unit, Math.Floor(threshold * unit) / unit])
            {
                if (rounded is >= 0 and <= 1 && AtLeast(scores, rounded) == AtLeast(scores, threshold))
                {
                    return rounded;
                }
            }
        }

        return Math.Min(threshold, 1);
    }

    private static int AtLeast(double[] scores, double threshold) => scores.Count(s => s >= threshold);
}
