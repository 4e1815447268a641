using MetaRouter.Core.Text;

namespace MetaRouter.Core.MetaLearning;

/// <summary>How a snapshot is trained. The defaults are what the benchmarks report.</summary>
public sealed record TrainingOptions
{
    /// <value>Default 1. Same rows, options and seed give the same bytes on one class of CPU.</value>
    public int Seed { get; init; } = 1;

    /// <value>Length of the ability vectors; default 7, from 1 to 15.</value>
    public int Rank { get; init; } = 7;

    /// <value>Penalties tried for the low-rank logistic model.</value>
    public IReadOnlyList<float> Decays { get; init; } = [1e-4f, 3e-4f, 1e-3f, 3e-3f, 1e-2f];

    /// <value>Trees of the forest; default 100.</value>
    public int Trees { get; init; } = 100;

    /// <value>Rows in the smallest leaf at least this share of all rows, and at least 16; default 1/1000. Keeps a large snapshot small.</value>
    public double LeafShare { get; init; } = 0.001;

    /// <value>Parts for the calibration sample's cross-fitting; 0: no sample (and no value table), default 3.</value>
    public int CalibrationFolds { get; init; } = 3;

    /// <value>Requests kept in the calibration sample at most; default 4,000.</value>
    public int CalibrationRows { get; init; } = 4000;

    /// <value>N-grams the encoder reads; default all. Less is for measuring what a family buys.</value>
    public NgramFamilies Families { get; init; } = NgramFamilies.All;

    /// <value>What words mean, learned from unlabelled text; null (the default): what the shipped snapshot knows of them.</value>
    public WordVectors? Vectors { get; init; }
}
