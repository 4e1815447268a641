using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// Where the rows of a table come from, told by which models answered them: rows that nearly the same models answered are one source. A table joined of several
/// benchmarks falls apart into these; one whose models were all asked everything, or drawn in pairs by lot, is one.
/// </summary>
/// <remarks>
/// Sets of models join the source they share most with, by intersection over union with the set that began it, the largest sets first; small sources, and those whose
/// rows have little in common, are given up to the others. O(n K + distinct sets x sources x K). Deterministic, whatever the order of the rows.
/// </remarks>
/// <param name="Of">The source of each row.</param>
/// <param name="Count">How many there are: 1 at least.</param>
public sealed record RowSources(IReadOnlyList<int> Of, int Count)
{
    /// <summary>Sets that share less are of different sources.</summary>
    private const double Alike = .25;

    /// <summary>The rows of a source share at least this much, on average, with the set that began it; where models were drawn by lot they do not.</summary>
    private const double Coherent = .5;

    /// <summary>A forest of fewer rows is not worth a gate.</summary>
    private const int LeastRows = 500;

    /// <summary>The sources of some of the rows, in the order given.</summary>
    public RowSources Take(IReadOnlyList<int> rows) => new([.. rows.Select(row => Of[row])], Count);

    /// <param name="score">n x K, NaN where not observed.</param>
    public static RowSources Find(ReadOnlySpan<float> score, int models)
    {
        var (sets, of) = Answered(score, models);
        var rows = new int[sets.Count];
        foreach (var set in of)
        {
            rows[set]++;
        }

        var order = sets.OrderByDescending(s => (long)rows[s.Value] * Size(s.Key)).ThenBy(s => s.Key, StringComparer.Ordinal).ToArray();
        var founders = new List<string>();
        foreach (var (set, _) in order)
        {
            if (founders.Count < GatedForests.Most && Size(set) > 0 && Nearest(founders, set).Alike < Alike)
            {
                founders.Add(set);
            }
        }

        var (count, alike) = (new int[founders.Count], new double[founders.Count]);
        foreach (var (set, number) in order)
        {
            if (Nearest(founders, set) is { Alike: >= Alike } nearest)
            {
                count[nearest.Founder] += rows[number];
                alike[nearest.Founder] += rows[number] * nearest.Alike;
            }
        }

        var large = founders.Where((_, f) => count[f] >= LeastRows && alike[f] >= Coherent * count[f]).ToList();
        if (large.Count < 2)
        {
            return new RowSources(new int[of.Length], 1);
        }

        var source = new int[sets.Count];
        foreach (var (set, number) in order)
        {
            source[number] = Nearest(large, set).Founder;
        }

        return new RowSources([.. of.Select(set => source[set])], large.Count);
    }

    /// <summary>The different sets of models that answered a row, as bits in a text's characters, with their numbers; and each row's.</summary>
    private static (Dictionary<string, int> Sets, int[] Of) Answered(ReadOnlySpan<float> score, int models)
    {
        const int bits = 16; // of a character
        var (sets, of) = (new Dictionary<string, int>(StringComparer.Ordinal), new int[score.Length / models]);
        Span<char> key = stackalloc char[(models + bits - 1) / bits];
        for (var i = 0; i < of.Length; i++)
        {
            key.Clear();
            for (var k = 0; k < models; k++)
            {
                key[k / bits] |= float.IsNaN(score[(i * models) + k]) ? '\0' : (char)(1 << (k % bits));
            }

            var set = key.ToString();
            of[i] = sets.TryGetValue(set, out var known) ? known : sets[set] = sets.Count;
        }

        return (sets, of);
    }

    private static (int Founder, double Alike) Nearest(List<string> founders, string set)
    {
        var best = (Founder: 0, Alike: -1.0);
        for (var f = 0; f < founders.Count; f++)
        {
            var (both, either) = (0, 0);
            for (var j = 0; j < set.Length; j++)
            {
                both += int.PopCount(set[j] & founders[f][j]);
                either += int.PopCount(set[j] | founders[f][j]);
            }

            var alike = either == 0 ? 0 : (double)both / either;
            best = alike > best.Alike ? (f, alike) : best;
        }

        return best;
    }

    private static int Size(string set) => set.Sum(c => int.PopCount(c));
}
