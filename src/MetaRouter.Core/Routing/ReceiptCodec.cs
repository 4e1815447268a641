using System.Buffers.Binary;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Routing;

/// <summary>The plain bytes of a receipt, version 1: every part at a fixed place, little-endian, so that a sealed one tells nothing by its length.</summary>
internal static class ReceiptCodec
{
    /// <summary>137: with the seal's 31 bytes a multiple of 3, so that in base64 no bit of the last character is left open and one receipt has one spelling.</summary>
    public const int Bytes = FeaturesAt + 1 + (ReceiptFeatures.MaxCount * sizeof(ushort));

    /// <summary>The decision's time leaves the upper bits of its place free: the erasure's name is there.</summary>
    private const int ErasureShift = 48;

    private const int OutcomesAt = 60;
    private const int OutcomeBytes = 12;
    private const int TokensAt = OutcomesAt + (3 * OutcomeBytes);
    private const int FeaturesAt = TokensAt + 8;

    /// <exception cref="ArgumentException">A part is outside its range; the message names it.</exception>
    public static void Write(in Receipt receipt, Span<byte> to)
    {
        Check(receipt);
        BinaryPrimitives.WriteUInt64LittleEndian(to, receipt.TenantHash);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], receipt.UserHash);
        BinaryPrimitives.WriteInt64LittleEndian(to[16..], receipt.DecisionTimeMs | ((long)receipt.Erasure << ErasureShift));
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], receipt.SnapshotVersion);
        BinaryPrimitives.WriteUInt64LittleEndian(to[32..], receipt.CatalogVersion);
        BinaryPrimitives.WriteUInt32LittleEndian(to[40..], receipt.ChosenModel);
        BinaryPrimitives.WriteUInt32LittleEndian(to[44..], receipt.OfferedModel);
        BinaryPrimitives.WriteUInt32LittleEndian(to[48..], receipt.Nonce | (receipt.IsExplored ? 1u << 24 : 0) | (receipt.IsComparison ? 1u << 25 : 0) | ((uint)receipt.Topic << 26));
        BinaryPrimitives.WriteSingleLittleEndian(to[52..], receipt.Propensity);
        BinaryPrimitives.WriteSingleLittleEndian(to[56..], receipt.PairPropensity);
        Write(receipt.First, to[OutcomesAt..]);
        Write(receipt.Offered, to[(OutcomesAt + OutcomeBytes)..]);
        Write(receipt.Middle, to[(OutcomesAt + (2 * OutcomeBytes))..]);
        BinaryPrimitives.WriteSingleLittleEndian(to[TokensAt..], receipt.InputTokens);
        BinaryPrimitives.WriteSingleLittleEndian(to[(TokensAt + 4)..], receipt.OutputTokens);
        var values = receipt.Features.Values;
        to[FeaturesAt] = (byte)values.Length;
        to[(FeaturesAt + 1)..Bytes].Clear();
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteHalfLittleEndian(to[(FeaturesAt + 1 + (2 * i))..], values[i]);
        }
    }

    /// <param name="from">Bytes that <see cref="Write(in Receipt, Span{byte})"/> made: they are authenticated before they come here, so they are not checked again.</param>
    public static Receipt Read(ReadOnlySpan<byte> from)
    {
        var time = BinaryPrimitives.ReadInt64LittleEndian(from[16..]);
        var marks = BinaryPrimitives.ReadUInt32LittleEndian(from[48..]);
        Span<float> features = stackalloc float[from[FeaturesAt]];
        for (var i = 0; i < features.Length; i++)
        {
            features[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(from[(FeaturesAt + 1 + (2 * i))..]);
        }

        return new Receipt
        {
            TenantHash = BinaryPrimitives.ReadUInt64LittleEndian(from),
            UserHash = BinaryPrimitives.ReadUInt64LittleEndian(from[8..]),
            DecisionTimeMs = time & ((1L << ErasureShift) - 1),
            Erasure = (ushort)(time >>> ErasureShift),
            SnapshotVersion = BinaryPrimitives.ReadUInt64LittleEndian(from[24..]),
            CatalogVersion = BinaryPrimitives.ReadUInt64LittleEndian(from[32..]),
            ChosenModel = BinaryPrimitives.ReadUInt32LittleEndian(from[40..]),
            OfferedModel = BinaryPrimitives.ReadUInt32LittleEndian(from[44..]),
            Nonce = marks & SignalKey.MaxNonce,
            IsExplored = (marks >> 24 & 1) != 0,
            IsComparison = (marks >> 25 & 1) != 0,
            Topic = (byte)(marks >> 26),
            Propensity = BinaryPrimitives.ReadSingleLittleEndian(from[52..]),
            PairPropensity = BinaryPrimitives.ReadSingleLittleEndian(from[56..]),
            First = ReadOutcome(from[OutcomesAt..]),
            Offered = ReadOutcome(from[(OutcomesAt + OutcomeBytes)..]),
            Middle = ReadOutcome(from[(OutcomesAt + (2 * OutcomeBytes))..]),
            InputTokens = BinaryPrimitives.ReadSingleLittleEndian(from[TokensAt..]),
            OutputTokens = BinaryPrimitives.ReadSingleLittleEndian(from[(TokensAt + 4)..]),
            Features = new ReceiptFeatures(features),
        };
    }

    private static void Write(Outcome outcome, Span<byte> to)
    {
        BinaryPrimitives.WriteSingleLittleEndian(to, outcome.Quality);
        BinaryPrimitives.WriteSingleLittleEndian(to[4..], outcome.CostUsd);
        BinaryPrimitives.WriteSingleLittleEndian(to[8..], outcome.LatencySeconds);
    }

    private static Outcome ReadOutcome(ReadOnlySpan<byte> from) => new(
        BinaryPrimitives.ReadSingleLittleEndian(from),
        BinaryPrimitives.ReadSingleLittleEndian(from[4..]),
        BinaryPrimitives.ReadSingleLittleEndian(from[8..]));

    private static void Check(in Receipt receipt)
    {
        var problem =
            receipt.DecisionTimeMs is < 0 or > SignalKey.MaxDecisionTimeMs ? $"decision time is {receipt.DecisionTimeMs}; it must be Unix milliseconds from 0 to {SignalKey.MaxDecisionTimeMs}"
            : receipt.Nonce > SignalKey.MaxNonce ? $"nonce is {receipt.Nonce}; it must fit 24 bits"
            : receipt.Topic >= Text.TopicGroups.Codes ? $"topic is {receipt.Topic}; it must fit 6 bits"
            : receipt.ChosenModel == 0 ? "chosen model is 0, which stands for none"
            : receipt.Propensity is not (> 0 and <= 1) ? $"propensity is {receipt.Propensity}; it must be above 0 and at most 1"
            : receipt.PairPropensity is not (>= 0 and <= 1) ? $"pair propensity is {receipt.PairPropensity}; it must be 0 to 1"
            : !receipt.First.IsValid ? $"outcome of the chosen model is {receipt.First}; quality must be 0 to 1, cost and latency finite and 0 or more"
            : !receipt.Offered.IsValid ? $"outcome of the offered model is {receipt.Offered}; quality must be 0 to 1, cost and latency finite and 0 or more"
            : !receipt.Middle.IsValid ? $"outcome of the pool's middle is {receipt.Middle}; quality must be 0 to 1, cost and latency finite and 0 or more"
            : receipt.InputTokens is not (>= 0 and < float.PositiveInfinity) ? $"count of input tokens is {receipt.InputTokens}; it must be finite and 0 or more"
            : receipt.OutputTokens is not (>= 0 and < float.PositiveInfinity) ? $"count of output tokens is {receipt.OutputTokens}; it must be finite and 0 or more"
            : null;
        if (problem is not null)
        {
            throw new ArgumentException($"A receipt's {problem}.", nameof(receipt));
        }
    }
}
