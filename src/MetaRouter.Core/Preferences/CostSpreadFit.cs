using System.Numerics.Tensors;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// The <see cref="ChoiceContext.CostSpread"/> under which <see cref="ChoiceModel"/> predicts best what users say. A Gaussian with the errors' mean is too wide for most
/// answers: a few that ran on make up that mean, and whoever takes every cost to be so uncertain hardly listens where users speak of money.
/// </summary>
/// <remarks>
/// Where everything was seen, on the calibration sample, a user of hypothesis h = (lambda, beta) prefers the first of two answers with a probability t_h that is known; the spread s
/// is the one that maximises the expected log score
/// <code>sum over pairs and h of t_h ln P_h(s) + (1 - t_h) ln(1 - P_h(s)),</code>
/// of <see cref="Steps"/> + 1 values from 0 to the Gaussian's. O(steps x pairs x hypotheses), some ten milliseconds.
/// Source: Good 1952; Gneiting and Raftery 2007.
/// </remarks>
public static class CostSpreadFit
{
    private const int Steps = 10;
    private const int MostPairs = 2000, LeastRequests = 50;

    /// <param name="requests">What was predicted of each model's answer to a request, and what it turned out to be; at least two answers each.</param>
    /// <param name="context">Its spread is not looked at.</param>
    /// <returns>0 (costs are known) or more; of fewer than <see cref="LeastRequests"/> requests that of a Gaussian.</returns>
    public static float Fit(IReadOnlyList<(Outcome Predicted, Outcome Realised)[]> requests, ChoiceContext context)
    {
        ArgumentNullException.ThrowIfNull(requests);
        var widest = Gaussian(requests);
        if (widest <= 0 || requests.Count < LeastRequests)
        {
            return widest;
        }

        var pairs = Pairs(requests);
        var score = new double[Steps + 1];
        Parallel.For(0, score.Length, step => score[step] = LogScore(pairs, context with { CostSpread = widest * step / Steps }));
        return widest * score.IndexOf(score.Max()) / Steps;
    }

    /// <summary>The deviation of realised costs from expected ones over the expected, by mean absolute error, of which a Gaussian's deviation is sqrt(pi / 2) times.</summary>
    private static float Gaussian(IReadOnlyList<(Outcome Predicted, Outcome Realised)[]> requests)
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

    /// <summary>Of evenly thinned requests one pair each, all pairs of models in turn.</summary>
    private static ((Outcome Predicted, Outcome Realised) First, (Outcome Predicted, Outcome Realised) Second)[] Pairs(IReadOnlyList<(Outcome Predicted, Outcome Realised)[]> requests)
    {
        var every = (requests.Count + MostPairs - 1) / MostPairs;
        var pairs = new ((Outcome, Outcome), (Outcome, Outcome))[(requests.Count + every - 1) / every];
        for (var i = 0; i < pairs.Length; i++)
        {
            var request = requests[i * every];
            var first = i % request.Length;
            pairs[i] = (request[first], request[(first + 1 + (i / request.Length % (request.Length - 1))) % request.Length]);
        }

        return pairs;
    }

    private static double LogScore(((Outcome Predicted, Outcome Realised) First, (Outcome Predicted, Outcome Realised) Second)[] pairs, in ChoiceContext context)
    {
        var (seen, speech) = (context with { CostSpread = 0, Correlation = 0 }, PopulationPrior.Default.SpeechOf(FeedbackKind.Comparison));
        Span<float> said = stackalloc float[ChoiceModel.Hypotheses], predicted = stackalloc float[ChoiceModel.Hypotheses], log = stackalloc float[ChoiceModel.Hypotheses];
        var sum = 0.0;
        foreach (var (first, second) in pairs)
        {
            ChoiceModel.Likelihood(first.Realised, second.Realised, seen, speech, said);
            ChoiceModel.Likelihood(first.Predicted, second.Predicted, context, speech, predicted);
            sum += Add(said, predicted, log);

            // And of the other answer that might have been given.
            TensorPrimitives.Subtract(1, said, said);
            TensorPrimitives.Subtract(1, predicted, predicted);
            sum += Add(said, predicted, log);
        }

        return sum;

        static double Add(ReadOnlySpan<float> said, ReadOnlySpan<float> predicted, Span<float> log)
        {
            TensorPrimitives.Log(predicted, log);
            return TensorPrimitives.Dot(said, log);
        }
    }
}
