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
        JudgedByPrice = catalog.Models.Where((_, i) => kin[i].IsByPrice).Select(m => m.Id).ToHashSet();
        ModelHead[] heads = [.. kin.Select(k => k.Head)];
        _predictor = new OutcomePredictor(snapshot.Projection, snapshot.Forest, catalog.Models, heads, [.. kin.Select(k => k.CountsTokens)]);
        (_usual, _mean, _onTopic) = (snapshot.Forest.Usual(heads), [.. heads.Select(h => h.TreeMean)], [.. heads.SelectMany(h => h.OnTopic)]);
        var history = PoolHistory.Of(snapshot, catalog, kin);
        IsFree = history.CostScaleUsd < LeastScaleUsd;
        CostScaleUsd = IsFree ? 1 : history.CostScaleUsd; // cost never matters then, any scale does
        var context = new ChoiceContext(CostScaleUsd, snapshot.OutcomeCorrelation);
        context = context with { CostSpread = CostSpreadFit.Fit(history.Requests, context) };
        var (values, middle) = (default(ValueTable), default(MiddleCalibration));
        Parallel.Invoke(() => values = history.PlayDial(context.CostScaleUsd), () => middle = MiddleCalibration.Fit(history.Requests, context)); // neither needs the other, and a start waits for both
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

    /// <summary>The models of which nothing is known but the price: of these the dearer is taken for the better.</summary>
    public IReadOnlySet<ModelId> JudgedByPrice { get; }

    /// <summary>tau: the mean cost in US dollars of the pool's dearest model on the calibration sample; above 0.</summary>
    public double CostScaleUsd { get; }

    /// <summary>Every model that is switched on is as good as free: tau is any figure then, and no trade-off of anybody is an amount of money.</summary>
    public bool IsFree { get; }

    /// <summary>tau as it is reported to people, in US dollars: 0 where <see cref="IsFree"/>.</summary>
    public double ReportedScaleUsd => IsFree ? 0 : CostScaleUsd;

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
    public double PredictCostUsd(string text, int? promptTokens, ModelId model, int limit, RequestEncoding scratch) =>
        PredictOne(text, promptTokens ?? float.NaN, model, limit, scratch).CostUsd;

    /// <summary>The completion tokens that a decision would expect of one model's answer to a request.</summary>
    /// <inheritdoc cref="PredictCostUsd"/>
    /// <returns>0 or more.</returns>
    public float PredictOutputTokens(string text, ModelId model, int limit, RequestEncoding scratch) => PredictOne(text, float.NaN, model, limit, scratch).OutputTokens;

    /// <summary>Whether the length of a model's answers is predicted in tokens; false: of its kin nothing but their cost was ever known, and it has no price by which that would be tokens.</summary>
    /// <exception cref="KeyNotFoundException">The catalog has no such model.</exception>
    public bool PredictsTokens(ModelId model) => _predictor.CountsTokens(Catalog.IndexOf(model));

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

    private (float CostUsd, float OutputTokens) PredictOne(string text, float promptTokens, ModelId model, int limit, RequestEncoding scratch)
    {
        var index = Catalog.IndexOf(model);
        Span<Outcome> outcomes = stackalloc Outcome[Catalog.Count];
        Span<float> outputTokens = stackalloc float[outcomes.Length];
        Span<float> projected = stackalloc float[Projected];
        Snapshot.Encoder.Encode(text, scratch);
        Predict(scratch, promptTokens, outcomes, outputTokens, projected, limit);
        return (outcomes[index].CostUsd, outputTokens[index]);
    }

    /// <summary>No two of the models were ever seen side by side: the dial over their mean outcomes.</summary>
    private static ValueTable FromMeans(ModelCatalog catalog, ModelHead[] heads, double scale)
    {
        var means = catalog.Models.Select((m, i) => (Model: m, Quality: heads[i].TreeMean)).Where(m => m.Model.Enabled).DefaultIfEmpty((Model: catalog.Models[0], Quality: heads[0].TreeMean))
            .Select(m => (m.Quality, Cost: m.Model.TypicalExpectedUsd)).ToArray();
        var picks = PreferenceGrid.Lambda.ToArray().Select(lambda => means.MaxBy(m => m.Quality - (lambda * m.Cost / scale))).ToArray();
        return new ValueTable([.. picks.Select(p => p.Quality)], [.. picks.Select(p => (float)(p.Cost / scale))]);
    }
}
