using MetaRouter.Core.Numerics;

namespace MetaRouter.Core.Tests.Numerics;

public class Fnv1aTests
{
    /// <summary>From the tables of draft-eastlake-fnv. Receipts and topics persist these numbers.</summary>
    [Theory]
    [InlineData("", 0x811c9dc5)]
    [InlineData("a", 0xe40c292c)]
    [InlineData("foobar", 0xbf9cf968)]
    public void Of_PublishedVectors_IsAsPublished(string text, uint hash) => Fnv1a.Of(text).ShouldBe(hash);
}
