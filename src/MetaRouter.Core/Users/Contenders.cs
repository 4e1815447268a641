using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Users;

/// <summary>
/// The models that the guardrails leave for one request, close together in the catalog's order: what a choice among them is made of. In memory that the caller
/// lends, one place per contender.
/// </summary>
/// <param name="propensity">All 0: it is written to by whoever chooses.</param>
internal readonly ref struct Contenders(Span<int> model, Span<Outcome> predicted, Span<double> utility, Span<double> propensity)
{
    private readonly Span<int> _model = model;
    private readonly Span<Outcome> _predicted = predicted;
    private readonly Span<double> _utility = utility;

    public int Count => _model.Length;

    /// <summary>What is predicted of each.</summary>
    public ReadOnlySpan<Outcome> Predicted => _predicted;

    /// <summary>What each is worth at the trade-off that decides.</summary>
    public ReadOnlySpan<double> Utility => _utility;

    /// <summary>The probability with which each is chosen.</summary>
    public Span<double> Propensity { get; } = propensity;

    /// <param name="verdicts">One per model of the catalog; as many are <see cref="ModelExclusion.None"/> as there are contenders.</param>
    /// <param name="predicted">One per model of the catalog.</param>
    /// <param name="counted">The same with the quality that this choice counts.</param>
    /// <param name="costScaleUsd">tau in US dollars, above 0.</param>
    public void Fill(ReadOnlySpan<ModelExclusion> verdicts, ReadOnlySpan<Outcome> predicted, ReadOnlySpan<Outcome> counted, in Preference preference, double costScaleUsd)
    {
        for (int k = 0, a = 0; k < verdicts.Length; k++)
        {
            if (verdicts[k] == ModelExclusion.None)
            {
                (_model[a], _predicted[a], _utility[a]) = (k, predicted[k], Routing.Utility.Of(counted[k], preference, costScaleUsd));
                a++;
            }
        }
    }

    /// <summary>Where a contender stands in the catalog.</summary>
    public int Model(int contender) => _model[contender];

    /// <param name="model">A contender, by its place in the catalog.</param>
    public double UtilityOf(int model) => _utility[_model.IndexOf(model)];

    /// <summary>No draw: this one is chosen.</summary>
    /// <param name="model">A contender, by its place in the catalog.</param>
    public void Settle(int model) => Propensity[_model.IndexOf(model)] = 1;
}
