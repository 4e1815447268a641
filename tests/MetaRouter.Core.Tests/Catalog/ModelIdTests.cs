using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Tests.Catalog;

public class ModelIdTests
{
    [Theory]
    [InlineData("gpt-x")]
    [InlineData("meta-llama/Llama-3.1:free")]
    [InlineData("!~")]
    public void New_VisibleAscii_IsKeptAsItIs(string value)
    {
        new ModelId(value).Value.ShouldBe(value);
        new ModelId(value).ToString().ShouldBe(value);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("a\n")]
    [InlineData("modèle")]
    [InlineData("a\u007F")]
    [InlineData("a\0b")]
    public void New_OtherCharacters_NamesTheIdAndTheRemedy(string value)
    {
        var message = Should.Throw<ArgumentException>(() => new ModelId(value)).Message;
        message.ShouldContain($"'{value}'");
        message.ShouldContain("not visible ASCII");
        message.ShouldContain("use the id the upstream lists");
    }

    [Fact]
    public void New_Length_IsFrom1To128()
    {
        new ModelId(new string('x', 128)).Value.Length.ShouldBe(128);
        Should.Throw<ArgumentException>(() => new ModelId(new string('x', 129))).Message.ShouldContain("1 to 128 characters; this one has 129");
        Should.Throw<ArgumentException>(() => new ModelId("")).Message.ShouldContain("this one has 0");
        Should.Throw<ArgumentNullException>(() => new ModelId(null!));
    }

    [Fact]
    public void Equality_IsOrdinal()
    {
        (new ModelId("a") == new ModelId("a")).ShouldBeTrue();
        (new ModelId("a") == new ModelId("A")).ShouldBeFalse();
        default(ModelId).Value.ShouldBe("");
    }
}
