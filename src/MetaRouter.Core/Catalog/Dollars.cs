using System.Globalization;

namespace MetaRouter.Core.Catalog;

/// <summary>Sums of US dollars as people read them.</summary>
public static class Dollars
{
    /// <summary>At least two significant digits however small, cents from a dollar on, whole dollars from 100 on.</summary>
    public static string Text(double usd) => usd switch
    {
        < 0 => "-" + Text(-usd),
        0 => "$0",
        >= 99.995 => FormattableString.Invariant($"${usd:n0}"),
        _ => "$" + usd.ToString("F" + Decimals(usd).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
    };

    /// <summary>How many decimals show two significant digits.</summary>
    /// <returns>2 to 15.</returns>
    public static int Decimals(double usd) => usd is > 0 and < 1 ? Math.Clamp(1 - (int)Math.Floor(Math.Log10(usd)), 2, 15) : 2;
}
