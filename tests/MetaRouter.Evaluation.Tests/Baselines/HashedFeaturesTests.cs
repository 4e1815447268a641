using MetaRouter.Evaluation.Baselines;

namespace MetaRouter.Evaluation.Tests.Baselines;

public sealed class HashedFeaturesTests
{
    private static readonly string[] Train = ["red apple pie", "Red apple tart", "blue sky", "blue sea", "green grass", "tall tree", "old road", "new road", "small house"];

    [Fact]
    public void Transform_KnownText_HasLengthOne()
    {
        var row = new HashedFeatures(Train).Transform(["red apple"]);
        row.Indexes(0).Length.ShouldBe(3); // two words, one pair
        row.Value.Sum(v => v * v).ShouldBe(1, 1e-6f);
    }

    [Fact]
    public void Transform_UnknownText_IsARowOfNothing() => new HashedFeatures(Train).Transform(["zebra", ""]).Value.ShouldBeEmpty();

    [Fact]
    public void Transpose_Twice_IsTheSame()
    {
        var x = new HashedFeatures(Train).Transform(Train);
        var back = x.Transpose().Transpose();
        back.Index.ShouldBe(x.Index);
        back.Value.ShouldBe(x.Value);
        back.Start.ShouldBe(x.Start);
    }
}
