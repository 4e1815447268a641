namespace MetaRouter.Cli;

/// <summary>Figures as people read them.</summary>
internal static class Readable
{
    public static string Count(long count, string of) => Invariant($"{count:n0} {of}{(count == 1 ? "" : "s")}");

    /// <summary>"-" where it is not known.</summary>
    public static string Milliseconds(double? ms) => ms switch
    {
        null => "-",
        < 9_950 and >= 1_000 => Invariant($"{ms / 1000:0.0} s"),
        >= 1_000 => Invariant($"{ms / 1000:n0} s"),
        >= 10 => Invariant($"{ms:0} ms"),
        _ => Invariant($"{ms:0.0} ms"),
    };

    public static string Age(double seconds) => seconds switch
    {
        < 90 => Invariant($"{seconds:0} s"),
        < 90 * 60 => Invariant($"{seconds / 60:0} min"),
        < 36 * 3600 => Invariant($"{seconds / 3600:0} h"),
        _ => Invariant($"{seconds / 86_400:0} days"),
    };

    public static string Rate(double perSecond) => perSecond switch
    {
        >= 100 => Invariant($"{perSecond:n0}"),
        >= 10 => Invariant($"{perSecond:0.0}"),
        _ => Invariant($"{perSecond:0.00}"),
    };

    /// <summary>One character per column, each for the sum of the values that fall to it; the highest sum fills its character.</summary>
    public static string Bars(IReadOnlyList<double> values, int columns, bool ascii)
    {
        var levels = ascii ? " .:-=+*#@" : " ▁▂▃▄▅▆▇█";
        var sums = new double[Math.Min(columns, values.Count)];
        for (var i = 0; i < values.Count; i++)
        {
            sums[(int)((long)i * sums.Length / values.Count)] += values[i];
        }

        var most = sums.DefaultIfEmpty().Max();
        return string.Concat(sums.Select(s => levels[most > 0 ? Math.Max(0, (int)Math.Ceiling((s / most * (levels.Length - 1)) - 0.25)) : 0]));
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
