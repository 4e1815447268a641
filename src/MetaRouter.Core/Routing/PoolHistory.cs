using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.Routing;

/// <summary>What a snapshot's calibration sample tells of a catalog's models at their prices: of each request what was predicted of every model's answer, and what it was.</summary>
/// <param name="CostScaleUsd">The mean cost in US dollars of the dearest model; 0 where all are free.</param>
/// <param name="Requests">Those that at least two of the models answered.</param>
internal sealed record PoolHistory(double CostScaleUsd, IReadOnlyList<(Outcome Predicted, Outcome Realised)[]> Requests)
{
    /// <param name="kin">Of each of the catalog's models.</param>
    public static PoolHistory Of(Snapshot snapshot, ModelCatalog catalog, ModelKin[] kin)
    {
        var (sample, listed) = Sample(snapshot, catalog, kin);
        var (spent, answers) = (new double[catalog.Count], new int[catalog.Count]);
        var (requests, cells) = (new List<(Outcome, Outcome)[]>(), new List<(Outcome, Outcome)>());
        for (var row = 0; row < sample.Rows; row++)
        {
            cells.Clear();
            for (var c = sample.Start[row]; c < sample.Start[row + 1]; c++)
            {
                if (listed[sample.Model[c]] is not (var i and >= 0, var tokens))
                {
                    continue;
                }

                var model = catalog.Models[i];
                tokens *= (float)model.OutputScale;
                var input = model.InputPrice.CostUsd(sample.InputTokens[c]);
                var cost = input + model.OutputPrice.CostUsd(sample.OutputTokens[c] * tokens);
                spent[i] += cost;
                answers[i]++;
                cells.Add((new(sample.Quality[c], (float)(input + model.OutputPrice.CostUsd(sample.ExpectedTokens[c] * tokens)), 0), new(sample.Score[c], (float)cost, 0)));
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
            scale = catalog.Models.Where((m, i) => m.Enabled && !(answers[i] > 0 && PriceFit.IsNominal(m))).Select(m => m.TypicalExpectedUsd).DefaultIfEmpty().Max();
        }

        return new PoolHistory(scale, requests);
    }

    /// <summary>What every position of the dial would have earned on these requests; null: there are none.</summary>
    /// <remarks>
    /// The predictions are played as they are, where a decision draws them together (<see cref="Prediction.Familiarity"/>): playing them drawn together earned no more.
    /// </remarks>
    /// <param name="costScaleUsd">tau in US dollars, above 0.</param>
    public ValueTable? PlayDial(double costScaleUsd)
    {
        if (Requests.Count == 0)
        {
            return null;
        }

        var (quality, cost) = (new DialRecord(), new DialRecord());
        Span<float> expected = stackalloc float[PreferenceGrid.Length];
        Span<float> score = stackalloc float[PreferenceGrid.Length];
        Span<float> price = stackalloc float[PreferenceGrid.Length];
        Span<float> spent = stackalloc float[PreferenceGrid.Length];
        foreach (var request in Requests)
        {
            for (var g = 0; g < PreferenceGrid.Length; g++)
            {
                var best = Best(request, new Preference(PreferenceGrid.Lambda[g]), costScaleUsd);
                (expected[g], score[g], price[g], spent[g]) =
                    (best.Predicted.Quality, best.Realised.Quality, (float)(best.Predicted.CostUsd / costScaleUsd), (float)(best.Realised.CostUsd / costScaleUsd));
            }

            quality.Add(expected, score);
            cost.Add(price, spent);
        }

        return new ValueTable(quality.Estimate(), cost.Estimate());
    }

    /// <summary>
    /// The sample with a column for each of the catalog's models that may be served; and by the sample's model number where the catalog lists it (-1: nowhere),
    /// and its own tokens for each that its cells are recorded with.
    /// </summary>
    private static (CalibrationSample Sample, (int Index, float Tokens)[] Listed) Sample(Snapshot snapshot, ModelCatalog catalog, ModelKin[] kin)
    {
        var listed = new (int Index, float Tokens)[snapshot.Models.Count];
        Array.Fill(listed, (-1, 1));
        var fresh = new List<int>();
        foreach (var (i, model) in catalog.Models.Index())
        {
            if (model.Enabled && snapshot.Numbers.TryGetValue(model.Id, out var number))
            {
                listed[number] = (i, kin[i].Tokens);
            }
            else if (model.Enabled)
            {
                fresh.Add(i);
            }
        }

        var sample = snapshot.Calibration;
        if (fresh.Count == 0 || fresh.Count == catalog.Models.Count(m => m.Enabled))
        {
            return (sample, listed);
        }

        // Beside models that were seen, those that never were stand with their kin's cells.
        foreach (var (f, i) in fresh.Index())
        {
            sample = sample.WithKin((ushort)(snapshot.Models.Count + f), kin[i].Weights, kin[i].Lift, kin[i].Tokens);
        }

        return (sample, [.. listed, .. fresh.Select(i => (i, 1f))]);
    }

    private static (Outcome Predicted, Outcome Realised) Best((Outcome Predicted, Outcome Realised)[] request, in Preference preference, double costScaleUsd)
    {
        var (best, most) = (0, double.NegativeInfinity);
        for (var c = 0; c < request.Length; c++)
        {
            var utility = Utility.Of(request[c].Predicted, preference, costScaleUsd);
            (best, most) = utility > most ? (c, utility) : (best, most);
        }

        return request[best];
    }
}
