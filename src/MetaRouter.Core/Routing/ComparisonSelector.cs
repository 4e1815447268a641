using System.Numerics.Tensors;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Routing;

/// <summary>A pair of models worth showing side by side.</summary>
/// <param name="First">Index in the catalog.</param>
/// <param name="Second">Index in the catalog.</param>
/// <param name="Gain">Expected rise, per later request, of the realised utility from knowing the answer; 0 or more.</param>
/// <param name="Score">What pairs are ranked by.</param>
public readonly record struct ComparisonChoice(int First, int Second, double Gain, double Score);

/// <summary>
/// Which two models to show when a user may be asked: the pair whose answer is expected to raise the value of what is served afterwards the most
/// (the expected value of sample information), not the two best and not the most uncertain.
/// </summary>
/// <remarks>
/// With w the cost share lambda / (1 + lambda), utilities are linear in w, so the value of a belief is F(E[w]), F the convex upper envelope of the
/// dial's record. An answer moves E[w]; the gain is E[F(E[w | answer])] - F(E[w]), two look-ups a pair once the likelihood is known.
/// F is flat where no position changes, so the spread of E[w | answer] is added with a small weight to rank pairs that change no act yet.
/// O(pairs x hypotheses), the pairs of at most <see cref="MostModels"/>: those that come nearest to being the best for somebody, since one far from it for everyone is worth neither
/// offering nor learning about. Source: Raiffa and Schlaifer 1961; Houlsby et al. 2011 for the entropy criterion that this replaces.
/// </remarks>
public sealed class ComparisonSelector
{
    /// <summary>Of the variance of E[w | answer], beside the gain in value.</summary>
    public const double SpreadWeight = 0.1;

    /// <summary>Every pair of this many models is weighed: 496 at most.</summary>
    public const int MostModels = 32;

    private readonly PreferenceBelief _belief;
    private readonly RoutingPool _pool;
    private readonly double _value;

    public ComparisonSelector(PreferenceBelief belief, RoutingPool pool)
    {
        ArgumentNullException.ThrowIfNull(belief);
        ArgumentNullException.ThrowIfNull(pool);
        (_belief, _pool) = (belief, pool);
        _value = pool.Values.BestValue(belief.CostShare);
    }

    private ChoiceContext Context => _pool.Context with { SecondPrice = _belief.Latency.Price };

    /// <summary>The best pair on one request.</summary>
    /// <param name="outcomes">Predicted, one per model of the catalog.</param>
    /// <param name="allowed">Which models may answer; empty: all.</param>
    /// <param name="mostCostUsd">US dollars that both answers together may be predicted to cost.</param>
    /// <returns>Null when no two models may answer.</returns>
    public ComparisonChoice? Select(ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<bool> allowed = default, double mostCostUsd = double.PositiveInfinity)
    {
        ComparisonChoice? best = null;
        Span<int> models = stackalloc int[outcomes.Length];
        models = models[..Shortlist(outcomes, allowed, mostCostUsd, models)];
        Span<float> likelihood = stackalloc float[ChoiceModel.Hypotheses];
        Span<float> weighted = stackalloc float[ChoiceModel.Hypotheses];
        Weigh(weighted);
        var (context, comparison) = (Context, _pool.Snapshot.Prior.SpeechOf(FeedbackKind.Comparison));
        for (var i = 1; i < models.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var (a, b) = (models[i], models[j]);
                if ((double)outcomes[a].CostUsd + outcomes[b].CostUsd > mostCostUsd)
                {
                    continue;
                }

                ChoiceModel.Likelihood(outcomes[a], outcomes[b], context, comparison, likelihood);
                var choice = Judge(a, b, likelihood, weighted);
                best = best is null || choice.Score > best.Value.Score ? choice : best;
            }
        }

        return best;
    }

    /// <summary>What a thumb on each model's single answer is expected to teach, in the unit of <see cref="ComparisonChoice.Score"/>: utility per later request.</summary>
    /// <param name="outcomes">Predicted, of the models that may answer.</param>
    /// <param name="taught">One per model; 0 or more.</param>
    public void Teach(ReadOnlySpan<Outcome> outcomes, Span<double> taught)
    {
        Span<float> likelihood = stackalloc float[ChoiceModel.Hypotheses];
        Span<float> weighted = stackalloc float[ChoiceModel.Hypotheses];
        Weigh(weighted);
        var (middle, context, thumb) = (Outcome.Middle(outcomes), Context, _pool.Snapshot.Prior.SpeechOf(FeedbackKind.Thumb));
        for (var k = 0; k < outcomes.Length; k++)
        {
            ChoiceModel.Likelihood(outcomes[k], middle, context, thumb, likelihood, secondIsMiddle: true);
            taught[k] = Math.Max(0, Judge(k, k, likelihood, weighted).Score);
        }
    }

    /// <summary>
    /// The models whose pairs are weighed, ascending: all that may answer and can be paid for beside the cheapest, or of more than <see cref="MostModels"/> the
    /// cheapest and those that fall least short of the best at some position of the dial.
    /// </summary>
    /// <param name="models">One place per model; written to from its beginning.</param>
    /// <returns>How many.</returns>
    private int Shortlist(ReadOnlySpan<Outcome> outcomes, ReadOnlySpan<bool> allowed, double mostCostUsd, Span<int> models)
    {
        var cheapest = -1;
        for (var k = 0; k < outcomes.Length; k++)
        {
            cheapest = (allowed.IsEmpty || allowed[k]) && (cheapest < 0 || outcomes[k].CostUsd < outcomes[cheapest].CostUsd) ? k : cheapest;
        }

        // What costs too much beside the cheapest costs too much beside any.
        var count = 0;
        for (var k = 0; k < outcomes.Length; k++)
        {
            if ((allowed.IsEmpty || allowed[k]) && !((double)outcomes[k].CostUsd + outcomes[cheapest].CostUsd > mostCostUsd))
            {
                models[count++] = k;
            }
        }

        if (count <= MostModels)
        {
            return count;
        }

        models = models[..count];
        Span<double> shortfall = stackalloc double[count];
        shortfall.Fill(double.PositiveInfinity);
        foreach (var lambda in PreferenceGrid.Lambda)
        {
            var (preference, best) = (new Preference(lambda), double.NegativeInfinity);
            foreach (var k in models)
            {
                best = Math.Max(best, Utility.Of(outcomes[k], preference, _pool.CostScaleUsd));
            }

            for (var i = 0; i < models.Length; i++)
            {
                shortfall[i] = models[i] == cheapest ? -1 : Math.Min(shortfall[i], best - Utility.Of(outcomes[models[i]], preference, _pool.CostScaleUsd));
            }
        }

        shortfall.Sort(models);
        models[..MostModels].Sort();
        return MostModels;
    }

    /// <summary>The belief, each hypothesis times its cost share.</summary>
    private void Weigh(Span<float> weighted)
    {
        var joint = _belief.Joint;
        for (var h = 0; h < weighted.Length; h++)
        {
            weighted[h] = joint[h] * PreferenceGrid.CostShare[h / ChoiceModel.BetaCount];
        }
    }

    private ComparisonChoice Judge(int a, int b, ReadOnlySpan<float> likelihood, ReadOnlySpan<float> weighted)
    {
        double first = TensorPrimitives.Dot(_belief.Joint, likelihood);
        double share = TensorPrimitives.Dot(weighted, likelihood);
        var (ifFirst, ifSecond) = (share / first, (_belief.CostShare - share) / (1 - first));
        var gain = (first * _pool.Values.BestValue(ifFirst)) + ((1 - first) * _pool.Values.BestValue(ifSecond)) - _value;
        var spread = first * (1 - first) * (ifFirst - ifSecond) * (ifFirst - ifSecond);
        return new ComparisonChoice(a, b, Math.Max(gain, 0), gain + (SpreadWeight * spread));
    }
}
