namespace MetaRouter.Core.Catalog;

/// <summary>A list price in US dollars per 1,000,000 tokens: finite, 0 or more. Zero means free, never "unknown".</summary>
public readonly record struct PricePerMillionTokens
{
    /// <exception cref="ArgumentOutOfRangeException">Negative, NaN or infinite.</exception>
    public PricePerMillionTokens(double usd)
    {
        if (!double.IsFinite(usd) || usd < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(usd), usd, "A price is a finite number of US dollars per million tokens, 0 or more. An unknown price must be left out, not set to 0.");
        }

        Usd = usd;
    }

    public double Usd { get; }

    /// <summary>US dollars for <paramref name="tokens"/> tokens.</summary>
    public double CostUsd(double tokens) => tokens * Usd * 1e-6;

    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"${Usd:0.####}/M");
}
