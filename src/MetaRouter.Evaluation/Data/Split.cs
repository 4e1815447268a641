using System.Text;

namespace MetaRouter.Evaluation.Data;

/// <summary>
/// Splits by a seeded hash of the id: the same on every machine, whatever the order of the rows, and a row keeps its side when others join.
/// Row numbers come out ascending.
/// </summary>
public static class Split
{
    /// <summary>With fewer rows than this a half, which is drawn by chance, may be too small to train on or to look for neighbours in.</summary>
    public const int LeastRows = 80;

    /// <summary>Two parts of about half the rows each.</summary>
    public static (int[] Train, int[] Test) Halves(IReadOnlyList<string> ids, int seed)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var folds = Folds(ids, 2, seed);
        return (Where(folds, 0), Where(folds, 1));
    }

    /// <summary>The fold, 0 to <paramref name="k"/> - 1, of each row.</summary>
    public static int[] Folds(IReadOnlyList<string> ids, int k, int seed)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        // The high half of the hash scaled to 0..k: no modulo bias, no use of the weaker low bits.
        return [.. ids.Select(id => (int)(((Hash(id, seed) >> 32) * (ulong)k) >> 32))];
    }

    /// <summary>Exactly <paramref name="count"/> rows drawn without replacement, and the others.</summary>
    public static (int[] Drawn, int[] Others) Draw(IReadOnlyList<string> ids, int count, int seed)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, ids.Count);
        var order = Enumerable.Range(0, ids.Count).OrderBy(i => Hash(ids[i], seed)).ThenBy(i => ids[i], StringComparer.Ordinal).ToArray();
        return ([.. order.Take(count).Order()], [.. order.Skip(count).Order()]);
    }

    /// <summary>The rows of fold <paramref name="fold"/> and the others.</summary>
    public static (int[] Train, int[] Test) Fold(ReadOnlySpan<int> folds, int fold)
    {
        var (train, test) = (new List<int>(folds.Length), new List<int>());
        for (var i = 0; i < folds.Length; i++)
        {
            (folds[i] == fold ? test : train).Add(i);
        }

        return ([.. train], [.. test]);
    }

    /// <summary>FNV-1a over the seed and the id's UTF-8 bytes, then SplitMix64's finaliser: FNV alone leaves the high bits of similar ids alike.</summary>
    internal static ulong Hash(string id, int seed)
    {
        const ulong prime = 0x100000001b3;
        var h = 0xcbf29ce484222325;
        for (var shift = 0; shift < 32; shift += 8)
        {
            h = (h ^ (byte)(seed >> shift)) * prime;
        }

        foreach (var b in Encoding.UTF8.GetBytes(id))
        {
            h = (h ^ b) * prime;
        }

        h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9;
        h = (h ^ (h >> 27)) * 0x94d049bb133111eb;
        return h ^ (h >> 31);
    }

    private static int[] Where(int[] folds, int fold) => [.. Enumerable.Range(0, folds.Length).Where(i => folds[i] == fold)];
}
