using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// Which of a snapshot's models one that it has never seen is taken to be like: its declared sibling, or the sibling's; without one, all of them by how near
/// their prices are, since dearer models are, on the whole, better.
/// </summary>
internal static class ModelKin
{
    /// <summary>Spread of the price kernel, in ln US dollars of a typical call.</summary>
    private const double PriceSpread = 0.7;

    /// <summary>Less than this share of the kernel is not worth its look-ups.</summary>
    private const double LeastWeight = 1e-4;

    /// <summary>Numbers of the snapshot's models and their weights, which sum to 1; of a model that the snapshot knows, itself.</summary>
    /// <param name="catalog">Where siblings that the snapshot does not know either are looked up; null: nowhere.</param>
    public static (int Model, double Weight)[] Of(Snapshot snapshot, ModelCatalog? catalog, ModelProfile model)
    {
        var known = snapshot.Numbers;
        var seen = new HashSet<ModelId>();
        for (var at = model; at is not null && seen.Add(at.Id);)
        {
            if (known.TryGetValue(at.Id, out var index) || (at.Sibling is { } kin && known.TryGetValue(kin, out index)))
            {
                return [(index, 1)];
            }

            at = at.Sibling is { } sibling && catalog is not null && catalog.TryFind(sibling, out var listed) ? catalog.Models[listed] : null;
        }

        var price = TypicalPrice(model);
        // Measured from the nearest, so that a model dearer or cheaper than all others is like the dearest or cheapest, not like the average.
        var distance = snapshot.Models.Select(m => 0.5 * Math.Pow((TypicalPrice(m) - price) / PriceSpread, 2)).ToArray();
        var nearest = distance.Min();
        var near = distance.Select((d, i) => (Model: i, Weight: Math.Exp(nearest - d))).Where(n => n.Weight >= LeastWeight).ToArray();
        var sum = near.Sum(n => n.Weight);
        return [.. near.Select(n => (n.Model, n.Weight / sum))];
    }

    /// <summary>ln US dollars of a call of 300 prompt and 300 completion tokens; a free model counts as a millionth of a dollar.</summary>
    private static double TypicalPrice(ModelProfile model) => Math.Log(Math.Max(1e-6, (model.InputPrice.Usd + model.OutputPrice.Usd) * 300e-6));
}
