using MetaRouter.Core.Catalog;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// Which of a snapshot's models an unseen model is taken to be like, and where it starts from them: its declared sibling, or the sibling's sibling; without
/// one, all of them weighted by how near their prices are, since dearer models are, on the whole, better.
/// </summary>
/// <remarks>
/// A model dearer than its sibling starts better than it, by what a higher price has bought among the known models: <c>logit q + b ln(price / price of
/// the sibling)</c>, b the ridge regression of their logits on ln price. A cheaper one starts as its sibling: it may be the same model on cheaper machines.
/// Where kin, or the model itself, were metered without tokens (<see cref="PriceFit.IsNominal"/>) and the model has a price per token, a mean call of theirs
/// counts as <see cref="ModelProfile.TypicalTokens"/> tokens: else its price per token would be charged for millionths of a dollar.
/// </remarks>
/// <param name="Weights">Numbers of the snapshot's models and their weights, which sum to 1; for a model that the snapshot knows, itself alone.</param>
/// <param name="Head">The weighted mean of their heads, moved as above.</param>
/// <param name="Lift">How much better than its kin the model starts, in quality.</param>
/// <param name="Tokens">Tokens of the model for each token or unit that its kin are recorded with.</param>
internal sealed record ModelKin((int Model, double Weight)[] Weights, ModelHead Head, float Lift, float Tokens)
{
    /// <summary>True: it predicts tokens. False: it predicts units of a nominal meter, to which a completion's limit does not apply.</summary>
    public bool CountsTokens { get; private init; } = true;

    /// <summary>Nothing but its price says what the model is like: the snapshot knows neither it nor a sibling of it.</summary>
    public bool IsByPrice { get; private init; }

    /// <summary>Spread of the price kernel, in ln US dollars of a typical call.</summary>
    private const double PriceSpread = 0.7;

    /// <summary>Less than this share of the kernel is not worth its look-ups.</summary>
    private const double LeastWeight = 1e-4;

    /// <summary>Ridge of the regression on prices: so much squared ln price that says price buys nothing.</summary>
    private const double SlopeRidge = 1;

    /// <summary>The greatest distance from the kin's price that counts, in ln; beyond it a price says no more.</summary>
    private const double FarthestPrice = 3;

    /// <param name="catalog">Where siblings that the snapshot does not know either are looked up; null: nowhere.</param>
    public static ModelKin Of(Snapshot snapshot, ModelCatalog? catalog, ModelProfile model)
    {
        var sibling = Sibling(snapshot, catalog, model);
        var weights = sibling is { } declared ? [(declared, 1)] : ByPrice(snapshot, model);
        var isKnown = snapshot.Numbers.ContainsKey(model.Id);
        // For a model that the snapshot knows, an output price alone may merely be a multiple of the nominal price it was billed at.
        var isMetered = isKnown ? model.InputPrice.Usd > 0 : !PriceFit.IsNominal(model);
        var countsTokens = isMetered || !weights.Any(w => PriceFit.IsNominal(snapshot.Models[w.Model]));
        var factors = weights.Select(w => isMetered ? snapshot.TokensOfUnit(w.Model) : 1).ToArray();
        var heads = weights.Select((w, i) => factors[i] == 1 ? snapshot.Heads[w.Model] : snapshot.Heads[w.Model] with { TokenFactor = snapshot.Heads[w.Model].TokenFactor * factors[i] }).ToArray();
        var tokens = (float)weights.Select((w, i) => w.Weight * factors[i]).Sum();
        var head = heads is [var only] ? only : ModelHead.Mean(heads, [.. weights.Select(w => w.Weight)]);
        if (isKnown)
        {
            return new ModelKin(weights, head, 0, tokens) { CountsTokens = countsTokens };
        }

        var lift = sibling is { } like && isMetered && !PriceFit.IsNominal(snapshot.Models[like])
            ? Math.Max(0, Slope(snapshot)) * Math.Clamp(TypicalPrice(model) - TypicalPrice(snapshot.Models[like]), 0, FarthestPrice)
            : 0;
        var better = head with { Bias = (float)(head.Bias + lift), TreeMean = (float)Logistic.Sigmoid(Logit(head.TreeMean) + lift) };
        return new ModelKin(weights, lift > 0 ? better : head, lift > 0 ? better.TreeMean - head.TreeMean : 0, tokens) { CountsTokens = countsTokens, IsByPrice = sibling is null };
    }

    /// <summary>The mean quality that a model of the snapshot would be given from the others by their prices, had it never been graded. Needs three models at least.</summary>
    public static double OfOthers(Snapshot snapshot, int model) => ByPrice(snapshot, snapshot.Models[model], except: model).Sum(k => k.Weight * snapshot.Heads[k.Model].TreeMean);

    /// <summary>The model itself, else its sibling, or the sibling's; null: none that the snapshot knows.</summary>
    private static int? Sibling(Snapshot snapshot, ModelCatalog? catalog, ModelProfile model)
    {
        var known = snapshot.Numbers;
        var seen = new HashSet<ModelId>();
        for (var at = model; at is not null && seen.Add(at.Id);)
        {
            if (known.TryGetValue(at.Id, out var index) || (at.Sibling is { } kin && known.TryGetValue(kin, out index)))
            {
                return index;
            }

            at = at.Sibling is { } sibling && catalog is not null && catalog.TryFind(sibling, out var listed) ? catalog.Models[listed] : null;
        }

        return null;
    }

    private static (int Model, double Weight)[] ByPrice(Snapshot snapshot, ModelProfile model, int except = -1)
    {
        var price = TypicalPrice(model);
        var others = Enumerable.Range(0, snapshot.Models.Count).Where(i => i != except);
        var priced = others.Where(i => !PriceFit.IsNominal(snapshot.Models[i])).ToArray();
        priced = priced.Length > 0 ? priced : [.. others];
        // Measured from the nearest, so that a model dearer or cheaper than all others is like the dearest or cheapest, not like the average.
        var distance = priced.Select(i => 0.5 * Math.Pow((TypicalPrice(snapshot.Models[i]) - price) / PriceSpread, 2)).ToArray();
        var nearest = distance.Min();
        var near = distance.Select((d, i) => (Model: priced[i], Weight: Math.Exp(nearest - d))).Where(n => n.Weight >= LeastWeight).ToArray();
        var sum = near.Sum(n => n.Weight);
        return [.. near.Select(n => (n.Model, n.Weight / sum))];
    }

    /// <summary>What a factor e in price has bought among the snapshot's models, in logits of quality.</summary>
    private static double Slope(Snapshot snapshot)
    {
        var known = snapshot.Models.Select((m, i) => (Model: m, Head: snapshot.Heads[i]))
            .Where(k => !PriceFit.IsNominal(k.Model))
            .Select(k => (Price: TypicalPrice(k.Model), Quality: Logit(k.Head.TreeMean)))
            .ToArray();
        if (known.Length == 0)
        {
            return 0;
        }

        var (price, quality) = (known.Average(k => k.Price), known.Average(k => k.Quality));
        return known.Sum(k => (k.Price - price) * (k.Quality - quality)) / (known.Sum(k => (k.Price - price) * (k.Price - price)) + SlopeRidge);
    }

    private static double Logit(double quality) => Math.Clamp(quality, .02, .98) is var q ? Math.Log(q / (1 - q)) : 0;

    /// <summary>ln US dollars of a typical call; a free model counts as a millionth of a dollar.</summary>
    private static double TypicalPrice(ModelProfile model) => Math.Log(Math.Max(1e-6, model.TypicalCostUsd));
}
