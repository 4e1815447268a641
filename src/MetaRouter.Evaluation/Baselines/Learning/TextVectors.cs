using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Text;

namespace MetaRouter.Evaluation.Baselines.Learning;

/// <summary>
/// Requests as numbers, the same for every trained baseline (but the second kNN, by <see cref="HashedFeatures"/>) and those that MetaRouter
/// learns from: the shipped encoder learned anew on the training requests and their categories alone,
/// with the shipped word vectors. A paper's own pretrained encoder is replaced by it, so that rows differ by method and not by text model. Kept while the
/// tables live, since many routers learn from each.
/// </summary>
internal sealed class TextVectors
{
    /// <summary>Length of <see cref="Dense"/>: one unit vector a request, so that a dot product is a cosine.</summary>
    public const int Directions = PromptEncoder.Dense;

    /// <summary>Length of <see cref="Scaled"/>: directions and surface features, each with mean 0 and variance 1 over the training rows, and a constant 1.</summary>
    public const int Length = PromptEncoder.Features;

    private const int Seed = 1;

    // Far out on one feature is no reason to be far out in a prediction.
    private const double Limit = 4;

    private static readonly ConditionalWeakTable<OutcomeTable, Learned> s_learned = [];

    private readonly double[] _dense;

    private TextVectors(float[] features, double[] scaled)
    {
        (Features, Scaled, _dense) = (features, scaled, new double[features.Length / Length * Directions]);
        for (var row = 0; row < Rows; row++)
        {
            TensorPrimitives.ConvertChecked<float, double>(features.AsSpan(row * Length, Directions), _dense.AsSpan(row * Directions, Directions));
        }
    }

    /// <summary>Rows x <see cref="Length"/>, as encoded.</summary>
    public float[] Features { get; }

    /// <summary>Rows x <see cref="Length"/>.</summary>
    public double[] Scaled { get; }

    public int Rows => Scaled.Length / Length;

    public ReadOnlySpan<double> Dense(int row) => _dense.AsSpan(row * Directions, Directions);

    public ReadOnlySpan<double> Of(int row) => Scaled.AsSpan(row * Length, Length);

    /// <summary>The training rows and the test rows.</summary>
    public static (TextVectors Train, TextVectors Test) Read(OutcomeTable train, OutcomeTable test)
    {
        var learned = s_learned.GetValue(train, static table => new Learned(table));
        return (learned.Own.Value, learned.Others.GetValue(test, table => new Lazy<TextVectors>(() => learned.Transform(table.Queries))).Value);
    }

    private sealed class Learned
    {
        private readonly Lazy<(PromptEncoder Encoder, float[] Features, double[] Mean, double[] Scale)> _fit;

        public Learned(OutcomeTable train)
        {
            _fit = new(() => Fit(train.Queries, train.Groups));
            Own = new(() => Standardise(_fit.Value.Features));
        }

        public Lazy<TextVectors> Own { get; }

        public ConditionalWeakTable<OutcomeTable, Lazy<TextVectors>> Others { get; } = [];

        public TextVectors Transform(IReadOnlyList<string> queries) => Standardise(SnapshotTrainer.Encode(_fit.Value.Encoder, queries).Features);

        private static (PromptEncoder Encoder, float[] Features, double[] Mean, double[] Scale) Fit(IReadOnlyList<string> queries, IReadOnlyList<string> groups)
        {
            var (encoder, features, _) = SnapshotTrainer.LearnEncoder(queries, groups, new TrainingOptions { Seed = Seed }, CancellationToken.None);
            var (mean, scale) = (new double[Length], new double[Length]);
            for (var i = 0; i < features.Length; i++)
            {
                mean[i % Length] += features[i];
            }

            TensorPrimitives.Divide(mean, (double)queries.Count, mean);
            for (var i = 0; i < features.Length; i++)
            {
                var off = features[i] - mean[i % Length];
                scale[i % Length] += off * off / queries.Count;
            }

            for (var j = 0; j < Length; j++)
            {
                scale[j] = scale[j] > 1e-12 ? 1 / Math.Sqrt(scale[j]) : 0;
            }

            return (encoder, features, mean, scale);
        }

        private TextVectors Standardise(float[] features)
        {
            var (_, _, mean, scale) = _fit.Value;
            var scaled = new double[features.Length];
            for (var i = 0; i < features.Length; i++)
            {
                var j = i % Length;
                scaled[i] = j == Length - 1 ? 1 : Math.Clamp((features[i] - mean[j]) * scale[j], -Limit, Limit);
            }

            return new TextVectors(features, scaled);
        }
    }
}
