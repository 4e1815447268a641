using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;

namespace MetaRouter.Core.Tests.Routing;

public class ReceiptFeaturesTests
{
    [Fact]
    public void New_KeepsThreeSignificantDigits()
    {
        var features = new ReceiptFeatures([0, 1, -2.5f, 3.14159f, 1234.5f]);

        features.Count.ShouldBe(5);
        features[2].ShouldBe(-2.5f);
        var kept = new float[features.Count];
        features.CopyTo(kept);
        kept.Zip([0, 1, -2.5f, 3.14159f, 1234.5f]).ShouldAllBe(pair => Math.Abs(pair.First - pair.Second) <= Math.Abs(pair.Second) / 2048);
    }

    [Fact]
    public void New_MoreThanSixteen_IsRefused() => Should.Throw<ArgumentException>(() => new ReceiptFeatures(new float[17])).Message.ShouldContain("there are 17");

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(70_000f)]
    public void New_WhatHalfPrecisionCannotHold_IsRefusedByIndex(float value) => Should.Throw<ArgumentException>(() => new ReceiptFeatures([1, value])).Message.ShouldContain("Feature 1");

    [Fact]
    public void Index_BeyondTheCount_IsRefused() => Should.Throw<IndexOutOfRangeException>(() => new ReceiptFeatures([1])[1]);

    [Fact]
    public void Equals_ComparesEveryNumber()
    {
        (new ReceiptFeatures([1, 2]) == new ReceiptFeatures([1, 2])).ShouldBeTrue();
        (new ReceiptFeatures([1, 2]) != new ReceiptFeatures([1, 2, 0])).ShouldBeTrue();
        new ReceiptFeatures([1, 2]).GetHashCode().ShouldBe(new ReceiptFeatures([1, 2]).GetHashCode());
    }

    [Fact]
    public void HashOf_AModel_NeverChanges() => Receipt.HashOf(new ModelId("a")).ShouldBe(0xE40C292Cu);
}
