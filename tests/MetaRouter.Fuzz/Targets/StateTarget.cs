using System.Buffers.Binary;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.Users;
using MetaRouter.Core.Users;

namespace MetaRouter.Fuzz.Targets;

/// <summary>
/// Records of users, damaged; seven in eight with length and checksum mended, so that what lies behind them is reached. A record is refused with a reason, or is
/// read to a state that writes the same bytes, joins in any order, and can be believed.
/// </summary>
internal sealed class StateTarget : FuzzTarget
{
    private readonly byte[][] _records;
    private readonly UserState[] _states;
    private readonly Mutator _mutator;
    private readonly RoutingPool _pool = RoutingPool.OfSnapshot(Snapshot.Default);
    private int _believed;

    public StateTarget()
        : base("states", UserState.MaxBytes + 1024)
    {
        var random = new Random(1);
        _states = [.. Enumerable.Range(0, 65).Select(n => SomeSignals.State(n % 3 == 0
            ? Enumerable.Range(0, n).Select(_ => SomeSignals.Colliding(random))
            : SomeSignals.Spread(random, n, days: 1 + (n * n / 4.0), latestMs: 1L << (n / 2), withLatency: n % 2 == 0)))];
        _records = [.. _states.Select(s => s.ToBytes())];
        _mutator = new Mutator(_records, isText: false);
    }

    public override string Reads => "`UserState.Read`, `Merge`, the belief";

    public override void Draw(Chance chance)
    {
        if (chance.OneIn(4))
        {
            // Valid by construction: the joins and the belief see states of all sorts too.
            var state = _states[chance.Next(_states.Length)];
            for (var more = chance.Next(4); more > 0; more--)
            {
                state = state.Add(SomeSignals.Colliding(chance));
            }

            Input.Set(state.ToBytes());
            return;
        }

        _mutator.Draw(chance, Input);
        if (Input.Length >= 9 && !chance.OneIn(8))
        {
            var bytes = Input.Bytes;
            (bytes[0], bytes[1]) = (UserStateCodec.Magic, UserStateCodec.Version);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], (ushort)bytes.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[^4..], UserStateCodec.Checksum(bytes[..^4]));
        }
    }

    public override bool Run()
    {
        if (!UserState.TryRead(Input.Bytes, out var state, out var error))
        {
            Promise(error.Length > 20 && state is null, "A refusal without a reason.");
            return false;
        }

        Promise(state.ToBytes().AsSpan().SequenceEqual(Input.Bytes), "Reading and writing changes a record.");
        var other = _states[Input.Length % _states.Length];
        var join = state.Merge(other).ToBytes();
        Promise(join.AsSpan().SequenceEqual(other.Merge(state).ToBytes()), "Joining depends on the order.");
        Promise(UserState.Read(join).Merge(state).ToBytes().AsSpan().SequenceEqual(join), "Joining again changes a state.");
        if (_believed++ % 256 == 0)
        {
            var belief = new UserModel(_pool, state).Belief;
            Promise(belief.Quantile(0.05) >= 0 && double.IsFinite(belief.Quantile(0.95)), $"A belief that is none: {belief.Quantile(0.05)} to {belief.Quantile(0.95)}.");
        }

        return true;
    }
}
