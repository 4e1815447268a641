namespace MetaRouter.Evaluation.Baselines;

/// <summary>What a router expects of each request; row-major n x K like the outcome table's matrices. Routers that are no predictors derive from it and say how they choose.</summary>
/// <param name="Quality">Expected score; 0 to 1 where the model keeps to it, finite always.</param>
/// <param name="CostUsd">Expected US dollars of the call, 0 or more.</param>
public record OutcomePredictions(float[] Quality, double[] CostUsd)
{
    /// <summary>The quality that the choice of who answers counts, where that is another than the expected one; n x K.</summary>
    public float[] Counted { get; init; } = Quality;

    /// <summary>False where <see cref="Quality"/> says how much a router leans to a model and nothing of its score: such a router has no reliability to measure.</summary>
    public virtual bool ClaimsQuality => true;

    /// <summary>What serving each model on a request is worth; the greatest is served, of equals the one expected to be cheaper.</summary>
    /// <param name="price">Quality a US dollar must buy: lambda / tau, 0 or more.</param>
    /// <param name="worth">One per model.</param>
    public virtual void Worth(int row, double price, Span<double> worth)
    {
        for (var (m, at) = (0, row * worth.Length); m < worth.Length; m++, at++)
        {
            worth[m] = Counted[at] - (price * CostUsd[at]);
        }
    }

    /// <summary>How much is expected of model <paramref name="strong"/> over <paramref name="weak"/>: what a deferral threshold is set against. Only its order matters.</summary>
    /// <param name="models">K.</param>
    public virtual double Lead(int row, int models, int strong, int weak) => Quality[(row * models) + strong] - Quality[(row * models) + weak];

    /// <summary><see cref="Lead"/> as the chance that the strong model's answer is the better one, equals counting half.</summary>
    public virtual double WinChance(int row, int models, int strong, int weak) => .5 + (Lead(row, models, strong, weak) / 2);
}
