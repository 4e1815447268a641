using System.Numerics.Tensors;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// One immutable version of everything users share: the encoder, what is known of each model, the calibration sample and the prior.
/// A decision uses one snapshot throughout, and its receipt names the version. <see cref="SnapshotCodec"/> reads and writes it.
/// </summary>
public sealed class Snapshot
{
    private static readonly Lazy<Snapshot> Shipped = new(static () =>
    {
        using var stream = typeof(Snapshot).Assembly.GetManifestResourceStream("default.mrsnap")
            ?? throw new SnapshotFormatException(
                "This build carries no snapshot: src/MetaRouter.Core/Snapshots/default.mrsnap is missing. Train one with 'metarouter train' and name it in the options.");
        return ReadInPlace((UnmanagedMemoryStream)stream);
    });

    /// <summary>The snapshot that ships; see <c>default.txt</c> beside its file for what it was trained on and how well it does.</summary>
    public static Snapshot Default => Shipped.Value;

    /// <summary>Reads from the mapped assembly: a copy of megabytes, read once, would stay on the large object heap.</summary>
    private static unsafe Snapshot ReadInPlace(UnmanagedMemoryStream stream) => SnapshotCodec.Read(new ReadOnlySpan<byte>(stream.PositionPointer, checked((int)stream.Length)));

    private QualityUncertainty? _uncertainty;

    /// <param name="version">The content's version, where it is known already: computing it writes the whole content.</param>
    internal Snapshot(
        string origin,
        PromptEncoder encoder,
        float[] projection,
        GatedForests forest,
        IReadOnlyList<ModelProfile> models,
        IReadOnlyList<ModelHead> heads,
        float outcomeCorrelation,
        CalibrationSample calibration,
        PopulationPrior prior,
        ulong? version = null)
    {
        Origin = origin;
        Encoder = encoder;
        Projection = projection;
        Forest = forest;
        Models = models;
        Heads = heads;
        OutcomeCorrelation = outcomeCorrelation;
        Calibration = calibration;
        Prior = prior;
        Numbers = models.Select((m, i) => (m.Id, i)).ToDictionary(p => p.Id, p => p.i);
        Version = version ?? SnapshotCodec.ContentHash(this);
    }

    /// <summary>Where it comes from, for people: files, rows, seed.</summary>
    public string Origin { get; }

    /// <summary>The first eight bytes of the content's SHA-256.</summary>
    public ulong Version { get; }

    public PromptEncoder Encoder { get; }

    /// <summary>(1 + rank) x <see cref="PromptEncoder.Features"/>.</summary>
    internal float[] Projection { get; }

    internal GatedForests Forest { get; }

    /// <summary>The models it was trained on, at the prices of the training data.</summary>
    public IReadOnlyList<ModelProfile> Models { get; }

    public IReadOnlyList<ModelHead> Heads { get; }

    /// <summary>Correlation of two models' outcomes on one request beyond what is predicted, 0 to 1.</summary>
    public float OutcomeCorrelation { get; }

    public CalibrationSample Calibration { get; }

    public PopulationPrior Prior { get; }

    /// <summary>How sure its predictions are. Computed once, whatever prior is served with it.</summary>
    internal QualityUncertainty Uncertainty => _uncertainty ??= QualityUncertainty.Of(this);

    /// <summary>The number of each model, by name.</summary>
    internal IReadOnlyDictionary<ModelId, int> Numbers { get; }

    /// <summary>Tokens for each unit that a model was metered in: 1, or, where nobody counted tokens, the factor that makes its mean call a typical one.</summary>
    internal float TokensOfUnit(int model)
    {
        if (!PriceFit.IsNominal(Models[model]))
        {
            return 1;
        }

        var units = Calibration.OutputTokens.Where((_, c) => Calibration.Model[c] == model).DefaultIfEmpty().Average();
        return units > 0 ? (float)(ModelProfile.TypicalTokens / units) : 1;
    }

    /// <summary>What a head reads of a request: (d.x, P x), and the leaf of the forests it is known to.</summary>
    internal void Describe(ReadOnlySpan<float> x, ushort knownTo, Span<float> projected, Span<float> leaf)
    {
        for (var j = 0; j < projected.Length; j++)
        {
            projected[j] = TensorPrimitives.Dot(Projection.AsSpan(j * x.Length, x.Length), x);
        }

        Forest.Predict(x, [knownTo], Forest.Worth([knownTo]), leaf);
    }

    /// <summary>The same models and encoder with another prior: what a refresh publishes.</summary>
    public Snapshot WithPrior(PopulationPrior prior) => new(Origin, Encoder, Projection, Forest, Models, Heads, OutcomeCorrelation, Calibration, prior) { _uncertainty = _uncertainty };
}
