using System.Buffers.Binary;
using System.Security.Cryptography;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.MetaLearning;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;

namespace MetaRouter.Fuzz.Targets;

/// <summary>
/// Snapshots damaged at their counts, indices and numbers, nine in ten with the checksum mended; and packed ones whose length lies. A file is refused with
/// <see cref="SnapshotFormatException"/>, or is read to a snapshot that writes the same bytes and decides.
/// </summary>
internal sealed class SnapshotTarget : FuzzTarget
{
    private const int HashBytes = 32;

    private static readonly RequestEncoding Scratch = new();
    private static readonly RoutingPolicy Policy = new(new ReceiptSealer([new ReceiptKey(1, new byte[ReceiptKey.SecretBytes])]), new Guardrails(), new ExplorationPolicy());

    private readonly byte[][] _written;
    private readonly int[][] _fields;
    private readonly Mutator _packed;

    public SnapshotTarget()
        : base("snapshots", 8 << 20)
    {
        var hand = SomeSnapshots.ByHand([new("small", 0.5f, 1), new("large", 0.8f, 10)], SomeSnapshots.Sample(2, 0, 1, 1, 1, 0, 0, 0, 1));
        _written = [SnapshotCodec.Write(hand), SnapshotCodec.Write(SomeSnapshots.TwoKinds)];
        _fields = [.. _written.Select(w => SnapshotLayout.Of(w).Values.ToArray())];
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
            Change(chance, Math.Clamp(chance.Of<int>(_fields[which]) + (chance.OneIn(4) ? chance.Next(-8, 64) : 0), 0, Input.Length - HashBytes - 9));
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

        var decision = new UserModel(RoutingPool.OfSnapshot(snapshot), UserState.Empty).Decide(new RouteRequest("What is the pH of the mixture?"), Policy, new DecisionMoment(1, 2, 3, 4, 0.5), Scratch);
        Promise(decision.Candidates.All(c => c.Predicted.IsValid), "A prediction out of its range.");
        return true;
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
                BinaryPrimitives.WriteSingleLittleEndian(bytes, chance.Of([float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.MinValue, float.Epsilon, -0f, -1, 1e30f]));
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
