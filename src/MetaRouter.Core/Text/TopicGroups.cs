using System.Collections.Immutable;
using System.Numerics.Tensors;
using System.Text.RegularExpressions;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Text;

/// <summary>
/// The few topics on which a user's trade-off may differ: the kinds of request that a <see cref="TopicModel"/> tells apart, gathered until at most 15 are left.
/// A user gives tens of signals, so what is told apart here is paid for with them.
/// </summary>
/// <remarks>
/// Gathered by Ward's criterion on the kinds' mean features: of all pairs the one whose union adds least to the spread within topics, again and again. O(kinds^3).
/// Named by the most frequent kind; the words are those of greatest <c>sqrt(p) ln(p / p')</c>, p and p' the shares of the topic's and of all other requests that hold the word.
/// Source: Ward 1963. The words' measure leans further to rare words than the Kullback-Leibler term p ln(p / p') does, which tells law by "because".
/// </remarks>
public sealed class TopicGroups
{
    public const int Most = 15;

    /// <summary>Codes fit six bits; 0 stands for no topic.</summary>
    public const int Codes = 64;

    private const int NamedWords = 3;
    private const int LeastRequests = 5; // that hold a word before it is shown
    private const int ReadChars = 2000;

    /// <summary>A request belongs to the topic of greatest probability, or to none when even that is below this.</summary>
    private const float LeastSure = 0.4f;

    private readonly byte[] _of;
    private readonly TopicGroup?[] _byCode = new TopicGroup?[Codes];

    /// <param name="groups">Codes differ and lie in 1 to 63.</param>
    /// <param name="of">The group of each kind.</param>
    /// <exception cref="ArgumentException">A code or a group is outside its range, or a code stands twice.</exception>
    internal TopicGroups(ImmutableArray<TopicGroup> groups, ReadOnlySpan<byte> of)
    {
        (All, _of) = (groups, of.ToArray());
        foreach (var group in groups)
        {
            if (group.Code is 0 or >= Codes || _byCode[group.Code] is not null)
            {
                throw new ArgumentException($"Topic '{group.Name}' has code {group.Code}; codes are 1 to {Codes - 1}, and no two topics share one.", nameof(groups));
            }

            _byCode[group.Code] = group;
        }

        if (groups.Length > Most || of.ContainsAnyExceptInRange((byte)0, (byte)Math.Max(0, groups.Length - 1)))
        {
            throw new ArgumentException($"There are {groups.Length} topics for {of.Length} kinds; there may be {Most}, and each kind is in one of them.", nameof(of));
        }
    }

    /// <summary>Nothing is told apart.</summary>
    public static TopicGroups None { get; } = new([], []);

    public ImmutableArray<TopicGroup> All { get; }

    /// <summary>The group of each kind of request.</summary>
    internal ReadOnlySpan<byte> Of => _of;

    /// <summary>Null: no topic of these has the code.</summary>
    public TopicGroup? Find(byte code) => code < Codes ? _byCode[code] : null;

    /// <summary>The topic of a request by the probabilities of its kind; 0: it is not clear, or nothing is told apart.</summary>
    /// <param name="kinds">As <see cref="TopicModel"/> writes them.</param>
    public byte CodeOf(ReadOnlySpan<float> kinds)
    {
        if (_of.Length == 0)
        {
            return 0;
        }

        Span<float> sum = stackalloc float[All.Length];
        sum.Clear();
        for (var kind = 0; kind < _of.Length; kind++)
        {
            sum[_of[kind]] += kinds[kind];
        }

        var best = TensorPrimitives.IndexOfMax<float>(sum);
        return sum[best] >= LeastSure ? All[best].Code : (byte)0;
    }

    /// <summary>Gathers the kinds of some requests.</summary>
    /// <param name="names">Of the kinds, the most frequent first.</param>
    /// <param name="kind">Of each request, -1 for none.</param>
    /// <param name="x">n rows of <paramref name="stride"/> numbers, of which the first <paramref name="features"/> describe the request.</param>
    /// <param name="earlier">Topics that users' signals may name already: a code of theirs goes to nobody of another name while there are others.</param>
    internal static TopicGroups Learn(IReadOnlyList<string> names, int[] kind, float[] x, int stride, int features, IReadOnlyList<string> texts, TopicGroups earlier)
    {
        if (names.Count == 0)
        {
            return None;
        }

        var of = Gather(names.Count, kind, x, stride, features);
        var words = Words(kind, of, texts);
        var (groups, taken) = (new List<TopicGroup>(), new bool[Codes]);
        var reserved = earlier.All.ToDictionary(t => t.Name, t => t.Code, StringComparer.Ordinal);
        for (var g = 0; g <= of.Max(); g++)
        {
            var name = names[Array.IndexOf(of, (byte)g)];
            var code = reserved.GetValueOrDefault(name, Hash(name));
            while (taken[code] || (earlier.Find(code) is { } other && other.Name != name))
            {
                code = (byte)((code % (Codes - 1)) + 1);
            }

            taken[code] = true;
            groups.Add(new TopicGroup(code, name, words[g]));
        }

        return new TopicGroups([.. groups], of);
    }

    /// <summary>The group of each kind; groups are numbered by their first kind.</summary>
    private static byte[] Gather(int kinds, int[] kind, float[] x, int stride, int features)
    {
        var (mean, count) = (new double[kinds][], new double[kinds]);
        for (var k = 0; k < kinds; k++)
        {
            mean[k] = new double[features];
        }

        for (var i = 0; i < kind.Length; i++)
        {
            if (kind[i] is var k and >= 0)
            {
                count[k]++;
                for (var j = 0; j < features; j++)
                {
                    mean[k][j] += (x[(i * stride) + j] - mean[k][j]) / count[k];
                }
            }
        }

        var group = Enumerable.Range(0, kinds).ToArray();
        for (var left = kinds; left > Most; left--)
        {
            var (best, a, b) = (double.PositiveInfinity, 0, 0);
            for (var i = 0; i < kinds; i++)
            {
                for (var j = i + 1; j < kinds && count[i] > 0; j++)
                {
                    if (count[j] > 0 && count[i] * count[j] / (count[i] + count[j]) * Square(mean[i], mean[j]) is var cost && cost < best)
                    {
                        (best, a, b) = (cost, i, j);
                    }
                }
            }

            for (var j = 0; j < features; j++)
            {
                mean[a][j] = ((count[a] * mean[a][j]) + (count[b] * mean[b][j])) / (count[a] + count[b]);
            }

            (count[a], count[b]) = (count[a] + count[b], 0);
            group = [.. group.Select(g => g == b ? a : g)];
        }

        var number = group.Distinct().Index().ToDictionary(g => g.Item, g => (byte)g.Index);
        return [.. group.Select(g => number[g])];

        static double Square(double[] a, double[] b)
        {
            var distance = TensorPrimitives.Distance<double>(a, b);
            return distance * distance;
        }
    }

    private static ImmutableArray<string>[] Words(int[] kind, byte[] of, IReadOnlyList<string> texts)
    {
        var groups = of.Max() + 1;
        var aWord = new Regex(@"\p{IsCJKUnifiedIdeographs}{2,20}|\p{L}[\p{L}\p{M}]{3,19}", RegexOptions.CultureInvariant | RegexOptions.Compiled); // of ideographs two say as much as four letters
        var (holds, requests, seen) = (new Dictionary<string, int[]>(StringComparer.Ordinal), new int[groups], new HashSet<string>(StringComparer.Ordinal));
        for (var i = 0; i < kind.Length; i++)
        {
            if (kind[i] < 0)
            {
                continue;
            }

            var group = of[kind[i]];
            requests[group]++;
            seen.Clear();
            foreach (var word in aWord.EnumerateMatches(texts[i].AsSpan(0, Math.Min(ReadChars, texts[i].Length))))
            {
                seen.Add(texts[i].Substring(word.Index, word.Length).ToLowerInvariant());
            }

            foreach (var word in seen)
            {
                if (!holds.TryGetValue(word, out var counts))
                {
                    holds.Add(word, counts = new int[groups]);
                }

                counts[group]++;
            }
        }

        var all = requests.Sum();
        return [.. Enumerable.Range(0, groups).Select(g => holds.Where(w => w.Value[g] >= LeastRequests)
            .Select(w =>
            {
                var p = (w.Value[g] + 0.5) / (requests[g] + 1);
                var other = (w.Value.Sum() - w.Value[g] + 0.5) / (all - requests[g] + 1);
                return (Word: w.Key, Tells: Math.Sqrt(p) * Math.Log(p / other));
            })
            .Where(w => w.Tells > 0).OrderByDescending(w => w.Tells).ThenBy(w => w.Word, StringComparer.Ordinal).Take(NamedWords).Select(w => w.Word).ToImmutableArray())];
    }

    /// <summary>1 to 63.</summary>
    private static byte Hash(string name) => (byte)((Fnv1a.Of(name) % (Codes - 1)) + 1);
}
