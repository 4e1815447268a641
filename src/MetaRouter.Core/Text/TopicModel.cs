using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Text;

/// <summary>
/// What a request is about: the probabilities of the kinds of request (data sets, categories) that the training data named, by softmax regression on
/// the encoder's other features. How much better a dear model answers differs between kinds more than anything else that a text shows.
/// </summary>
/// <remarks>
/// Fitted by <see cref="CosineAdam"/> on mini-batches of cross-entropy plus decay |w|^2; O(epochs n kinds features). Same rows and seed give the same bits.
/// To train on these features, fill them in out of fold (<see cref="OutOfFold"/>): a classifier is too sure of the rows it has seen.
/// </remarks>
public sealed class TopicModel
{
    /// <summary>Kinds told apart at most; the least frequent beyond are left out.</summary>
    public const int MaxTopics = 64;

    private const int LeastRows = 12;
    private const int Epochs = 24;
    private const int Batch = 128;
    private const float Rate = 0.05f;

    /// <summary>The sum of e to the power of this over <see cref="MaxTopics"/> is finite, and e to its negative is not zero.</summary>
    private const float SafeExponent = 80;

    private readonly float[] _weights; // topics x (features + 1), the last a bias

    internal TopicModel(int topics, float[] weights, TopicGroups? groups = null) => (Topics, _weights, Groups) = (topics, weights, groups ?? TopicGroups.None);

    /// <summary>No kinds: a request is about nothing.</summary>
    public static TopicModel None { get; } = new(0, []);

    public int Topics { get; }

    /// <summary>The few topics that these kinds make for users' trade-offs.</summary>
    public TopicGroups Groups { get; }

    internal ReadOnlySpan<float> Weights => _weights;

    internal TopicModel With(TopicGroups groups) => new(Topics, _weights, groups);

    /// <summary>Writes the probability of each topic; the rest of <paramref name="probability"/> becomes 0.</summary>
    public void Predict(ReadOnlySpan<float> x, Span<float> probability)
    {
        if (Topics > 0)
        {
            Predict(_weights, x, probability[..Topics]);
        }

        probability[Topics..].Clear();
    }

    private static void Predict(ReadOnlySpan<float> weights, ReadOnlySpan<float> x, Span<float> probability)
    {
        var width = x.Length + 1;
        for (var t = 0; t < probability.Length; t++)
        {
            var w = weights.Slice(t * width, width);
            probability[t] = TensorPrimitives.Dot(w[..x.Length], x) + w[^1];
        }

        // Only where their powers would leave a float's range: elsewhere the difference is rounding, and would train to other bytes.
        if (TensorPrimitives.Max<float>(probability) is var most and (> SafeExponent or < -SafeExponent))
        {
            TensorPrimitives.Subtract(probability, most, probability);
        }

        TensorPrimitives.SoftMax(probability, probability);
    }

    /// <summary>The number of each row's topic, -1 for kinds that are too rare, and the topics' names, by falling frequency, then by name.</summary>
    internal static (int[] Topic, IReadOnlyList<string> Names) Number(IReadOnlyList<string> groups)
    {
        var kept = groups.GroupBy(g => g, StringComparer.Ordinal)
            .Where(g => g.Count() >= LeastRows)
            .OrderByDescending(g => g.Count())
            .ThenBy(g => g.Key, StringComparer.Ordinal)
            .Take(MaxTopics)
            .Select(g => g.Key)
            .ToArray();
        if (kept.Length < 2)
        {
            return ([.. groups.Select(_ => -1)], []);
        }

        var number = kept.Index().ToDictionary(k => k.Item, k => k.Index, StringComparer.Ordinal);
        return ([.. groups.Select(g => number.GetValueOrDefault(g, -1))], kept);
    }

    /// <summary>Fits the model, and predicts every row by one fitted on four fifths that do not hold it.</summary>
    /// <param name="x">n rows of <paramref name="stride"/> numbers, of which the first <paramref name="features"/> are read; row i belongs to fifth i mod 5.</param>
    /// <param name="probability">Is given row i's probabilities.</param>
    public static TopicModel OutOfFold(float[] x, int stride, int features, IReadOnlyList<string> groups, int seed, Action<int, ReadOnlySpan<float>> probability, CancellationToken cancellationToken)
    {
        const int folds = 5;
        var (topic, names) = Number(groups);
        var topics = names.Count;
        if (topics == 0)
        {
            return None;
        }

        var fitted = new float[folds + 1][];
        Parallel.For(0, folds + 1, new ParallelOptions { CancellationToken = cancellationToken }, fold =>
            fitted[fold] = Fit(x, stride, features, topic, topics, [.. Enumerable.Range(0, topic.Length).Where(i => i % folds != fold && topic[i] >= 0)], seed + fold, cancellationToken));
        Span<float> p = stackalloc float[topics];
        for (var i = 0; i < topic.Length; i++)
        {
            Predict(fitted[i % folds], x.AsSpan(i * stride, features), p);
            probability(i, p);
        }

        return new TopicModel(topics, fitted[folds]);
    }

    /// <summary>Fits the model to every row.</summary>
    /// <param name="x">n rows of <paramref name="stride"/> numbers, of which the first <paramref name="features"/> are read.</param>
    /// <param name="topic">Of each row, 0 to <paramref name="topics"/> - 1.</param>
    internal static TopicModel Fit(float[] x, int stride, int features, int[] topic, int topics, int seed, CancellationToken cancellationToken) =>
        new(topics, Fit(x, stride, features, topic, topics, [.. Enumerable.Range(0, topic.Length)], seed, cancellationToken));

    private static float[] Fit(float[] x, int stride, int features, int[] topic, int topics, int[] rows, int seed, CancellationToken cancellationToken)
    {
        var width = features + 1;
        var w = new float[topics * width];
        var gradient = new float[w.Length];
        var decay = 0.1f / Math.Max(1, rows.Length);
        var random = new Random(seed);
        var adam = new CosineAdam(w.Length, Rate, Epochs * ((rows.Length + Batch - 1) / Batch));
        Span<float> p = stackalloc float[topics];
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            random.Shuffle(rows);
            for (var from = 0; from < rows.Length; from += Batch)
            {
                var batch = rows.AsSpan(from, Math.Min(Batch, rows.Length - from));
                TensorPrimitives.Multiply(w, 2 * decay, gradient);
                foreach (var row in batch)
                {
                    var xi = x.AsSpan(row * stride, features);
                    Predict(w, xi, p);
                    p[topic[row]] -= 1;
                    for (var t = 0; t < topics; t++)
                    {
                        var g = gradient.AsSpan(t * width, width);
                        TensorPrimitives.MultiplyAdd(xi, p[t] / batch.Length, g[..features], g[..features]);
                        g[^1] += p[t] / batch.Length;
                    }
                }

                adam.Step(w, gradient);
            }
        }

        return w;
    }
}
