using MetaRouter.Core.Prediction;

namespace MetaRouter.Core.Tests.Prediction;

public class ExtraTreesTests
{
    [Fact]
    public void Predict_ByHand_IsTheMeanOfTheLeaves()
    {
        // Tree 1: x0 <= 0.5 ? leaf 0 : leaf 1. Tree 2: leaf 2 alone.
        var half = BitConverter.SingleToInt32Bits(0.5f);
        var forest = new ExtraTrees([0, 3], [new(half, 2, 0), new(0, 0, ExtraTrees.Leaf), new(1, 0, ExtraTrees.Leaf), new(2, 0, ExtraTrees.Leaf)], [10, 1, -10, 3, 20, 5], [0.1f, 1]);
        Predict(forest, [0.5f]).ShouldBe([1.5f, 3], 1e-6);
        Predict(forest, [0.6f]).ShouldBe([0.5f, 4], 1e-6);
    }

    [Fact]
    public void Fit_StepFunction_IsLearned()
    {
        var random = new Random(1);
        var x = Floats(random, 400 * 3);
        var y = new float[400 * 2];
        for (var i = 0; i < 400; i++)
        {
            (y[i * 2], y[(i * 2) + 1]) = (x[i * 3] > 0.2f ? 1 : -1, x[(i * 3) + 1] > 0 ? 5 : 0);
        }

        var forest = ExtraTrees.Fit(x, y, 3, 2, new() { Trees = 100, MinLeaf = 2, Tried = 3 });
        forest.Targets.ShouldBe(2);
        Predict(forest, [0.6f, -0.5f, 0]).ShouldBe([1, 0], 0.15);
        Predict(forest, [-0.5f, 0.6f, 0]).ShouldBe([-1, 5], 0.15);
    }

    [Fact]
    public void Fit_ConstantTarget_IsThatConstant()
    {
        var forest = ExtraTrees.Fit(Floats(new Random(2), 100 * 2), [.. Enumerable.Repeat(0.37f, 100)], 2, 1, new() { Trees = 20 });
        Predict(forest, [0, 0])[0].ShouldBe(0.37f, 1e-4f);
        Predict(ExtraTrees.Fit(Floats(new Random(2), 100 * 2), new float[100], 2, 1, new() { Trees = 20 }), [0, 0])[0].ShouldBe(0);
    }

    [Fact]
    public void Fit_ConstantFeatures_IsTheMean()
    {
        var forest = ExtraTrees.Fit([.. Enumerable.Repeat(1f, 60)], [.. Enumerable.Range(0, 60).Select(i => (float)(i % 3))], 1, 1, new() { Trees = 5 });
        forest.Nodes.ToArray().ShouldAllBe(n => n.Feature == ExtraTrees.Leaf);
        Predict(forest, [1])[0].ShouldBe(1, 1e-5f);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(40)]
    public void Fit_EveryLeaf_HoldsItsMinimum(int minLeaf)
    {
        var random = new Random(3);
        const int Rows = 150;
        var x = Floats(random, Rows * 4);
        var forest = ExtraTrees.Fit(x, Floats(random, Rows), 4, 1, new() { Trees = 20, MinLeaf = minLeaf });
        var rowsAt = new int[forest.Nodes.Length];
        for (var i = 0; i < Rows; i++)
        {
            foreach (var root in forest.Roots)
            {
                rowsAt[LeafOf(forest, root, x.AsSpan(i * 4, 4))]++;
            }
        }

        Enumerable.Range(0, rowsAt.Length).Where(i => forest.Nodes[i].Feature == ExtraTrees.Leaf).ShouldAllBe(i => rowsAt[i] >= minLeaf);
    }

    [Fact]
    public void Predict_AnyPoint_IsWithinTheTargetsUpToAStep()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var random = new Random(seed);
            var y = Floats(random, 80 * 3);
            var forest = ExtraTrees.Fit(Floats(random, 80 * 4), y, 4, 3, new() { Trees = 15, MinLeaf = 1, Seed = seed });
            for (var j = 0; j < 3; j++)
            {
                var column = Enumerable.Range(0, 80).Select(i => y[(i * 3) + j]).ToArray();
                var step = forest.Scale[j] / 2 * 1.001f;
                for (var i = 0; i < 20; i++)
                {
                    Predict(forest, [.. Floats(random, 4).Select(v => v * 100)])[j].ShouldBeInRange(column.Min() - step, column.Max() + step);
                }
            }
        }
    }

    /// <summary>So many trees that some go in vectors and some one by one; the mean of whole bytes is exact in any order.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(32)]
    [InlineData(75)]
    public void Predict_TreesTogether_IsTheMeanOfEachTreesOwnLeaf(int trees)
    {
        var random = new Random(8);
        var forest = ExtraTrees.Fit(Floats(random, 300 * 7), Floats(random, 300 * 11), 7, 11, new() { Trees = trees, MinLeaf = 1 });
        for (var i = 0; i < 50; i++)
        {
            var x = Floats(random, 7);
            x[i % 7] = i % 5 == 0 ? float.NaN : x[i % 7]; // not below any threshold
            var sum = new int[11];
            foreach (var root in forest.Roots)
            {
                for (var j = 0; j < sum.Length; j++)
                {
                    sum[j] += forest.Leaves[(forest.Nodes[LeafOf(forest, root, x)].Bits * sum.Length) + j];
                }
            }

            Predict(forest, x).ShouldBe([.. sum.Select((s, j) => s * forest.Scale[j] / trees)]);
        }
    }

    [Fact]
    public void Fit_SameSeed_IsTheSameBitsWhateverTheThreads()
    {
        var random = new Random(4);
        var (x, y) = (Floats(random, 200 * 5), Floats(random, 200 * 2));
        var options = new ExtraTrees.Options { Trees = 21, Seed = 6 };
        var many = ExtraTrees.Fit(x, y, 5, 2, options);
        var one = OneThread.Run(() => ExtraTrees.Fit(x, y, 5, 2, options));
        one.Roots.ToArray().ShouldBe(many.Roots.ToArray());
        one.Nodes.ToArray().ShouldBe(many.Nodes.ToArray());
        one.Leaves.ToArray().ShouldBe(many.Leaves.ToArray());
        one.Scale.ToArray().ShouldBe(many.Scale.ToArray());
        ExtraTrees.Fit(x, y, 5, 2, options with { Seed = 7 }).Nodes.ToArray().ShouldNotBe(many.Nodes.ToArray());
    }

    [Fact]
    public void Fit_Thresholds_SurviveHalfPrecision()
    {
        var random = new Random(5);
        var forest = ExtraTrees.Fit(Floats(random, 100 * 3), Floats(random, 100), 3, 1, new() { Trees = 5 });
        forest.Nodes.ToArray().Where(n => n.Feature != ExtraTrees.Leaf).ShouldAllBe(n => (float)(Half)n.Threshold == n.Threshold);
    }

    [Fact]
    public void Fit_TooManyFeatures_IsRefused() => Should.Throw<ArgumentOutOfRangeException>(() => ExtraTrees.Fit([], [1], 65_535, 1, new()));

    private static int LeafOf(ExtraTrees forest, int at, ReadOnlySpan<float> x)
    {
        while (forest.Nodes[at].Feature != ExtraTrees.Leaf)
        {
            at += x[forest.Nodes[at].Feature] <= forest.Nodes[at].Threshold ? 1 : forest.Nodes[at].Skip;
        }

        return at;
    }

    private static float[] Predict(ExtraTrees forest, float[] x)
    {
        var targets = new float[forest.Targets];
        forest.Predict(x, targets);
        return targets;
    }

    private static float[] Floats(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
}
