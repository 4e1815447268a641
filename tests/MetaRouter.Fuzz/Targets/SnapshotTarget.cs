using System.Buffers.Binary;
using System.Security.Cryptography;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.MetaLearning;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;

namespace MetaRouter.Fuzz.Targets;

/// <summary>
/// Snapshots damaged at their counts, indices and numbers, nine in ten with the checksum mended; and packed ones whose length lies. A file is refused with
/// <see cref="SnapshotFormatException"/>, or is read to a snapshot that writes the same bytes, decides among its models and among some it never saw, and takes in another.
/// </summary>
internal sealed class SnapshotTarget : FuzzTarget
{
    private const int HashBytes = 32;

    private static readonly RequestEncoding Scratch = new();
    private static readonly RoutingPolicy Policy = new(new ReceiptSealer([new ReceiptKey(1, new byte[ReceiptKey.SecretBytes])]), new Guardrails(), new ExplorationPolicy());

    private static readonly string[] Asked = ["What is the pH of the mixture?", "Compute 3 + 4 * 5 = ? Give the number.", ""];
    private static readonly GradedAnswer[] Graded = [new("Compute 3 + 4 = ?", 1, 40), new("Write a poem about the sea", 0)];

    private readonly byte[][] _written;
    private readonly int[][][] _fields; // of each snapshot, by kind: there are thousands of nodes and one gate
    private readonly Mutator _packed;

    public SnapshotTarget()
        : base("snapshots", 8 << 20)
    {
        var hand = SomeSnapshots.ByHand([new("small", 0.5f, 1), new("large", 0.8f, 10)], SomeSnapshots.Sample(2, 0, 1, 1, 1, 0, 0, 0, 1));
        _written = [SnapshotCodec.Write(hand), .. new[] { SomeSnapshots.TwoKinds, SomeSnapshots.TwoTopics, SomeSnapshots.TwoSourcesOfTwoTopics }.Select(SnapshotCodec.Write)];
        _fields = [.. _written.Select(w => SnapshotLayout.Of(w).GroupBy(f => string.Concat(f.Key.Where(c => !char.IsAsciiDigit(c))), f => f.Value).Select(g => g.ToArray()).ToArray())];
        _packed = new Mutator([SnapshotCodec.Pack(_written[0])], isText: false, "MRSNAPSZ", "MRSNAPSH");
    }

    public override string Reads => "`SnapshotCodec.Read`, a decision by it";

    public override long MemoryLimit(int length) => (64 << 20) + (16L * length);

    public override void Draw(Chance chance)
    {
        if (chance.OneIn(4))
        {
            _packed.Draw(chance, Input);
            return;
        }

        var which = chance.Next(_written.Length);
        Input.Set(_written[which]);
        for (var changes = 1 + chance.Next(3); changes > 0 && Input.Length > 64 + HashBytes; changes--)
        {
            Change(chance, Math.Clamp(chance.Of<int>(chance.Of<int[]>(_fields[which])) + (chance.OneIn(4) ? chance.Next(-8, 64) : 0), 0, Input.Length - HashBytes - 9));
        }

        if (Input.Length > HashBytes && !chance.OneIn(10))
        {
            SHA256.HashData(Input.Bytes[..^HashBytes], Input.Bytes[^HashBytes..]);
        }
    }

    public override bool Run()
    {
        Snapshot snapshot;
        try
        {
            snapshot = SnapshotCodec.Read(Input.Bytes);
        }
        catch (SnapshotFormatException e)
        {
            Promise(e.Message.Length > 20, "A refusal without a reason.");
            return false;
        }

        if (Input.Bytes.StartsWith("MRSNAPSH"u8))
        {
            Promise(SnapshotCodec.Write(snapshot).AsSpan().SequenceEqual(Input.Bytes), "Reading and writing changes a snapshot.");
        }

        Decides(RoutingPool.OfSnapshot(snapshot));
        ModelProfile[] some = [.. snapshot.Models.Take(4)];
        ModelProfile[] fresh = [.. new[] { Fresh("priced"), Fresh("like") with { Sibling = some[^1].Id } }.Where(m => !snapshot.Models.Any(known => known.Id == m.Id))];
        Decides(new RoutingPool(snapshot, new ModelCatalog([.. some.Take(1), .. fresh])));
        if (fresh.Length > 0)
        {
            Decides(RoutingPool.OfSnapshot(ModelArrival.Add(snapshot, fresh[^1], Graded)));
        }

        return true;
    }

    private static ModelProfile Fresh(string id) => new(new ModelId(id), new PricePerMillionTokens(1), new PricePerMillionTokens(3));

    private static void Decides(RoutingPool pool)
    {
        foreach (var text in Asked)
        {
            var decision = new UserModel(pool, UserState.Empty).Decide(new RouteRequest(text), Policy, new DecisionMoment(1, 2, 3, 4, 0.5), Scratch);
            Promise(decision.Candidates.All(c => c.Predicted.IsValid), "A prediction out of its range.");
        }
    }

    private void Change(Chance chance, int at)
    {
        var bytes = Input.Bytes[at..];
        switch (chance.Next(8))
        {
            case 0:
                bytes[0] ^= (byte)(1 << chance.Next(8));
                break;
            case 1 or 2:
                BinaryPrimitives.WriteInt32LittleEndian(bytes, chance.Of([-1, 0, 1, 2, 255, 256, 65_535, int.MaxValue, int.MinValue, 1 << 28]));
                break;
            case 3:
                BinaryPrimitives.WriteInt32LittleEndian(bytes, BinaryPrimitives.ReadInt32LittleEndian(bytes) + chance.Next(-2, 3));
                break;
            case 4:
                BinaryPrimitives.WriteSingleLittleEndian(bytes, chance.Of([float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.MinValue, float.Epsilon, -0f, -1, 1e30f, 1e9f, -1e9f, 100, -100]));
                break;
            case 5:
                BinaryPrimitives.WriteDoubleLittleEndian(bytes, chance.Of([double.NaN, double.PositiveInfinity, double.MaxValue, double.Epsilon, -0.0, -1, 1e300]));
                break;
            case 6:
                BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)chance.Of([0, 1, 2, 0x7C00, 0x7E00, 0x8000, 0xFC00, 0xFFFF]));
                break;
            default:
                Span<byte> more = stackalloc byte[chance.Next(16)];
                chance.NextBytes(more);
                Input.Replace(at, Math.Min(chance.Next(16), Input.Length - at - HashBytes), more);
                if (chance.OneIn(4))
                {
                    Input.Cut(at + HashBytes + 9);
                }

                break;
        }
    }
}
