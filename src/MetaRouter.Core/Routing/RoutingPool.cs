using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Routing;

/// <summary>
/// A snapshot applied to a catalog: predictions for exactly the models on offer at today's prices, the scale costs are measured on, and the value
/// table of that pool. Immutable; built once when either changes, in milliseconds.
/// </summary>
/// <remarks>
/// A model the snapshot has never seen is taken for its kin (<see cref="ModelKin"/>): it has their head, and their records in the value table, at its own price.
/// </remarks>
public sealed class RoutingPool
{
    /// <summary>Positions of the dial that lend each other their records: a factor of 1.5 in lambda to either side.</summary>
    private const double PositionSpread = 2;

    private readonly OutcomePredictor _predictor;
    private readonly float[] _usual; // quality on an average request, one per model

    public RoutingPool(Snapshot snapshot, ModelCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(catalog);
        (Snapshot, Catalog) = (snapshot, catalog);
        var kin = catalog.Models.Select(m => ModelKin.Of(snapshot, catalog, m)).ToArray();
        ModelHead[] heads = [.. kin.Select(snapshot.HeadOf)];
        _predictor = new OutcomePredictor(snapshot.Projection, snapshot.Forest, catalog.Models, heads);
        _usual = [.. heads.Select(h => h.TreeMean)];
        (CostScaleUsd, var spread, Values) = Calibrate(snapshot, catalog, kin, heads);
        Context = new ChoiceContext(CostScaleUsd, snapshot.OutcomeCorrelation, spread);
    }

    /// <summary>Every model of the snapshot at the prices of its training data.</summary>
    public static RoutingPool OfSnapshot(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return new RoutingPool(snapshot, new ModelCatalog(snapshot.Models));
    }

    public Snapshot Snapshot { get; }

    public ModelCatalog Catalog { get; }

    /// <summary>tau: the mean cost in US dollars of the pool's dearest model on the calibration sample; above 0.</summary>
    public double CostScaleUsd { get; }

    public ValueTable Values { get; }

    public ChoiceContext Context { get; }

    /// <summary>Length of a request's projected features.</summary>
    public int Projected => _predictor.Projected;

    /// <inheritdoc cref="OutcomePredictor.Predict"/>
    public void Predict(RequestEncoding request, float promptTokens, Span<Outcome> outcomes, Span<float> outputTokens, Span<float> projected) =>
        _predictor.Predict(request, promptTokens, outcomes, outputTokens, projected);

    /// <summary>What was predicted of a request as the choice of who answers it counts it: models stand apart only in so far as the request is familiar (<see cref="Familiarity"/>).</summary>
    /// <param name="outcomes">From <see cref="Predict"/> of the same request.</param>
    /// <param name="counted">One per model.</param>
    public void Temper(RequestEncoding request, ReadOnlySpan<Outcome> outcomes, Span<Outcome> counted)
    {
        ArgumentNullException.ThrowIfNull(request);
        Span<float> quality = stackalloc float[outcomes.Length];
        for (var k = 0; k < quality.Length; k++)
        {
            quality[k] = outcomes[k].Quality;
        }

        Familiarity.Temper(request.Familiarity, _usual, quality);
        for (var k = 0; k < quality.Length; k++)
        {
            counted[k] = outcomes[k] with { Quality = quality[k] };
        }
    }

    /// <summary>
    /// Plays the dial over the calibration sample with the catalog's models and prices. A request counts when at least two of them answered it.
    /// </summary>
    private static (double CostScale, float CostSpread, ValueTable Values) Calibrate(Snapshot snapshot, ModelCatalog catalog, (int Model, double Weight)[][] kin, ModelHead[] heads)
    {
        var sample = snapshot.Calibration;
        var at = new int[snapshot.Models.Count];
        Array.Fill(at, -1);
        var fresh = new List<int>();
        for (var i = 0; i < catalog.Count; i++)
        {
            if (catalog.Models[i].Enabled && snapshot.Numbers.TryGetValue(catalog.Models[i].Id, out var index))
            {
                at[index] = i;
            }
            else if (catalog.Models[i].Enabled)
            {
                fresh.Add(i);
            }
        }

        if (fresh.Count > 0 && fresh.Count < catalog.Models.Count(m => m.Enabled))
        {
            // Beside models that were seen, those that never were stand with their kin's cells.
            at = [.. at, .. fresh];
            for (var f = 0; f < fresh.Count; f++)
            {
                sample = sample.WithKin((ushort)(snapshot.Models.Count + f), kin[fresh[f]], 0, 1);
            }
        }

        var (spent, answers) = (new double[catalog.Count], new int[catalog.Count]);
        var cells = new List<(int Row, float Quality, float Score, double Expected, double Cost)>();
        for (var row = 0; row < sample.Rows; row++)
        {
            var first = cells.Count;
            for (var c = sample.Start[row]; c < sample.Start[row + 1]; c++)
            {
                if (at[sample.Model[c]] is var i and >= 0)
                {
                    var model = catalog.Models[i];
                    var input = model.InputPrice.CostUsd(sample.InputTokens[c]);
                    var cost = input + model.OutputPrice.CostUsd(sample.OutputTokens[c]);
                    spent[i] += cost;
                    answers[i]++;
                    cells.Add((row, sample.Quality[c], sample.Score[c], input + model.OutputPrice.CostUsd(sample.ExpectedTokens[c]), cost));
                }
            }

            if (cells.Count - first < 2)
            {
                cells.RemoveRange(first, cells.Count - first);
            }
        }

        var scale = Enumerable.Range(0, catalog.Count).Max(i => answers[i] > 0 ? spent[i] / answers[i] : 0);
        if (scale <= 0)
        {
            scale = catalog.Models.Where(m => m.Enabled).Select(m => m.InputPrice.CostUsd(300) + m.OutputPrice.CostUsd(300)).DefaultIfEmpty().Max();
        }

        scale = scale > 0 ? scale : 1; // all models are free: cost never matters, any scale does
        return (scale, CostSpread(cells), Play(cells, scale) ?? FromMeans(catalog, heads, scale));
    }

    /// <summary>The deviation of realised costs from expected ones over the expected, by mean absolute error: squares would be ruled by the few longest answers.</summary>
    private static float CostSpread(List<(int Row, float Quality, float Score, double Expected, double Cost)> cells)
    {
        var expected = cells.Sum(c => c.Expected);
        return expected > 0 ? (float)(Math.Sqrt(Math.PI / 2) * cells.Sum(c => Math.Abs(c.Cost - c.Expected)) / expected) : 0;
    }

    private static ValueTable? Play(List<(int Row, float Quality, float Score, double Expected, double Cost)> cells, double scale)
    {
        if (cells.Count == 0)
        {
            return null;
        }

        var (quality, cost) = (new float[PreferenceGrid.Length], new float[PreferenceGrid.Length]);
        Parallel.For(0, PreferenceGrid.Length, g =>
        {
            double lambda = PreferenceGrid.Lambda[g], score = 0, spent = 0;
            var rows = 0;
            for (var c = 0; c < cells.Count;)
            {
                var (best, row) = (c, cells[c].Row);
                for (; c < cells.Count && cells[c].Row == row; c++)
                {
                    best = cells[c].Quality - (lambda * cells[c].Expected / scale) > cells[best].Quality - (lambda * cells[best].Expected / scale) ? c : best;
                }

                (score, spent, rows) = (score + cells[best].Score, spent + cells[best].Cost, rows + 1);
            }

            (quality[g], cost[g]) = ((float)(score / rows), (float)(spent / rows / scale));
        });
        return new ValueTable(Smooth(quality), Smooth(cost));
    }

    /// <summary>
    /// Neighbouring positions decide nearly alike, so what sets their records apart is mostly the luck of a few rows; of 48 raw records the best is the luckiest.
    /// A Gaussian over positions leaves what is not luck.
    /// </summary>
    private static float[] Smooth(float[] record)
    {
        var smooth = new float[record.Length];
        for (var g = 0; g < record.Length; g++)
        {
            double sum = 0, weights = 0;
            for (var j = 0; j < record.Length; j++)
            {
                var distance = (g - j) / PositionSpread;
                var weight = Math.Exp(-0.5 * distance * distance);
                (sum, weights) = (sum + (weight * record[j]), weights + weight);
            }

            smooth[g] = (float)(sum / weights);
        }

        return smooth;
    }

    /// <summary>No two of the models were ever seen side by side: the dial over their mean outcomes.</summary>
    private static ValueTable FromMeans(ModelCatalog catalog, ModelHead[] heads, double scale)
    {
        var means = catalog.Models.Select((m, i) => (Model: m, Quality: heads[i].TreeMean)).Where(m => m.Model.Enabled).DefaultIfEmpty((Model: catalog.Models[0], Quality: heads[0].TreeMean))
            .Select(m => (m.Quality, Cost: m.Model.InputPrice.CostUsd(300) + m.Model.OutputPrice.CostUsd(300))).ToArray();
        var picks = PreferenceGrid.Lambda.ToArray().Select(lambda => means.MaxBy(m => m.Quality - (lambda * m.Cost / scale))).ToArray();
        return new ValueTable([.. picks.Select(p => p.Quality)], [.. picks.Select(p => (float)(p.Cost / scale))]);
    }
}
