namespace MetaRouter.Hosting.Settings;

/// <summary>The name that a misspelt one probably stands for.</summary>
internal static class Spelling
{
    /// <returns>The nearest, whatever its case, within two letters, or one of a name shorter than six, of which two would be a good part; null: none is near.</returns>
    public static string? Nearest(string written, IEnumerable<string> names) =>
        names.Select(name => (Name: name, Slips: Slips(written.ToUpperInvariant(), name.ToUpperInvariant()))).Where(n => n.Slips <= (n.Name.Length < 6 ? 1 : 2)).OrderBy(n => n.Slips).Select(n => n.Name).FirstOrDefault();

    /// <summary>Letters to add, leave out or change; O(a b). Source: Levenshtein 1966, by Wagner and Fischer's rows.</summary>
    private static int Slips(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
            }
        }

        return row[b.Length];
    }
}
