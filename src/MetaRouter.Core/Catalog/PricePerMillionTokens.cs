namespace MetaRouter.Core.Catalog;

/// <summary>A list price in US dollars per 1,000,000 tokens: 0 to <see cref="MostUsd"/>. Zero means free, never "unknown".</summary>
public readonly record struct PricePerMillionTokens
{
    /// <summary>A dollar per token: a higher price mistakes the unit.</summary>
    public const double MostUsd = 1e6;

    /// <exception cref="ArgumentOutOfRangeException">Negative, above <see cref="MostUsd"/>, or NaN.</exception>
    public PricePerMillionTokens(double usd)
    {
        if (!(usd is >= 0 and <= MostUsd))
        {
            throw new ArgumentOutOfRangeException(
                nameof(usd), usd,
                "A price is a finite number of US dollars per million tokens, 0 or more and 1,000,000 at most. An unknown price must be left out, not set to 0.");
        }

        Usd = usd;
    }

    public double Usd { get; }

    /// <summary>US dollars for <paramref name="tokens"/> tokens.</summary>
    public double CostUsd(double tokens) => tokens * Usd * 1e-6;

    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"${Usd:0.##########}/M");
}
