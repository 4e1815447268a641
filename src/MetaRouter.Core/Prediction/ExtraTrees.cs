using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MetaRouter.Core.Prediction;

/// <summary>
/// A forest of extremely randomised regression trees with a vector of m targets in each leaf.
/// </summary>
/// <remarks>
/// Every node tries a few features, each at one threshold drawn uniformly between the node's smallest and largest value, and keeps the split
/// that leaves the least variance summed over targets; the forest's answer is the mean of its leaves. The random thresholds smooth the mean
/// over trees, which is why this does better here than bagged trees on a few thousand rows.
/// Fitting O(trees n log n tried m); predicting O(trees depth). Trees are seeded one by one, so the thread count changes no bit.
/// Source: Geurts, Ernst and Wehenkel 2006, Extremely randomized trees.
/// </remarks>
public sealed class ExtraTrees
{
    internal const ushort Leaf = ushort.MaxValue;

    private const int Together = 32;
    private const byte NodeBytes = sizeof(int) + (2 * sizeof(ushort));

    /// <summary>The left child follows its parent, the right one is <c>Skip</c> further on. A leaf's number stands where its threshold would.</summary>
    internal readonly record struct Node(int Bits, ushort Skip, ushort Feature)
    {
        public float Threshold => BitConverter.Int32BitsToSingle(Bits);
    }

    private readonly int[] _root;
    private readonly Node[] _nodes;
    private readonly sbyte[] _leaves; // leaves x m
    private readonly float[] _scale;  // m

    private readonly int _features; // as many as the splits ask for

    /// <param name="nodes">Every step from an inner node ends at another node.</param>
    internal ExtraTrees(int[] root, Node[] nodes, sbyte[] leaves, float[] scale)
    {
        (_root, _nodes, _leaves, _scale) = (root, nodes, leaves, scale);
        _features = nodes.Max(n => n.Feature == Leaf ? 0 : n.Feature + 1);
    }

    public int Targets => _scale.Length;

    internal ReadOnlySpan<int> Roots => _root;

    internal ReadOnlySpan<Node> Nodes => _nodes;

    internal ReadOnlySpan<sbyte> Leaves => _leaves;

    internal ReadOnlySpan<float> Scale => _scale;

    public sealed record Options
    {
        /// <value>Default 200, at least 1.</value>
        public int Trees { get; init; } = 200;

        /// <value>Rows in the smallest leaf; default 8.</value>
        public int MinLeaf { get; init; } = 8;

        /// <value>Features tried at a node; 0: a third of them.</value>
        public int Tried { get; init; }

        public int Seed { get; init; } = 1;
    }

    /// <summary>The mean leaf of all trees. Leaves are whole bytes, so the sum is exact in any order.</summary>
    public void Predict(ReadOnlySpan<float> x, Span<float> targets)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(x.Length, _features, nameof(x));
        Span<int> sum = stackalloc int[targets.Length];
        sum.Clear();

        // Many trees at a time: a step waits for memory, and the waits overlap. A leaf steps nowhere.
        Span<int> at = stackalloc int[Together];
        for (var tree = 0; tree < _root.Length; tree += Together)
        {
            var some = at[..Math.Min(Together, _root.Length - tree)];
            _root.AsSpan(tree, some.Length).CopyTo(some);
            if (Avx2.IsSupported && some.Length == Together)
            {
                DescendTogether(_nodes, some, x);
            }
            else
            {
                Descend(_nodes, some, x);
            }

            foreach (var leaf in some)
            {
                AddLeaf(_nodes[leaf], sum);
            }
        }

        for (var j = 0; j < sum.Length; j++)
        {
            targets[j] = sum[j] * _scale[j] / _root.Length;
        }
    }

    /// <summary>From each place down to its leaf.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Descend(Node[] nodes, Span<int> at, ReadOnlySpan<float> x)
    {
        int moved;
        do
        {
            moved = 0;
            for (var i = 0; i < at.Length; i++)
            {
                var step = Step(nodes[at[i]], x);
                at[i] += step;
                moved |= step;
            }
        }
        while (moved != 0);
    }

    /// <summary>The same for <see cref="Together"/> places in four vectors, so that three wait for memory while one steps. Nodes were checked when they were read: no step leaves them.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static unsafe void DescendTogether(Node[] nodes, Span<int> at, ReadOnlySpan<float> x)
    {
        fixed (Node* first = nodes)
        fixed (float* features = x)
        {
            var count = Vector256<int>.Count;
            var (a, b, c, d) = (Vector256.Create<int>(at), Vector256.Create<int>(at[count..]), Vector256.Create<int>(at[(2 * count)..]), Vector256.Create<int>(at[(3 * count)..]));
            Vector256<int> moved;
            do
            {
                var (stepA, stepB, stepC, stepD) = (Steps(first, a, features), Steps(first, b, features), Steps(first, c, features), Steps(first, d, features));
                (a, b, c, d) = (a + stepA, b + stepB, c + stepC, d + stepD);
                moved = stepA | stepB | stepC | stepD;
            }
            while (!Avx.TestZ(moved, moved));
            a.CopyTo(at);
            b.CopyTo(at[count..]);
            c.CopyTo(at[(2 * count)..]);
            d.CopyTo(at[(3 * count)..]);
        }
    }

    /// <summary><see cref="Step"/> of eight places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<int> Steps(Node* first, Vector256<int> at, float* x)
    {
        // A node is one load of 8 bytes; four nodes and four more are then parted into thresholds and links, both in the order of the places.
        var pairs = Avx2.Permute4x64(at.AsInt64(), 0b11_01_10_00).AsInt32();
        var (some, others) = (Avx2.GatherVector256((long*)first, pairs.GetLower(), NodeBytes).AsSingle(), Avx2.GatherVector256((long*)first, pairs.GetUpper(), NodeBytes).AsSingle());
        var threshold = Avx.Shuffle(some, others, 0b10_00_10_00);
        var link = Avx.Shuffle(some, others, 0b11_01_11_01).AsInt32(); // Feature above, Skip below
        var skip = link & Vector256.Create((int)ushort.MaxValue);
        var inner = Vector256.GreaterThan(skip, Vector256<int>.Zero);
        var value = Avx2.GatherVector256(x, (link >>> 16) & inner, sizeof(float));
        return Vector256.ConditionalSelect(Vector256.LessThanOrEqual(value, threshold).AsInt32(), Vector256<int>.One, skip) & inner;
    }

    /// <summary>1 to the left child, Skip to the right one, 0 at a leaf; in arithmetic, since nobody can predict this branch.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Step(Node node, ReadOnlySpan<float> x)
    {
        int inner = Unsafe.BitCast<bool, byte>(node.Skip != 0);
        int right = Unsafe.BitCast<bool, byte>(!(x[node.Feature * inner] <= node.Threshold));
        return inner + (right * (node.Skip - inner));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddLeaf(Node node, Span<int> sum)
    {
        var leaf = _leaves.AsSpan(node.Bits * sum.Length, sum.Length);
        var j = 0;
        for (; Vector256.IsHardwareAccelerated && j <= leaf.Length - Vector256<int>.Count; j += Vector256<int>.Count)
        {
            var eight = Vector128.WidenLower(Vector128.CreateScalar(Unsafe.ReadUnaligned<long>(ref Unsafe.As<sbyte, byte>(ref leaf[j]))).AsSByte());
            (Vector256.Create<int>(sum[j..]) + Vector256.Create(Vector128.WidenLower(eight), Vector128.WidenUpper(eight))).CopyTo(sum[j..]);
        }

        for (; j < leaf.Length; j++)
        {
            sum[j] += leaf[j];
        }
    }

    /// <param name="x">n x D row-major, D below 65,535.</param>
    /// <param name="y">n x m row-major, all finite.</param>
    public static ExtraTrees Fit(float[] x, float[] y, int features, int targets, Options options, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(features, (int)Leaf);
        var rows = TreeGrower.Rows.Of(x, y, features, targets);
        var tried = options.Tried > 0 ? options.Tried : Math.Max(1, features / 3);
        var grown = new TreeGrower[options.Trees];
        Parallel.For(0, options.Trees, new ParallelOptions { CancellationToken = cancellationToken }, t =>
        {
            grown[t] = new TreeGrower(rows, options.MinLeaf, tried, new Random(options.Seed + (7919 * t)));
            grown[t].Grow();
        });
        return Pack(grown, targets);
    }

    /// <summary>All trees in one list of nodes, their leaves as signed bytes with a scale for each target.</summary>
    private static ExtraTrees Pack(TreeGrower[] grown, int targets)
    {
        var scale = new float[targets];
        foreach (var tree in grown)
        {
            for (var i = 0; i < tree.Leaves.Count; i++)
            {
                scale[i % targets] = MathF.Max(scale[i % targets], MathF.Abs(tree.Leaves[i]) / 127);
            }
        }

        var (root, nodes, leaves) = (new List<int>(), new List<Node>(), new List<sbyte>());
        foreach (var tree in grown)
        {
            root.Add(nodes.Count);
            var firstLeaf = leaves.Count / targets;
            for (var i = 0; i < tree.Feature.Count; i++)
            {
                nodes.Add(tree.Feature[i] == Leaf
                    ? new Node(firstLeaf + tree.Next[i], 0, Leaf)
                    : new Node(BitConverter.SingleToInt32Bits(tree.Threshold[i]), checked((ushort)(tree.Next[i] - i)), tree.Feature[i]));
            }

            for (var i = 0; i < tree.Leaves.Count; i++)
            {
                leaves.Add(scale[i % targets] > 0 ? (sbyte)MathF.Round(tree.Leaves[i] / scale[i % targets]) : (sbyte)0);
            }
        }

        return new ExtraTrees([.. root], [.. nodes], [.. leaves], scale);
    }
}
