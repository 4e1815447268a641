using System.Numerics.Tensors;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// The forest of each source of training rows, and a gate that tells which source a request is like. Sources differ in who answered: one forest for all would split on
/// differences that most of its rows never showed.
/// <code>
/// q_k(x) = (1 - c_k) logistic_k(x) + sum_s share_ks (m_ks + l_ks . leaf_s(x))      c_k = sum_s share_ks = P_k / (P_k + Doubt)
/// </code>
/// P_k is the probability p(s | x), by softmax regression, of the sources that model k is known to, and share_ks is in proportion to p(s | x) worth_s among these. So a request like
/// those a model was seen to answer is judged by its source's forest, and one unlike them by the logistic model, which links models of different sources.
/// One forest needs no gate: then c = 1.
/// </summary>
/// <remarks>Immutable, thread-safe; allocates nothing per request. Source: Jacobs, Jordan, Nowlan and Hinton 1991, Adaptive Mixtures of Local Experts.</remarks>
internal sealed class GatedForests
{
    /// <summary>Sources told apart at most: <see cref="ModelHead.KnownTo"/> has a bit for each.</summary>
    public const int Most = 16;

    /// <summary>The probability set aside for requests that are like no source.</summary>
    private const float Doubt = .05f;

    /// <summary>A source of a smaller share is not asked: it costs as much as any other.</summary>
    private const float LeastShare = .05f;

    private readonly ExtraTrees[] _forests;
    private readonly int[] _at; // where each source's numbers begin: its share, then the leaf
    private readonly int _widest; // leaf

    /// <param name="gate">Tells as many sources as there are forests; <see cref="TopicModel.None"/> of a single one.</param>
    public GatedForests(IReadOnlyList<ExtraTrees> forests, TopicModel gate)
    {
        (_forests, Gate) = ([.. forests], gate);
        if (forests.Count is 0 or > Most || gate.Topics != (forests.Count == 1 ? 0 : forests.Count))
        {
            throw new ArgumentException(
                $"There are {forests.Count} forests and a gate for {gate.Topics} sources; give 1 to {Most} forests and a gate for as many sources, or for none where there is one forest.");
        }

        (_at, Targets, _widest) = (new int[forests.Count], IsOne ? forests[0].Targets : 0, forests.Max(f => f.Targets));
        for (var s = 0; s < _at.Length && !IsOne; s++)
        {
            (_at[s], Targets) = (Targets, Targets + 1 + forests[s].Targets);
        }
    }

    public GatedForests(ExtraTrees forest)
        : this([forest], TopicModel.None)
    {
    }

    public ReadOnlySpan<ExtraTrees> Forests => _forests;

    public TopicModel Gate { get; }

    public bool IsOne => _forests.Length == 1;

    /// <summary>How many numbers describe a request: the leaf; with several forests, for each its share and share x leaf.</summary>
    public int Targets { get; }

    /// <summary>Where the numbers of a source begin: a model's loading of the first is its mean there beyond <see cref="ModelHead.TreeMean"/>.</summary>
    public int At(int source) => _at[source];

    /// <summary>Tells a request to models that are known to different sources.</summary>
    /// <param name="x">D features; the gate reads the first <see cref="PromptEncoder.Described"/>.</param>
    /// <param name="knownTo">Sets of sources, as <see cref="ModelHead.KnownTo"/>.</param>
    /// <param name="worth">From <see cref="Worth"/>.</param>
    /// <param name="leaves">A row of <see cref="Targets"/> for each set.</param>
    public void Predict(ReadOnlySpan<float> x, ReadOnlySpan<ushort> knownTo, ReadOnlySpan<float> worth, Span<float> leaves)
    {
        if (IsOne)
        {
            for (var set = 0; set < knownTo.Length; set++)
            {
                _forests[0].Predict(x, leaves.Slice(set * Targets, Targets));
            }

            return;
        }

        Span<float> p = stackalloc float[_forests.Length];
        Gate.Predict(x[..PromptEncoder.Described], p);
        leaves.Clear();
        var asked = 0;
        for (var set = 0; set < knownTo.Length; set++)
        {
            asked |= Share(p, knownTo[set], worth, leaves.Slice(set * Targets, Targets));
        }

        Span<float> buffer = stackalloc float[_widest];
        for (var s = 0; s < p.Length; s++)
        {
            if ((asked >> s & 1) == 0)
            {
                continue;
            }

            var leaf = buffer[.._forests[s].Targets];
            _forests[s].Predict(x, leaf);
            for (var set = 0; set < knownTo.Length; set++)
            {
                var at = (set * Targets) + _at[s];
                TensorPrimitives.Multiply(leaf, leaves[at], leaves.Slice(at + 1, leaf.Length));
            }
        }
    }

    /// <summary>c of what <see cref="Predict"/> wrote, 0 to 1.</summary>
    public float Certainty(ReadOnlySpan<float> leaf)
    {
        if (IsOne)
        {
            return 1;
        }

        var sum = 0f;
        foreach (var at in _at)
        {
            sum += leaf[at];
        }

        return sum;
    }

    /// <summary>What each source's word is worth in a choice among these models: how many others of them each was compared with there.</summary>
    /// <param name="knownTo">One per model.</param>
    public float[] Worth(IReadOnlyList<ushort> knownTo)
    {
        const float alone = 1e-3f; // nobody to compare with, and yet better than nothing
        return [.. _forests.Select((_, s) => Math.Max(alone, knownTo.Count(k => (k >> s & 1) == 1) - 1))];
    }

    /// <summary>How good each model is on an average request: models of different sources differ as over all requests, those of one source as on its own requests.</summary>
    /// <returns>One per model, about 0 to 1.</returns>
    public float[] Usual(IReadOnlyList<ModelHead> heads)
    {
        float[] usual = [.. heads.Select(h => h.TreeMean)];
        if (IsOne)
        {
            return usual;
        }

        var worth = Worth([.. heads.Select(h => h.KnownTo)]);
        int[][] members = [.. _forests.Select((_, s) => Enumerable.Range(0, heads.Count).Where(k => (heads[k].KnownTo >> s & 1) == 1).ToArray())];
        var total = new float[heads.Count];
        foreach (var (s, of) in members.Index())
        {
            foreach (var k in of)
            {
                total[k] += worth[s];
            }
        }

        foreach (var (s, of) in members.Index())
        {
            var mean = of.Length == 0 ? 0 : of.Average(k => heads[k].TreeLoading[_at[s]]);
            foreach (var k in of)
            {
                usual[k] += worth[s] / total[k] * (heads[k].TreeLoading[_at[s]] - mean);
            }
        }

        return usual;
    }

    /// <summary>Writes the shares of a set of sources in their places.</summary>
    /// <returns>The sources that have one, a bit each.</returns>
    private int Share(ReadOnlySpan<float> p, ushort knownTo, ReadOnlySpan<float> worth, Span<float> leaf)
    {
        var (likely, all, kept, asked) = (0f, 0f, 0f, 0);
        for (var s = 0; s < p.Length; s++)
        {
            if ((knownTo >> s & 1) == 1)
            {
                (likely, all) = (likely + p[s], all + (p[s] * worth[s]));
            }
        }

        for (var s = 0; s < p.Length; s++)
        {
            if ((knownTo >> s & 1) == 1 && p[s] * worth[s] is > 0 and var own && own >= LeastShare * all)
            {
                (leaf[_at[s]], kept, asked) = (own, kept + own, asked | (1 << s));
            }
        }

        for (var s = 0; s < p.Length && kept > 0; s++)
        {
            leaf[_at[s]] *= likely / (likely + Doubt) / kept;
        }

        return asked;
    }
}
