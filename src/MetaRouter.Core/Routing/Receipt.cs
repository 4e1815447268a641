using MetaRouter.Core.Catalog;
using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Routing;

/// <summary>
/// What a decision must bring to its feedback: enough to learn from it with no other memory of it. Travels sealed, see <see cref="ReceiptSealer"/>.
/// Two receipts are equal when every part is.
/// </summary>
public readonly record struct Receipt
{
    /// <summary>From <see cref="Users.IdentityHash"/>.</summary>
    public required ulong TenantHash { get; init; }

    /// <summary>From <see cref="Users.IdentityHash"/>.</summary>
    public required ulong UserHash { get; init; }

    /// <summary>Unix milliseconds, 0 to 2^46 - 1.</summary>
    public required long DecisionTimeMs { get; init; }

    /// <summary>24 bits that tell apart two decisions of one millisecond.</summary>
    public required uint Nonce { get; init; }

    /// <summary>The user's last erasure that the decision knew of, by <see cref="Routing.Erasure.Name"/>; 0: none.</summary>
    public ushort Erasure { get; init; }

    /// <summary>The snapshot that predicted.</summary>
    public ulong SnapshotVersion { get; init; }

    /// <summary>The catalog that was chosen from.</summary>
    public ulong CatalogVersion { get; init; }

    /// <summary>The model that was chosen, by <see cref="HashOf"/>.</summary>
    public required uint ChosenModel { get; init; }

    /// <summary>The second model that was offered, by <see cref="HashOf"/>; 0: none.</summary>
    public uint OfferedModel { get; init; }

    /// <summary>The exact probability with which the policy chose; above 0, at most 1.</summary>
    public required float Propensity { get; init; }

    /// <summary>The probability of offering this pair; 0 where none was offered, at most 1.</summary>
    public float PairPropensity { get; init; }

    /// <summary>The choice was not the one of greatest expected utility.</summary>
    public bool IsExplored { get; init; }

    /// <summary>Two answers were shown; such decisions stay out of single-choice estimates.</summary>
    public bool IsComparison { get; init; }

    /// <summary>What the request is about: a code of <see cref="Text.TopicGroups"/>, 1 to 63; 0: not known.</summary>
    public byte Topic { get; init; }

    /// <summary>What was predicted of the chosen model.</summary>
    public required Outcome First { get; init; }

    /// <summary>What was predicted of the offered model; all zero: none.</summary>
    public Outcome Offered { get; init; }

    /// <summary>The middle of the allowed pool as predicted: what feedback that names no second model is weighed against.</summary>
    public required Outcome Middle { get; init; }

    /// <summary>Prompt tokens, 0 or more.</summary>
    public float InputTokens { get; init; }

    /// <summary>Predicted completion tokens of the chosen model, 0 or more.</summary>
    public float OutputTokens { get; init; }

    /// <summary>The request as the predictor saw it.</summary>
    public ReceiptFeatures Features { get; init; }

    /// <summary>
    /// Names a model in 32 bits: the same on every machine, never 0. Look it up among the models of the catalog;
    /// a full catalog of 1,024 has two alike with a chance of 1 in 8,000.
    /// </summary>
    public static uint HashOf(ModelId model) => Math.Max(Fnv1a.Of(model.Value), 1);
}
