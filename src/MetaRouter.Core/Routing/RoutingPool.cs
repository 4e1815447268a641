using System.Numerics.Tensors;
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
/// A model the snapshot has never seen is taken for its kin (<see cref="ModelKin"/>): it has their head, and their records in the value table, moved by what
/// its price says, at its own price.
/// </remarks>
public sealed class RoutingPool
{
    /// <summary>Of costs below this a float, and what is computed of it, keeps nothing.</summary>
    private const double LeastScaleUsd = 1e-15;

    private readonly OutcomePredictor _predictor;
    private readonly QualityUncertainty _uncertainty;
    private readonly float[] _usual; // quality on an average request, one per model
    private readonly float[] _mean, _onTopic; // mean quality, one per model, and models x topics: beyond that

    public RoutingPool(Snapshot snapshot, ModelCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(catalog);
        (Snapshot, Catalog) = (snapshot, catalog);
        var kin = catalog.Models.Select(m => ModelKin.Of(snapshot, catalog, m)).ToArray();
        ModelHead[] heads = [.. kin.Select(k => k.Head)];
        _predictor = new OutcomePredictor(snapshot.Projection, snapshot.Forest, catalog.Models, heads, [.. kin.Select(k => k.CountsTokens)]);
        (_usual, _mean, _onTopic) = (snapshot.Forest.Usual(heads), [.. heads.Select(h => h.TreeMean)], [.. heads.SelectMany(h => h.OnTopic)]);
        var (scale, requests) = Recall(snapshot, catalog, kin);
        IsFree = scale < LeastScaleUsd;
        CostScaleUsd = IsFree ? 1 : scale; // cost never matters then, any scale does
        var context = new ChoiceContext(CostScaleUsd, snapshot.OutcomeCorrelation, CostSpread(requests));
        var (values, middle) = (default(ValueTable), default(MiddleCalibration));
        Parallel.Invoke(() => values = Play(requests, context.CostScaleUsd), () => middle = MiddleCalibration.Fit(requests, context)); // neither needs the other, and a start waits for both
        Values = values ?? FromMeans(catalog, heads, CostScaleUsd);
        _uncertainty = snapshot.Uncertainty;
        Context = context with { Middle = middle };
    }

    /// <summary>Every model of the snapshot at the prices of its training data.</summary>
    public static RoutingPool OfSnapshot(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return new RoutingPool(snapshot, new ModelCatalog(snapshot.Models));
    }

    /// <summary>The same models for users of another prior; predictions and records stay.</summary>
    public RoutingPool With(PopulationPrior prior)
    {
        var other = (RoutingPool)MemberwiseClone();
        other.Snapshot = Snapshot.WithPrior(prior);
        return other;
    }

    public Snapshot Snapshot { get; private set; }

    public ModelCatalog Catalog { get; }

    /// <summary>tau: the mean cost in US dollars of the pool's dearest model on the calibration sample; above 0.</summary>
    public double CostScaleUsd { get; }

    /// <summary>Every model that is switched on is as good as free: tau is any figure then, and no trade-off of anybody is an amount of money.</summary>
    public bool IsFree { get; }

    /// <summary>tau as people are told it, in US dollars: 0 where <see cref="IsFree"/>.</summary>
    public double ToldScaleUsd => IsFree ? 0 : CostScaleUsd;

    public ValueTable Values { get; }

    public ChoiceContext Context { get; }

    /// <summary>Length of a request's projected features.</summary>
    public int Projected => _predictor.Projected;

    /// <inheritdoc cref="OutcomePredictor.Predict"/>
    public void Predict(RequestEncoding request, float promptTokens, Span<Outcome> outcomes, Span<float> outputTokens, Span<float> projected, int limit = 0) =>
        _predictor.Predict(request, promptTokens, outcomes, outputTokens, projected, limit);

    /// <summary>What one model's answer to a request is expected to cost, as a decision would expect it.</summary>
    /// <param name="promptTokens">Where they are known; null: estimated from the text.</param>
    /// <param name="model">One of the catalog's.</param>
    /// <param name="limit">The most tokens that the completion may have; 0: it has no limit.</param>
    /// <param name="scratch">For one thread at a time.</param>
    /// <returns>US dollars, 0 or more.</returns>
    /// <exception cref="KeyNotFoundException">The catalog has no such model.</exception>
    public double PredictCostUsd(string text, int? promptTokens, ModelId model, int limit, RequestEncoding scratch)
    {
        var index = Catalog.IndexOf(model);
        Span<Outcome> outcomes = stackalloc Outcome[Catalog.Count];
        Span<float> outputTokens = stackalloc float[outcomes.Length];
        Span<float> projected = stackalloc float[Projected];
        Snapshot.Encoder.Encode(text, scratch);
        Predict(scratch, promptTokens ?? float.NaN, outcomes, outputTokens, projected, limit);
        return outcomes[index].CostUsd;
    }

    /// <summary>The topics of a belief that the snapshot still knows, by code.</summary>
    public IEnumerable<(TopicGroup Topic, TopicBelief Belief)> TopicsOf(PreferenceBelief belief)
    {
        ArgumentNullException.ThrowIfNull(belief);
        return from known in belief.Topics
               let topic = Snapshot.Encoder.Topics.Groups.Find(known.Code)
               where topic is not null
               orderby known.Code
               select (topic, known);
    }

    /// <summary>How sure a predicted quality is: one standard deviation of the expected quality, 0 to 0.5. No decision needs it.</summary>
    public float QualityDeviation(in RankedModel candidate) => _uncertainty.Deviation(candidate.Predicted.Quality, Snapshot.Numbers.ContainsKey(candidate.Model));

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

        if (_onTopic.Length == 0)
        {
            Familiarity.Temper(request.Familiarity, _usual, _usual, 1, quality);
        }
        else
        {
            Span<float> onTopic = stackalloc float[quality.Length];
            var topics = _onTopic.Length / quality.Length;
            var about = request.Features.Slice(PromptEncoder.Described, topics);
            for (var k = 0; k < onTopic.Length; k++)
            {
                onTopic[k] = _mean[k] + TensorPrimitives.Dot(_onTopic.AsSpan(k * topics, topics), about);
            }

            Familiarity.Temper(request.Familiarity, _usual, onTopic, Familiarity.Detail, quality);
        }

        for (var k = 0; k < quality.Length; k++)
        {
            counted[k] = outcomes[k] with { Quality = quality[k] };
        }
    }

    /// <summary>
    /// The calibration sample with the catalog's models and prices: by request what was predicted of each model's answer and what it was. A request counts when at least two of them answered it.
    /// </summary>
    private static (double CostScale, List<(Outcome Predicted, Outcome Realised)[]> Requests) Recall(Snapshot snapshot, ModelCatalog catalog, ModelKin[] kin)
    {
        var sample = snapshot.Calibration;
        var at = new int[snapshot.Models.Count];
        Array.Fill(at, -1);
        var tokens = new float[catalog.Count]; // of the model's own, for each that its cells are recorded with
        Array.Fill(tokens, 1);
        var fresh = new List<int>();
        for (var i = 0; i < catalog.Count; i++)
        {
            if (catalog.Models[i].Enabled && snapshot.Numbers.TryGetValue(catalog.Models[i].Id, out var index))
            {
                (at[index], tokens[i]) = (i, kin[i].Tokens);
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
                sample = sample.WithKin((ushort)(snapshot.Models.Count + f), kin[fresh[f]].Weights, kin[fresh[f]].Lift, kin[fresh[f]].Tokens);
            }
        }

        var (spent, answers) = (new double[catalog.Count], new int[catalog.Count]);
        var (requests, cells) = (new List<(Outcome, Outcome)[]>(), new List<(Outcome, Outcome)>());
        for (var row = 0; row < sample.Rows; row++)
        {
            cells.Clear();
            for (var c = sample.Start[row]; c < sample.Start[row + 1]; c++)
            {
                if (at[sample.Model[c]] is var i and >= 0)
                {
                    var model = catalog.Models[i];
                    var input = model.InputPrice.CostUsd(sample.InputTokens[c]);
                    var cost = input + model.OutputPrice.CostUsd(sample.OutputTokens[c] * tokens[i]);
                    spent[i] += cost;
                    answers[i]++;
                    cells.Add((new(sample.Quality[c], (float)(input + model.OutputPrice.CostUsd(sample.ExpectedTokens[c] * tokens[i])), 0), new(sample.Score[c], (float)cost, 0)));
                }
            }

            if (cells.Count >= 2)
            {
                requests.Add([.. cells]);
            }
        }

        var scale = Enumerable.Range(0, catalog.Count).Max(i => answers[i] > 0 ? spent[i] / answers[i] : 0);
        if (scale <= 0)
        {
            // Where calls that were metered without tokens cost nothing, the meter's price is nobody's.
            scale = catalog.Models.Where((m, i) => m.Enabled && !(answers[i] > 0 && PriceFit.IsNominal(m))).Select(m => m.TypicalCostUsd).DefaultIfEmpty().Max();
        }

        return (scale, requests);
    }

    /// <summary>The deviation of realised costs from expected ones over the expected, by mean absolute error: squares would be ruled by the few longest answers.</summary>
    private static float CostSpread(List<(Outcome Predicted, Outcome Realised)[]> requests)
    {
        var (expected, error) = (0.0, 0.0);
        foreach (var request in requests)
        {
            // One sum in another is bound by the compiler for every pair of Sum's overloads.
            expected += request.Sum(c => (double)c.Predicted.CostUsd);
            error += request.Sum(c => Math.Abs((double)c.Realised.CostUsd - c.Predicted.CostUsd));
        }

        return expected > 0 ? (float)(Math.Sqrt(Math.PI / 2) * error / expected) : 0;
    }

    /// <summary>Plays the dial over the sample.</summary>
    private static ValueTable? Play(List<(Outcome Predicted, Outcome Realised)[]> requests, double scale)
    {
        if (requests.Count == 0)
        {
            return null;
        }

        var (quality, cost) = (new DialRecord(), new DialRecord());
        Span<float> expected = stackalloc float[PreferenceGrid.Length];
        Span<float> score = stackalloc float[PreferenceGrid.Length];
        Span<float> price = stackalloc float[PreferenceGrid.Length];
        Span<float> spent = stackalloc float[PreferenceGrid.Length];
        foreach (var request in requests)
        {
            for (var g = 0; g < PreferenceGrid.Length; g++)
            {
                var best = Best(request, new Preference(PreferenceGrid.Lambda[g]), scale);
                (expected[g], score[g], price[g], spent[g]) = (best.Predicted.Quality, best.Realised.Quality, (float)(best.Predicted.CostUsd / scale), (float)(best.Realised.CostUsd / scale));
            }

            quality.Add(expected, score);
            cost.Add(price, spent);
        }

        return new ValueTable(quality.Estimate(), cost.Estimate());
    }

    private static (Outcome Predicted, Outcome Realised) Best((Outcome Predicted, Outcome Realised)[] request, in Preference preference, double scale)
    {
        var (best, most) = (0, double.NegativeInfinity);
        for (var c = 0; c < request.Length; c++)
        {
            var utility = Utility.Of(request[c].Predicted, preference, scale);
            (best, most) = utility > most ? (c, utility) : (best, most);
        }

        return request[best];
    }

    /// <summary>No two of the models were ever seen side by side: the dial over their mean outcomes.</summary>
    private static ValueTable FromMeans(ModelCatalog catalog, ModelHead[] heads, double scale)
    {
        var means = catalog.Models.Select((m, i) => (Model: m, Quality: heads[i].TreeMean)).Where(m => m.Model.Enabled).DefaultIfEmpty((Model: catalog.Models[0], Quality: heads[0].TreeMean))
            .Select(m => (m.Quality, Cost: m.Model.TypicalCostUsd)).ToArray();
        var picks = PreferenceGrid.Lambda.ToArray().Select(lambda => means.MaxBy(m => m.Quality - (lambda * m.Cost / scale))).ToArray();
        return new ValueTable([.. picks.Select(p => p.Quality)], [.. picks.Select(p => (float)(p.Cost / scale))]);
    }
}
