namespace MetaRouter.Core.Preferences;

/// <summary>
/// How users mind waiting: a share of them gives up quality for every second saved, at a price of their own, ln price normal around ln <paramref name="Price"/>
/// with a deviation of 1; the others wait as long as it takes. Share 0: nobody minds.
/// </summary>
/// <param name="Share">Of users who mind, 0 to 1.</param>
/// <param name="Price">The middle price of those who mind, quality a second, 0.001 to 0.2: at 0.01 they wait a second for one more right answer in 100.</param>
public readonly record struct LatencySpread(double Share, double Price)
{
    public const double LowestPrice = 0.001, HighestPrice = 0.2;

    /// <summary>Nobody minds waiting: beliefs and decisions are those of quality and cost, to the last bit.</summary>
    public static LatencySpread None => default;

    /// <summary>
    /// Before a population has been observed, a guess: one user in five minds. It weighs what users say; nobody is charged for seconds by it alone.
    /// </summary>
    public static LatencySpread Guessed { get; } = new(0.2, 0.01);

    public bool IsNone => !(Share > 0);

    public bool IsValid => IsNone ? Share == 0 : Share <= 1 && Price is >= LowestPrice and <= HighestPrice;
}
