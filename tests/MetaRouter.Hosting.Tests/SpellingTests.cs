using MetaRouter.Hosting.Settings;

namespace MetaRouter.Hosting.Tests;

public sealed class SpellingTests
{
    [Theory]
    [InlineData("Store", "Store", 0)]
    [InlineData("Stroe", "Store", 1)]
    [InlineData("Sotre", "Store", 1)]
    [InlineData("oStre", "Store", 2)]
    [InlineData("Storre", "Store", 1)]
    [InlineData("Stor", "Store", 1)]
    [InlineData("Strore", "Store", 1)]
    [InlineData("CA", "ABC", 3)] // no letter is touched twice: a swap with one put between would be 2
    [InlineData("", "Store", 5)]
    [InlineData("Store", "", 5)]
    [InlineData("badc", "abcd", 2)]
    public void EditDistance_LettersAndSwapsOfNeighbours_AreCounted(string a, string b, int slips) => (Spelling.EditDistance(a, b), Spelling.EditDistance(b, a)).ShouldBe((slips, slips));

    [Theory]
    [InlineData("Stroe", "Store")]
    [InlineData("store", "Store")]
    [InlineData("Snapshto", "Snapshot")]
    [InlineData("Snapshtos", "Snapshot")]
    [InlineData("Stoer", "Store")]
    [InlineData("Sroet", null)]
    [InlineData("Modles", "Models")]
    public void Nearest_ANameWithASwap_IsFound(string written, string? meant) => Spelling.Nearest(written, ["Models", "Snapshot", "Store"]).ShouldBe(meant);
}
