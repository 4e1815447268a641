using System.Globalization;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.Catalog;

/// <summary>
/// Recovers list prices from what calls cost: least squares of cost on prompt and completion tokens, both prices 0 or more, over the calls whose tokens were counted.
/// Where a call of such a model has a cost but no tokens, its tokens are what that cost would buy. Where no call of a model has tokens, cost itself is the meter:
/// a nominal $1 per million units, one unit a millionth of a dollar.
/// </summary>
public static class PriceFit
{
    /// <summary>A nominal meter for costs without tokens.</summary>
    public const double NominalUsdPerMillion = 1;

    /// <summary>Whether a model's price is the nominal meter's: it then counts millionths of a dollar, not tokens.</summary>
    public static bool IsNominal(ModelProfile model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.InputPrice.Usd == 0 && model.OutputPrice.Usd == NominalUsdPerMillion;
    }

    /// <param name="promptTokens">An estimate of each row's prompt tokens, for calls without a count; empty: their cost is all completion.</param>
    /// <returns>One profile per model, in the table's order, and the prompt and completion tokens (or nominal units) of every cell, n x K, NaN where unknown.</returns>
    public static (ModelProfile[] Models, float[] InputTokens, float[] OutputTokens) Fit(OutcomeTable table, ReadOnlySpan<float> promptTokens = default)
    {
        var (k, prompt, output) = (table.ModelCount, (float[])table.InputTokens.Clone(), (float[])table.OutputTokens.Clone());
        var models = new ModelProfile[k];
        for (var model = 0; model < k; model++)
        {
            if (LeastSquares(table, model) is not var (input, completion))
            {
                models[model] = new ModelProfile(table.Models[model], new PricePerMillionTokens(0), new PricePerMillionTokens(NominalUsdPerMillion));
                for (var i = model; i < output.Length; i += k)
                {
                    output[i] = (float)(table.CostUsd[i] * 1e6 / NominalUsdPerMillion);
                }

                continue;
            }

            var profile = models[model] = new ModelProfile(table.Models[model], Price(input), Price(completion));
            for (var i = model; i < output.Length; i += k)
            {
                if (!double.IsNaN(table.CostUsd[i]) && (float.IsNaN(prompt[i]) || float.IsNaN(output[i])))
                {
                    (prompt[i], output[i]) = Worth(table.CostUsd[i], !float.IsNaN(prompt[i]) ? prompt[i] : promptTokens.IsEmpty ? 0 : promptTokens[i / k], profile);
                }
            }
        }

        return (models, prompt, output);
    }

    /// <summary>US dollars per prompt token and per completion token, each 0 or more; null: no call of the model has both tokens and a cost.</summary>
    private static (double Input, double Completion)? LeastSquares(OutcomeTable table, int model)
    {
        const double alike = 1e-9; // of the determinant: prompt and completion that always grow together cannot be told apart
        double xx = 0, xy = 0, yy = 0, xc = 0, yc = 0;
        var counted = 0;
        for (var i = model; i < table.CostUsd.Length; i += table.ModelCount)
        {
            double x = table.InputTokens[i], y = table.OutputTokens[i], c = table.CostUsd[i];
            if (!double.IsNaN(c) && !double.IsNaN(x) && !double.IsNaN(y))
            {
                counted++;
                (xx, xy, yy, xc, yc) = (xx + (x * x), xy + (x * y), yy + (y * y), xc + (x * c), yc + (y * c));
            }
        }

        if (counted == 0)
        {
            return null;
        }

        // The best fits with one price at 0, for when the best of all has a price below 0.
        var (promptAlone, completionAlone) = (xc / Math.Max(xx, 1e-9), yc / Math.Max(yy, 1e-9));
        var determinant = (xx * yy) - (xy * xy);
        if (determinant > alike * xx * yy)
        {
            var (input, completion) = (((xc * yy) - (yc * xy)) / determinant, ((yc * xx) - (xc * xy)) / determinant);
            return input < 0 ? (0, completionAlone) : completion < 0 ? (promptAlone, 0) : (input, completion);
        }

        return xx > 0 ? (xc / xx, 0) : (0, completionAlone);
    }

    /// <summary>The tokens that a cost buys: the prompt, and completion for the rest; a shorter prompt where the prompt alone would cost more.</summary>
    private static (float Input, float Output) Worth(double costUsd, float promptTokens, ModelProfile model)
    {
        var (input, completion) = (model.InputPrice.CostUsd(1), model.OutputPrice.CostUsd(1));
        return input * promptTokens > costUsd || completion <= 0
            ? ((float)(input > 0 ? costUsd / input : promptTokens), 0)
            : (promptTokens, (float)((costUsd - (input * promptTokens)) / completion));
    }

    /// <summary>List prices have few digits; what is left over is rounding in the file.</summary>
    private static PricePerMillionTokens Price(double usdPerToken) => new(Math.Min(Round(usdPerToken * 1e6), PricePerMillionTokens.MostUsd));

    private static double Round(double usd) => usd <= 0 ? 0 : double.Parse(usd.ToString("G4", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
