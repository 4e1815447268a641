using Microsoft.Extensions.Configuration.Json;

namespace MetaRouter.Gateway.Configuration;

/// <summary>
/// Sections of a settings file that nobody reads and whose names are nearly those of sections that are read: <c>"Upstream"</c> would leave the gateway without upstreams, and its answers
/// simulated. Names that are like no other are left alone, since a host brings sections of its own; so are environment variables, which are everybody's.
/// </summary>
internal static class StrangeSections
{
    /// <returns>What is written, and what was probably meant.</returns>
    public static IEnumerable<(string Written, string Meant)> Of(IConfigurationRoot configuration) =>
        from written in configuration.Providers.OfType<JsonConfigurationProvider>().SelectMany(p => p.GetChildKeys([], null)).Distinct(StringComparer.OrdinalIgnoreCase)
        where !Arguments.Known.Contains(written, StringComparer.OrdinalIgnoreCase)
        let near = Arguments.Known.Select(name => (Name: name, Slips: Slips(written.ToUpperInvariant(), name.ToUpperInvariant()))).MinBy(n => n.Slips)
        where near.Slips <= (near.Name.Length < 6 ? 1 : 2) // two letters of a short name are half of it
        select (written, near.Name);

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
