using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Tests.Catalog;

public class ModelCatalogTests
{
    private static readonly ModelProfile Large = new(new("large"), new(3), new(15)) { Sibling = new("medium"), LatencySeconds = 2 };
    private static readonly ModelProfile Small = new(new("small"), new(0.1), new(0.4));

    [Fact]
    public void New_Models_AreFoundById()
    {
        var catalog = new ModelCatalog([Large, Small]);
        catalog.Count.ShouldBe(2);
        catalog.IndexOf(new("small")).ShouldBe(1);
        catalog.TryFind(new("large"), out var index).ShouldBeTrue();
        index.ShouldBe(0);
        catalog.TryFind(new("Large"), out _).ShouldBeFalse();
    }

    [Fact]
    public void Aliases_StandForTheirModelWhereCallersNameIt_AndNowhereElse()
    {
        var catalog = new ModelCatalog([Large, Small with { Aliases = [new("tiny"), new("least")] }]);

        foreach (var name in (string[])["small", "tiny", "least"])
        {
            catalog.TryFindNamed(new(name), out var index).ShouldBeTrue();
            index.ShouldBe(1);
        }

        catalog.TryFind(new("tiny"), out _).ShouldBeFalse();
        catalog.TryFindNamed(new("Tiny"), out _).ShouldBeFalse();
        ulong[] versions = [catalog.Version, new ModelCatalog([Large, Small]).Version, new ModelCatalog([Large, Small with { Aliases = [new("tiny")] }]).Version];
        versions.ShouldBeUnique();
    }

    [Fact]
    public void New_AliasThatMeansSomethingElse_NamesItAndTheRemedy()
    {
        Refused(Large with { Aliases = [new("small")] }, Small).ShouldContain("model 'large' has the alias 'small', which is a model's id; leave it out");
        Refused(Large with { Aliases = [new("auto:cheap")] }).ShouldContain("model 'large' has the alias 'auto:cheap', which asks for routing; leave it out");
        Refused(Large with { Aliases = [new("one")] }, Small with { Aliases = [new("one")] }).ShouldContain("the alias 'one' of model 'small' is given already; a name stands for one model");
    }

    [Fact]
    public void IndexOf_Unknown_NamesItAndThoseThereAre()
    {
        var message = Should.Throw<KeyNotFoundException>(() => new ModelCatalog([Large, Small]).IndexOf(new("huge"))).Message;
        message.ShouldContain("'huge'");
        message.ShouldContain("large, small");

        var many = new ModelCatalog(Enumerable.Range(0, 25).Select(i => Small with { Id = new($"m{i}") }));
        Should.Throw<KeyNotFoundException>(() => many.IndexOf(new("huge"))).Message.ShouldContain("and 5 more");
    }

    [Fact]
    public void New_Empty_SaysWhatToList() => Refused().ShouldContain("is empty; list at least one model with its prices");

    [Fact]
    public void New_TooMany_NamesBothNumbers()
    {
        ModelProfile[] many = [.. Enumerable.Range(0, 1025).Select(i => Small with { Id = new($"m{i}") })];
        Refused(many).ShouldContain("has 1025 models; at most 1024");
        new ModelCatalog(many[1..]).Count.ShouldBe(ModelCatalog.MaxModels);
    }

    [Fact]
    public void New_Duplicate_NamesItAndTheRemedy() => Refused(Large, Small, Large with { InputPrice = new(1) }).ShouldContain("model 'large' is listed twice; remove one of the two");

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public void New_ContextWindow_IsAtLeastOne(int window)
    {
        Refused(Small with { ContextWindow = window }).ShouldContain($"model 'small' has a context window of {window} tokens; it must be at least 1");
        new ModelCatalog([Small with { ContextWindow = 1 }]).Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(1e39)]
    [InlineData(1_000_001)]
    public void New_Latency_IsOneThatAnAnswerMayHaveOrLeftOut(double seconds)
    {
        var message = Refused(Small with { LatencySeconds = seconds });
        message.ShouldContain($"model 'small' has a latency of {seconds} s");
        message.ShouldContain("from 0 to 1,000,000, or left out");
        new ModelCatalog([Small with { LatencySeconds = ModelCatalog.MostLatencySeconds }]).Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(0.0099)]
    [InlineData(100.1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void New_OutputScale_IsOneThatAnswersMayHave(double scale)
    {
        var message = Refused(Small with { OutputScale = scale });
        message.ShouldContain($"model 'small' has an OutputScale of {scale}");
        message.ShouldContain("from 0.01 to 100");
        new ModelCatalog([Small with { OutputScale = ModelCatalog.LeastOutputScale }, Large with { OutputScale = ModelCatalog.MostOutputScale }]).Count.ShouldBe(2);
    }

    [Fact]
    public void New_OwnSibling_NamesItAndTheRemedy() => Refused(Small with { Sibling = Small.Id }).ShouldContain("model 'small' is its own sibling; name another model or none");

    [Fact]
    public void New_ModelWithoutAnId_NamesItsPlaceAndTheRemedy() => Refused(Large, Small with { Id = default }).ShouldContain("model 2 of 2 has no id; give it the name its upstream lists");

    [Fact]
    public void New_NoModelAtAPlace_NamesThePlace() => Refused(Large, null!).ShouldContain("model 2 of 2 is missing");

    [Fact]
    public void New_SeveralProblems_NamesEveryOne()
    {
        var message = Refused(Small with { ContextWindow = 0, LatencySeconds = -1 }, Large, Large);
        message.ShouldContain("context window of 0");
        message.ShouldContain("latency of -1 s");
        message.ShouldContain("'large' is listed twice");
    }

    [Fact]
    public void Version_AnyField_ChangesIt()
    {
        ModelProfile[] others =
        [
            Large with { Id = new("larger") },
            Large with { InputPrice = new(3.0000001) },
            Large with { OutputPrice = new(15.0000001) },
            Large with { InputPrice = Large.OutputPrice, OutputPrice = Large.InputPrice },
            Large with { ContextWindow = 127_999 },
            Large with { Capabilities = ModelCapabilities.Tools },
            Large with { LatencySeconds = 2.5 },
            Large with { LatencySeconds = null },
            Large with { CachedInputPrice = new(1.5) },
            Large with { CacheWritePrice = new(1.5) },
            Large with { CacheWritePrice = new(3) },
            Large with { OutputScale = 1.5 },
            Large with { OutputScale = 0.5 },
            Large with { Enabled = false },
            Large with { Sibling = new("small") },
            Large with { Sibling = null },
        ];
        var versions = others.Append(Large).Select(m => new ModelCatalog([m, Small]).Version).Append(new ModelCatalog([Large]).Version).ToArray();
        versions.Distinct().Count().ShouldBe(versions.Length);
    }

    /// <summary>Receipts and what clusters keep name the version: a catalog of before has the one that it had.</summary>
    [Fact]
    public void Version_OfWhatAnEarlierVersionKnew_IsAsItWas() => new ModelCatalog([Large, Small]).Version.ShouldBe(0x7b2296621e17524aUL);

    [Fact]
    public void Version_EqualModels_IsEqual() =>
        new ModelCatalog([new ModelProfile(new("large"), new(3), new(15)) { Sibling = new("medium"), LatencySeconds = 2 }, Small with { }]).Version.ShouldBe(new ModelCatalog([Large, Small]).Version);

    private static string Refused(params ModelProfile[] models)
    {
        var message = Should.Throw<ArgumentException>(() => new ModelCatalog(models)).Message;
        message.ShouldStartWith("The model catalog cannot be used: ");
        return message;
    }
}
