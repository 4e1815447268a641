using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Tests.Numerics;

public class ByteRowsTests
{
    private static readonly ByteRows Three = new([.. Enumerable.Range(0, 3 * ByteRows.Width).Select(i => (sbyte)(i - 96))]);

    [Fact]
    public void WeightedSum_ByHand_IsTheSumOfRowsTimesTheirWeights()
    {
        var sum = new float[ByteRows.Width];
        Three.WeightedSum([2, 0, 2], [1, 0.5f, -3], sum);
        sum.ShouldBe(Enumerable.Range(0, ByteRows.Width).Select(j => (-2f * (128 + j - 96)) + (0.5f * (j - 96))));
        Three.WeightedSum([], [], sum);
        sum.ShouldBe(new float[ByteRows.Width]);
    }

    [Fact]
    public void WeightedSum_ARowBeyondTheLast_IsRefused() => Should.Throw<ArgumentOutOfRangeException>(() => Three.WeightedSum([3], [1], new float[ByteRows.Width]));

    [Fact]
    public void All_IsWhatWasGiven() => Three.All.ToArray().ShouldBe(Enumerable.Range(0, 3 * ByteRows.Width).Select(i => (sbyte)(i - 96)));
}
