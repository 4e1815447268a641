using MetaRouter.Gateway.Configuration;
using Microsoft.Extensions.Configuration;

namespace MetaRouter.Gateway.Tests;

public sealed class MisspeltSectionsTests
{
    [Theory]
    [InlineData("""{"Upstream":[]}""", "Upstream", "Upstreams")]
    [InlineData("""{"Upstream":[{"Model":"*"}]}""", "Upstream", "Upstreams")]
    [InlineData("""{"gatway":{"Mode":"off"}}""", "gatway", "Gateway")]
    [InlineData("""{"ApiKey":[]}""", "ApiKey", "ApiKeys")]
    public void Section_NearlyOfAKnownName_IsToldWithIt(string file, string written, string meant) => Of(file).Single().ShouldBe((written, meant));

    [Theory]
    [InlineData("""{"Upstreams":[],"metarouter":{},"Logging":{}}""")]
    [InlineData("""{"Serilog":{},"Smtp":{"Host":"mail"},"FeatureManagement":{},"Memory":{}}""")]
    public void Section_KnownOrOfTheHostsOwn_IsLeftAlone(string file) => Of(file).ShouldBeEmpty();

    private static List<(string, string)> Of(string file)
    {
        using var folder = new TemporaryFolder();
        return [.. MisspeltSections.Of(new ConfigurationBuilder().AddJsonFile(folder.Write("appsettings.json", file)).Build())];
    }
}
