using System.Globalization;

namespace MetaRouter.Evaluation.OffPolicy;

/// <summary>A policy to be judged by another one's log: the probability it gives each candidate of a decision.</summary>
public sealed record Policy(string Name, Action<LoggedDecision, Span<double>> Probabilities)
{
    /// <summary>The one that wrote the log.</summary>
    public static Policy Logged { get; } = new("as logged", static (d, p) =>
    {
        for (var i = 0; i < p.Length; i++)
        {
            p[i] = d.Candidates[i].Propensity;
        }
    });

    /// <summary>Never explores: the candidate of the greatest logged utility.</summary>
    public static Policy Greedy { get; } = Best("as logged, without exploring", static c => c.Utility);

    public static Policy Uniform { get; } = new("any model, all alike", static (_, p) => p.Fill(1.0 / p.Length));

    /// <summary>One model; where it was not allowed, what logging thought best.</summary>
    public static Policy Always(string model) => Best("always " + model, c => c.Model == model ? double.PositiveInfinity : c.Utility);

    /// <summary>One trade-off for everybody.</summary>
    /// <param name="costScaleUsd">tau, above 0.</param>
    public static Policy Dial(double lambda, double costScaleUsd) =>
        Best(string.Create(CultureInfo.InvariantCulture, $"lambda {lambda:0.###} for all"), c => c.Quality - (lambda * c.CostUsd / costScaleUsd));

    private static Policy Best(string name, Func<LoggedCandidate, double> worth) => new(name, (d, p) =>
    {
        var best = 0;
        for (var i = 1; i < p.Length; i++)
        {
            best = worth(d.Candidates[i]) > worth(d.Candidates[best]) ? i : best;
        }

        p.Clear();
        p[best] = 1;
    });
}
