using System.Security.Cryptography;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Routing;

/// <summary>Receipts to test with.</summary>
internal static class SomeReceipts
{
    /// <summary>2026-01-01.</summary>
    public const long Now = 1_767_225_600_000;

    public static ReceiptKey Key(byte id) => new(id, SHA256.HashData([id]));

    /// <summary>Made at <see cref="Now"/> for tenant 10, user 20.</summary>
    public static Receipt Some() => new()
    {
        TenantHash = 10,
        UserHash = 20,
        DecisionTimeMs = Now,
        Nonce = 7,
        ChosenModel = 30,
        Propensity = 0.9f,
        First = new Outcome(0.8f, 0.01f, 2f),
        Middle = new Outcome(0.5f, 0.002f, 1f),
        Features = new ReceiptFeatures([0.5f, -0.25f]),
    };

    public static Receipt Any(Random random) => new()
    {
        TenantHash = (ulong)random.NextInt64(),
        UserHash = (ulong)random.NextInt64(),
        DecisionTimeMs = random.NextInt64(SignalKey.MaxDecisionTimeMs),
        Nonce = (uint)random.Next((int)SignalKey.MaxNonce + 1),
        Erasure = (ushort)random.Next(ushort.MaxValue + 1),
        SnapshotVersion = (ulong)random.NextInt64(),
        CatalogVersion = (ulong)random.NextInt64(),
        ChosenModel = (uint)random.Next(1, int.MaxValue),
        OfferedModel = (uint)random.Next(),
        Propensity = 1 - random.NextSingle(),
        PairPropensity = random.NextSingle(),
        IsExplored = random.Next(2) == 0,
        IsComparison = random.Next(2) == 0,
        Topic = (byte)random.Next(64),
        First = AnyOutcome(random),
        Offered = AnyOutcome(random),
        Middle = AnyOutcome(random),
        InputTokens = random.Next(100_000),
        OutputTokens = random.NextSingle() * 1_000,
        Features = new ReceiptFeatures([.. Enumerable.Range(0, random.Next(17)).Select(_ => (random.NextSingle() * 8) - 4)]),
    };

    private static Outcome AnyOutcome(Random random) => new(random.NextSingle(), random.NextSingle(), random.NextSingle() * 60);
}
