using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;

namespace MetaRouter.Core.MetaLearning;

/// <summary>How a snapshot is trained. The defaults are what the benchmarks report.</summary>
public sealed record TrainingOptions
{
    /// <summary>A receipt carries what a request asks for, a number for each, and the difficulty beside them.</summary>
    public const int MaxRank = ReceiptFeatures.MaxCount - 1;

    /// <value>Default 1. Same rows, options and seed give the same bytes on one class of CPU.</value>
    public int Seed { get; init; } = 1;

    /// <value>Length of the ability vectors; default 7, from 1 to <see cref="MaxRank"/>.</value>
    public int Rank { get; init; } = 7;

    /// <value>Penalties tried for the low-rank logistic model; one at least, each finite, 0 or more.</value>
    public IReadOnlyList<float> Decays { get; init; } = [1e-4f, 3e-4f, 1e-3f, 3e-3f, 1e-2f];

    /// <value>Trees of the forest; default 100, at least 1.</value>
    public int Trees { get; init; } = 100;

    /// <value>Rows in the smallest leaf at least this share of all rows, and at least 16; default 1/1000, 0 to 1. Keeps a large snapshot small.</value>
    public double LeafShare { get; init; } = 0.001;

    /// <value>Parts for the calibration sample's cross-fitting, 2 or more; default 3. 0: no sample (and no value table).</value>
    public int CalibrationFolds { get; init; } = 3;

    /// <value>Requests kept in the calibration sample at most; default 4,000, 0 or more.</value>
    public int CalibrationRows { get; init; } = 4000;

    /// <value>N-grams the encoder reads; default all. Less is for measuring what a family buys.</value>
    public NgramFamilies Families { get; init; } = NgramFamilies.All;

    /// <value>What words mean, learned from unlabelled text; null (the default): what the shipped snapshot knows of them.</value>
    public WordVectors? Vectors { get; init; }

    /// <exception cref="ArgumentException">An option is outside its range; every problem is named.</exception>
    public void Validate()
    {
        var problems = new List<string>();
        if (Rank is not (>= 1 and <= MaxRank))
        {
            problems.Add($"{nameof(Rank)} is {Rank}; set a length from 1 to {MaxRank}, as many as a receipt carries");
        }

        if (Decays is not { Count: > 0 } || !Decays.All(d => d >= 0 && float.IsFinite(d)))
        {
            problems.Add($"{nameof(Decays)} is [{string.Join(", ", Decays ?? [])}]; name one penalty to try at least, each a finite number, 0 or more");
        }

        if (Trees < 1)
        {
            problems.Add($"{nameof(Trees)} is {Trees}; set 1 or more");
        }

        if (LeafShare is not (>= 0 and <= 1))
        {
            problems.Add($"{nameof(LeafShare)} is {LeafShare}; set a share of the rows from 0 to 1");
        }

        if (CalibrationFolds is not (0 or >= 2))
        {
            problems.Add($"{nameof(CalibrationFolds)} is {CalibrationFolds}; set 2 or more, since each part is predicted by a fit on the others, or 0 for no sample");
        }

        if (CalibrationRows < 0)
        {
            problems.Add($"{nameof(CalibrationRows)} is {CalibrationRows}; set 0 or more");
        }

        if (problems.Count > 0)
        {
            throw new ArgumentException("The training options cannot be used: " + string.Join("; ", problems) + ".");
        }
    }
}
