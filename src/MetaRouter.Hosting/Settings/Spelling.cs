namespace MetaRouter.Hosting.Settings;

/// <summary>The name that a misspelt one probably stands for.</summary>
internal static class Spelling
{
    /// <returns>The nearest, whatever its case, within two slips, or within one for a name shorter than six letters, where two would be too much; null: none is near.</returns>
    public static string? Nearest(string written, IEnumerable<string> names) =>
        names.Select(name => (Name: name, Distance: EditDistance(written.ToUpperInvariant(), name.ToUpperInvariant())))
            .Where(n => n.Distance <= (n.Name.Length < 6 ? 1 : 2))
            .OrderBy(n => n.Distance)
            .Select(n => n.Name)
            .FirstOrDefault();

    /// <summary>
    /// Letters to add, leave out or change, and neighbours to swap, no letter touched twice; O(a b). Source: optimal string alignment, Damerau 1964 by Wagner and Fischer's rows, of
    /// which a swap needs the last but one.
    /// </summary>
    public static int EditDistance(string a, string b)
    {
        var (above, last, row) = (new int[b.Length + 1], new int[b.Length + 1], Enumerable.Range(0, b.Length + 1).ToArray());
        for (var i = 1; i <= a.Length; i++)
        {
            (above, last, row) = (last, row, above);
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(Math.Min(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    row[j] = Math.Min(row[j], above[j - 2] + 1);
                }
            }
        }

        return row[b.Length];
    }
}
