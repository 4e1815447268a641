using System.Numerics.Tensors;

namespace MetaRouter.Core.Preferences;

/// <summary>
/// What a user's signals say when cost may weigh differently by topic: exact inference in a two-level model. Given the user's own lambda, topics are
/// independent, so each is summed over its offsets alone.
/// </summary>
/// <remarks>
/// With h = (lambda, beta), L_0(h) the faded log likelihood of signals without a topic, L_k(h) that of topic k's as if lambda were its own, o an offset of so many grid steps:
/// <code>
/// M_k(h) = sum_o p(o) exp L_k(h + o)                                        (1) topic k, its offset summed out
/// P(signals | h) = (1 - s) exp(L_0 + sum_k L_k)(h) + s exp(L_0(h)) prod_k M_k(h)    (2) s: the share of users whose topics differ
/// P(h + o = g on k) = sum_h P(h, signals, differs) p(o) exp L_k(g) / M_k(h), and P(g, signals, alike)   (3)
/// </code>
/// Offsets are whole steps of <see cref="PreferenceGrid"/>, so no signal is weighed anew: a topic's lambda is a shift of its evidence. A shift beyond the grid stays at its end.
/// O(signals x hypotheses + topics x offsets x hypotheses): a few microseconds beside the likelihoods themselves.
/// Source: hierarchical models, Gelman et al., Bayesian Data Analysis, chapter 5; the mixture keeps users without differences as they were (spike and slab, Mitchell and Beauchamp 1988).
/// </remarks>
/// <param name="evidence">Of one topic at least.</param>
/// <param name="spread">How trade-offs differ by topic.</param>
internal readonly struct TopicOffsets(TopicEvidence evidence, TopicSpread spread)
{
    private const int Width = ChoiceModel.Hypotheses;
    private const int Betas = ChoiceModel.BetaCount;

    private static readonly double Step = PreferenceGrid.LogLambda[1] - PreferenceGrid.LogLambda[0];

    /// <summary>In standard deviations.</summary>
    private static ReadOnlySpan<double> Nodes => [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2];

    /// <summary>Of each of <see cref="Nodes"/>.</summary>
    private static readonly float[] s_weight = Weights();

    private readonly int _reach = Shift(spread, Nodes.Length - 1); // the farthest shift

    private int PaddedWidth => Width + (2 * _reach * Betas);

    /// <summary>ln P(signals | h), formula (2), added to what is there.</summary>
    public void AddTo(Span<float> log)
    {
        Span<float> alike = stackalloc float[Width];
        Span<float> differs = stackalloc float[Width];
        Weigh(alike, differs, null);
        for (var h = 0; h < Width; h++)
        {
            var (low, high) = alike[h] < differs[h] ? (alike[h], differs[h]) : (differs[h], alike[h]);
            log[h] += high + MathF.Log(1 + MathF.Exp(low - high));
        }
    }

    /// <summary>What is believed of lambda and beta on one topic: as <see cref="Believe"/> has it, to the last bit, without the others.</summary>
    /// <param name="topic">0: of the user; one that was not spoken of: on any other.</param>
    /// <param name="joint">Written to.</param>
    public void BelieveOn(byte topic, ReadOnlySpan<float> logPrior, Span<float> joint)
    {
        Span<float> alike = stackalloc float[Width], differs = stackalloc float[Width], sum = stackalloc float[Width];
        Span<float> padded = stackalloc float[PaddedWidth], probability = stackalloc float[Nodes.Length];
        var at = topic == 0 ? -1 : evidence.IndexOf(topic);
        Weigh(alike, differs, null, at, sum);
        Normalize(alike, differs, logPrior);
        if (topic == 0)
        {
            TensorPrimitives.Add(alike, differs, joint);
            return;
        }

        if (at < 0)
        {
            padded.Fill(1);
        }
        else
        {
            Pad(evidence.Topics[at].Log, padded, out _);
            TensorPrimitives.Divide(differs, sum, differs);
        }

        Shifted(differs, padded, probability, joint);
        TensorPrimitives.Add(joint, alike, joint);
    }

    /// <summary>What is believed of lambda and beta: of the user, on each topic that was spoken of, and on any other; and of each topic's offset.</summary>
    public (float[] Joint, IReadOnlyList<(byte Code, float[] Joint, TopicOffset Offset)> Topics, float[] Elsewhere) Believe(ReadOnlySpan<float> logPrior)
    {
        var (alike, differs, sums) = (new float[Width], new float[Width], new float[evidence.Topics.Count][]);
        Weigh(alike, differs, sums);
        Normalize(alike, differs, logPrior);
        var joint = new float[Width];
        TensorPrimitives.Add(alike, differs, joint);
        var topics = new (byte, float[], TopicOffset)[evidence.Topics.Count];
        Span<float> probability = stackalloc float[Nodes.Length];
        Span<float> padded = stackalloc float[PaddedWidth];
        for (var k = 0; k < topics.Length; k++)
        {
            var (code, log) = evidence.Topics[k];
            Pad(log, padded, out _);
            var share = new float[Width];
            TensorPrimitives.Divide(differs, sums[k], share);
            var own = new float[Width];
            Shifted(share, padded, probability, own);
            TensorPrimitives.Add(own, alike, own);
            topics[k] = (code, own, Offset(probability, TensorPrimitives.Sum<float>(alike)));
        }

        padded.Fill(1);
        var elsewhere = new float[Width];
        Shifted(differs, padded, probability, elsewhere);
        TensorPrimitives.Add(elsewhere, alike, elsewhere);
        return (joint, topics, elsewhere);
    }

    /// <summary>By how many grid steps a node's offset moves a topic's lambda.</summary>
    private static int Shift(TopicSpread spread, int node) => (int)Math.Round(Nodes[node] * spread.Width / Step);

    private int Shift(int node) => Shift(spread, node);

    private static float[] Weights()
    {
        float[] weight = [.. Nodes.ToArray().Select(z => (float)Math.Exp(-0.5 * z * z))];
        TensorPrimitives.Divide(weight, TensorPrimitives.Sum<float>(weight), weight);
        return weight;
    }

    /// <summary>The two parts of formula (2) in logarithms become a probability between them.</summary>
    private static void Normalize(Span<float> alike, Span<float> differs, ReadOnlySpan<float> logPrior)
    {
        TensorPrimitives.Add(alike, logPrior, alike);
        TensorPrimitives.Add(differs, logPrior, differs);
        var max = MathF.Max(TensorPrimitives.Max<float>(alike), TensorPrimitives.Max<float>(differs));
        Exp(alike, max);
        Exp(differs, max);
        var mass = TensorPrimitives.Sum<float>(alike) + TensorPrimitives.Sum<float>(differs);
        TensorPrimitives.Divide(alike, mass, alike);
        TensorPrimitives.Divide(differs, mass, differs);
    }

    /// <summary>The two parts of formula (2) in logarithms.</summary>
    /// <param name="sums">Is given M_k relative to topic k's greatest likelihood; null: nobody asks for all of them.</param>
    /// <param name="only">The one topic whose M_k is asked for; -1: none.</param>
    /// <param name="sumOfOnly">Is given it.</param>
    private void Weigh(Span<float> alike, Span<float> differs, float[][]? sums, int only = -1, Span<float> sumOfOnly = default)
    {
        evidence.Plain.CopyTo(alike);
        evidence.Plain.CopyTo(differs);
        Span<float> logs = stackalloc float[Width];
        Span<float> padded = stackalloc float[PaddedWidth];
        Span<float> own = stackalloc float[Width];
        for (var k = 0; k < evidence.Topics.Count; k++)
        {
            TensorPrimitives.Add(alike, evidence.Topics[k].Log, alike);
            Pad(evidence.Topics[k].Log, padded, out var max);
            var sum = sums is not null ? (sums[k] = new float[Width]) : k == only ? sumOfOnly : own;
            sum.Clear();
            for (var o = 0; o < Nodes.Length; o++)
            {
                TensorPrimitives.MultiplyAdd(padded.Slice((_reach + Shift(o)) * Betas, Width), s_weight[o], sum, sum); // (1)
            }

            TensorPrimitives.Max(sum, 1e-30f, sum);
            TensorPrimitives.Log(sum, logs);
            TensorPrimitives.Add(logs, max, logs);
            TensorPrimitives.Add(differs, logs, differs);
        }

        TensorPrimitives.Add(alike, (float)Math.Log(Math.Max(1 - spread.Share, 1e-30)), alike);
        TensorPrimitives.Add(differs, (float)Math.Log(spread.Share), differs);
    }

    /// <summary>exp(log - greatest), with the grid's ends repeated as far as shifts reach.</summary>
    /// <param name="padded">Length <see cref="PaddedWidth"/>.</param>
    private void Pad(ReadOnlySpan<float> log, Span<float> padded, out float max)
    {
        max = TensorPrimitives.Max(log);
        var middle = padded.Slice(_reach * Betas, Width);
        TensorPrimitives.Subtract(log, max, middle);
        TensorPrimitives.Exp(middle, middle);
        for (var i = 0; i < _reach; i++)
        {
            middle[..Betas].CopyTo(padded[(i * Betas)..]);
            middle[^Betas..].CopyTo(padded[(padded.Length - ((i + 1) * Betas))..]);
        }
    }

    /// <summary>Formula (3): the mass of each h, spread over its offsets by what the topic's evidence says of where they lead.</summary>
    /// <param name="padded">The topic's evidence, from <see cref="Pad"/>; all 1: nothing is known of it.</param>
    /// <param name="probability">Is given each offset's mass.</param>
    /// <param name="own">Is given what lies where.</param>
    private void Shifted(ReadOnlySpan<float> mass, ReadOnlySpan<float> padded, Span<float> probability, Span<float> own)
    {
        Span<float> there = stackalloc float[padded.Length];
        Span<float> term = stackalloc float[Width];
        there.Clear();
        for (var o = 0; o < Nodes.Length; o++)
        {
            var at = (_reach + Shift(o)) * Betas;
            TensorPrimitives.Multiply(padded.Slice(at, Width), mass, term);
            TensorPrimitives.Multiply(term, s_weight[o], term);
            probability[o] = TensorPrimitives.Sum<float>(term);
            TensorPrimitives.Add(there.Slice(at, Width), term, there.Slice(at, Width));
        }

        there.Slice(_reach * Betas, Width).CopyTo(own);
        for (var i = 0; i < _reach * Betas; i++)
        {
            own[i % Betas] += there[i];
            own[Width - Betas + (i % Betas)] += there[Width + (_reach * Betas) + i];
        }
    }

    /// <param name="alike">The mass of no offset at all; the middle one of those that differ is as likely a little above 0 as below.</param>
    private TopicOffset Offset(ReadOnlySpan<float> probability, double alike)
    {
        double mass = alike, mean = 0, square = 0, firmer = 0, freer = 0;
        for (var o = 0; o < Nodes.Length; o++)
        {
            var (p, shift) = (probability[o], Shift(o));
            var x = shift * Step;
            (mass, mean, square) = (mass + p, mean + (p * x), square + (p * x * x));
            (firmer, freer) = (firmer + (shift > 0 ? p : shift == 0 ? p / 2 : 0), freer + (shift < 0 ? p : shift == 0 ? p / 2 : 0));
        }

        mean /= mass;
        return new TopicOffset(mean, Math.Sqrt(Math.Max(0, (square / mass) - (mean * mean))), firmer / mass, freer / mass);
    }

    private static void Exp(Span<float> log, float max)
    {
        TensorPrimitives.Subtract(log, max, log);
        TensorPrimitives.Exp(log, log);
    }
}
