using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Text;

namespace MetaRouter.Evaluation.Baselines.Learning;

/// <summary>
/// Requests as numbers, the same for every trained baseline: the shipped encoder learned anew on the training requests alone, with the shipped word vectors. A paper's own pretrained
/// encoder is replaced by it, so that rows differ by method and not by text model. Kept while the tables live, since many routers learn from each.
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

    private readonly double[] _features;

    private TextVectors(double[] features, double[] scaled) => (_features, Scaled) = (features, scaled);

    /// <summary>Rows x <see cref="Length"/>.</summary>
    public double[] Scaled { get; }

    public int Rows => Scaled.Length / Length;

    public ReadOnlySpan<double> Dense(int row) => _features.AsSpan(row * Length, Directions);

    public ReadOnlySpan<double> Of(int row) => Scaled.AsSpan(row * Length, Length);

    /// <summary>The training rows and the test rows.</summary>
    public static (TextVectors Train, TextVectors Test) Read(OutcomeTable train, OutcomeTable test)
    {
        var learned = s_learned.GetValue(train, static table => new Learned(table));
        return (learned.Own.Value, learned.Others.GetValue(test, table => new Lazy<TextVectors>(() => learned.Transform(table.Queries))).Value);
    }

    private sealed class Learned
    {
        private readonly Lazy<(PromptEncoder Encoder, double[] Features, double[] Mean, double[] Scale)> _fit;

        public Learned(OutcomeTable train)
        {
            _fit = new(() => Fit(train.Queries));
            Own = new(() => Standardise(_fit.Value.Features));
        }

        public Lazy<TextVectors> Own { get; }

        public ConditionalWeakTable<OutcomeTable, Lazy<TextVectors>> Others { get; } = [];

        public TextVectors Transform(IReadOnlyList<string> queries) => Standardise(Encode(_fit.Value.Encoder, queries));

        private static (PromptEncoder Encoder, double[] Features, double[] Mean, double[] Scale) Fit(IReadOnlyList<string> queries)
        {
            var encoder = PromptEncoder.Learn(queries, Seed, vectors: Snapshot.Default.Encoder.Vectors);
            var features = Encode(encoder, queries);
            var (mean, scale) = (new double[Length], new double[Length]);
            for (var row = 0; row < features.Length; row += Length)
            {
                TensorPrimitives.Add<double>(mean, features.AsSpan(row, Length), mean);
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

        private static double[] Encode(PromptEncoder encoder, IReadOnlyList<string> queries)
        {
            var features = new double[queries.Count * Length];
            Parallel.For(0, queries.Count, () => new RequestEncoding(), (i, _, scratch) =>
            {
                encoder.Encode(queries[i], scratch);
                TensorPrimitives.ConvertChecked<float, double>(scratch.Features, features.AsSpan(i * Length, Length));
                return scratch;
            }, _ => { });
            return features;
        }

        private TextVectors Standardise(double[] features)
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
