using System.Text;
using MetaRouter.Core.Catalog;

namespace MetaRouter.Hosting.Tests;

public sealed class CatalogJsonTests
{
    private static readonly ModelProfile Plain = new(new("plain"), new(1), new(2)), Thinker = new(new("thinker"), new(1.25), new(10)) { OutputScale = 7.5 };

    [Fact]
    public void OutputScale_IsWrittenWhereItIsSet_AndReadAgain()
    {
        var catalog = new ModelCatalog([Plain, Thinker]);

        var json = CatalogJson.Write(catalog);

        Encoding.UTF8.GetString(json).ShouldBe("""{"models":[{"id":"plain","input_price_usd_per_million":1,"output_price_usd_per_million":2,"context_window":128000},{"id":"thinker","input_price_usd_per_million":1.25,"output_price_usd_per_million":10,"output_scale":7.5,"context_window":128000}]}""");
        CatalogJson.Read(json).Models.ShouldBe(catalog.Models);
    }

    [Fact]
    public void CacheWritePrice_IsWrittenWhereItIsSet_AndReadAgain()
    {
        var catalog = new ModelCatalog([Plain, Thinker with { CachedInputPrice = new(0.125), CacheWritePrice = new(1.5625), OutputScale = 1 }]);

        var json = CatalogJson.Write(catalog);

        Encoding.UTF8.GetString(json).ShouldEndWith("""{"id":"thinker","input_price_usd_per_million":1.25,"output_price_usd_per_million":10,"cached_input_price_usd_per_million":0.125,"cache_write_price_usd_per_million":1.5625,"context_window":128000}]}""");
        CatalogJson.Read(json).Models.ShouldBe(catalog.Models);
        Should.Throw<ArgumentException>(() => CatalogJson.Read("""{"models":[{"id":"m","input_price_usd_per_million":1,"output_price_usd_per_million":2,"cache_write_price_usd_per_million":-1}]}"""u8))
            .Message.ShouldContain("has cache_write_price_usd_per_million -1");
    }

    [Fact]
    public void Aliases_AreWrittenWhereThereAreAny_AndReadAgain()
    {
        var options = new MetaRouterOptions();
        options.Models.Add(new() { Id = "plain", InputPrice = 1, OutputPrice = 2, Aliases = { "simple", "bare" } });

        var json = CatalogJson.Write(options.Catalog());

        Encoding.UTF8.GetString(json).ShouldBe("""{"models":[{"id":"plain","input_price_usd_per_million":1,"output_price_usd_per_million":2,"context_window":128000,"aliases":["simple","bare"]}]}""");
        CatalogJson.Read(json).Models.Single().Aliases.Select(a => a.Value).ShouldBe(["simple", "bare"]);
        CatalogJson.Read(json).Version.ShouldBe(options.Catalog().Version);
    }

    [Fact]
    public void ScaleAndLatency_OfTheSettings_AreTheCatalogs()
    {
        var options = new MetaRouterOptions();
        options.Models.Add(new() { Id = "plain", InputPrice = 1, OutputPrice = 2 });
        options.Models.Add(new() { Id = "thinker", InputPrice = 1.25, OutputPrice = 10, OutputScale = 7.5, CacheWritePrice = 2, LatencySeconds = 12.5 });

        options.Catalog().Models.ShouldBe([Plain, Thinker with { CacheWritePrice = new(2), LatencySeconds = 12.5 }]);
        CatalogJson.Read(CatalogJson.Write(options.Catalog())).Models.ShouldBe(options.Catalog().Models);
    }
}
