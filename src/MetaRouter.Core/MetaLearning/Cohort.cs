using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using MetaRouter.Core.Preferences;

namespace MetaRouter.Core.MetaLearning;

/// <summary>
/// The evidence of a bounded number of users, those who spoke last: what the E-step of <see cref="MetaLearner"/> runs over.
/// A user who speaks again replaces what was there, so everybody counts once.
/// </summary>
/// <remarks>
/// A user's log likelihood is kept relative to its greatest, in steps of 0.05 nats down to -12.75: 144 bytes instead of 576, an error of at most 0.025 nats,
/// and a bound on how much anyone may rule out. With a byte a hypothesis, the exponential is a table of 256.
/// <see cref="Expect"/> is O(users x hypotheses), about 0.2 us a user and core. Not thread-safe.
/// </remarks>
public sealed class Cohort
{
    private const float Step = 0.05f;
    private const int BlockUsers = 256;
    private const int HeldOutEvery = 5;
    private const int Width = ChoiceModel.Hypotheses;

    private static readonly float[] Likelihood = [.. Enumerable.Range(0, 256).Select(q => MathF.Exp(-q * Step))];

    private readonly int _capacity;
    private readonly Dictionary<ulong, int> _slots = [];
    private readonly List<byte[]> _blocks = [];
    private readonly List<(ulong User, long Order)> _users = [];
    private long _order;

    /// <param name="capacity">The most users kept; a quarter more for a while, since finding the oldest looks at all.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is below 1.</exception>
    public Cohort(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _capacity = capacity;
    }

    public int Count => _users.Count;

    /// <summary>Told of every user who is dropped for want of room: of those who spoke earliest.</summary>
    public Action<ulong> OnDropped { get; set; } = static _ => { };

    /// <summary>Which part a user is in.</summary>
    /// <param name="user">A well mixed hash.</param>
    public static CohortPart PartOf(ulong user) => user % HeldOutEvery == 0 ? CohortPart.HeldOut : CohortPart.Taught;

    /// <summary>The user's evidence, in place of what was there.</summary>
    /// <param name="user">A well mixed hash; which part the user is in depends on it.</param>
    /// <exception cref="ArgumentException">The summary is over another number of hypotheses, or holds a number that is not finite.</exception>
    public void Put(ulong user, TaskSummary summary)
    {
        ArgumentNullException.ThrowIfNull(summary);
        if (summary.LogLikelihood.Length != Width)
        {
            throw new ArgumentException($"The summary is over {summary.LogLikelihood.Length} hypotheses; this version has {Width}.", nameof(summary));
        }

        if (summary.Signals <= 0)
        {
            Remove(user);
            return;
        }

        Span<byte> packed = stackalloc byte[Width];
        Pack(summary.LogLikelihood, packed);
        Put(user, packed);
    }

    /// <summary>As <see cref="Put(ulong, TaskSummary)"/>, of evidence that was packed elsewhere.</summary>
    /// <exception cref="ArgumentException">It has another length than <see cref="ChoiceModel.Hypotheses"/>.</exception>
    public void Put(ulong user, ReadOnlySpan<byte> packed)
    {
        if (packed.Length != Width)
        {
            throw new ArgumentException($"The packed evidence has {packed.Length} bytes; this version has {Width}.", nameof(packed));
        }

        ref var slot = ref CollectionsMarshal.GetValueRefOrAddDefault(_slots, user, out var exists);
        if (!exists)
        {
            slot = _users.Count;
            _users.Add(default);
            if (slot % BlockUsers == 0)
            {
                _blocks.Add(new byte[BlockUsers * Width]);
            }
        }

        _users[slot] = (user, ++_order);
        packed.CopyTo(Evidence(slot));
        if (_users.Count > _capacity + Math.Max(1, _capacity / 4))
        {
            KeepLatest(_capacity);
        }
    }

    /// <summary>Takes a user out.</summary>
    /// <returns>False: there was none.</returns>
    public bool Remove(ulong user)
    {
        if (!_slots.Remove(user, out var slot))
        {
            return false;
        }

        var last = _users.Count - 1;
        if (slot != last)
        {
            Evidence(last).CopyTo(Evidence(slot));
            _users[slot] = _users[last];
            _slots[_users[slot].User] = slot;
        }

        _users.RemoveAt(last);
        if (last % BlockUsers == 0)
        {
            _blocks.RemoveAt(_blocks.Count - 1);
        }

        return true;
    }

    /// <summary>Every user and their packed evidence, oldest word first: what a copy is made of.</summary>
    public IEnumerable<(ulong User, ReadOnlyMemory<byte> Packed)> Entries() =>
        Enumerable.Range(0, _users.Count).OrderBy(slot => _users[slot].Order)
            .Select(slot => (_users[slot].User, (ReadOnlyMemory<byte>)_blocks[slot / BlockUsers].AsMemory(slot % BlockUsers * Width, Width)));

    /// <summary>The E-step: each user's posterior under the prior, added up.</summary>
    public Expectation Expect(PopulationPrior prior, CohortPart part)
    {
        ArgumentNullException.ThrowIfNull(prior);
        var weights = new float[Width];
        TensorPrimitives.Exp(prior.LogWeights, weights);

        // By blocks of users, blocks in order: equal bits for any number of threads.
        var (counts, evidence, users) = (new double[_blocks.Count][], new double[_blocks.Count], new int[_blocks.Count]);
        Parallel.For(0, _blocks.Count, b => (counts[b], evidence[b], users[b]) = ExpectBlock(b, weights, part));
        var total = new double[Width];
        foreach (var block in counts)
        {
            TensorPrimitives.Add(total, block, total);
        }

        return new Expectation(total, evidence.Sum(), users.Sum(u => (long)u));
    }

    /// <summary>The evidence as it is kept and sent: steps of 0.05 nats below the greatest.</summary>
    /// <exception cref="ArgumentException">A number is not finite.</exception>
    public static void Pack(ReadOnlySpan<float> logLikelihood, Span<byte> packed)
    {
        var max = TensorPrimitives.Max(logLikelihood);
        for (var h = 0; h < logLikelihood.Length; h++)
        {
            packed[h] = float.IsFinite(logLikelihood[h]) ? (byte)MathF.Min(MathF.Round((max - logLikelihood[h]) / Step), 255)
                : throw new ArgumentException($"The log likelihood of hypothesis {h} is {logLikelihood[h]}; it must be finite.", nameof(logLikelihood));
        }
    }

    private (double[] Counts, double Evidence, int Users) ExpectBlock(int block, ReadOnlySpan<float> weights, CohortPart part)
    {
        var (counts, evidence, users) = (new float[Width], 0.0, 0);
        Span<float> posterior = stackalloc float[Width];
        var first = block * BlockUsers;
        for (var slot = first; slot < Math.Min(first + BlockUsers, _users.Count); slot++)
        {
            if (PartOf(_users[slot].User) != part)
            {
                continue;
            }

            var packed = Evidence(slot);
            for (var h = 0; h < Width; h++)
            {
                posterior[h] = Likelihood[packed[h]];
            }

            TensorPrimitives.Multiply(posterior, weights, posterior);
            var sum = TensorPrimitives.Sum<float>(posterior);
            TensorPrimitives.MultiplyAdd(posterior, 1 / sum, counts, counts);
            evidence += Math.Log(sum);
            users++;
        }

        var wide = new double[Width];
        TensorPrimitives.ConvertChecked<float, double>(counts, wide);
        return (wide, evidence, users);
    }

    private void KeepLatest(int count)
    {
        var orders = _users.Select(u => u.Order).ToArray();
        Array.Sort(orders);
        var oldest = orders[^count];
        foreach (var user in _users.Where(u => u.Order < oldest).Select(u => u.User).ToArray())
        {
            Remove(user);
            OnDropped(user);
        }
    }

    private Span<byte> Evidence(int slot) => _blocks[slot / BlockUsers].AsSpan(slot % BlockUsers * Width, Width);
}
