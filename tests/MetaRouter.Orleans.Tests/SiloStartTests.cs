using MetaRouter.RouterContract;

namespace MetaRouter.Orleans.Tests;

public sealed class SiloStartTests
{
    private static readonly string Nowhere = $"127.0.0.1:{RedisServer.FreePort()}";

    [Fact]
    public async Task Start_NoRedis_NamesItWithTheRemedyAndExitsWith1() =>
        await ShouldExitAsync(1, $"Redis '{Nowhere}' cannot be reached; start it, or set MetaRouter:Cluster:Redis");

    [Fact]
    public async Task Start_StoreOfAGateway_NamesTheSettingThatASiloHas() =>
        await ShouldExitAsync(2, $"users are in the Redis that MetaRouter:Cluster:Redis names, now '{Nowhere}'", "--MetaRouter:Store", "cluster:127.0.0.1:6379");

    private static async Task ShouldExitAsync(int code, string said, params string[] settings)
    {
        await using var silo = await SiloProcess.StartAsync(new MetaRouterClusterOptions { Redis = Nowhere }, settings);

        (await silo.ExitAsync()).ShouldBe(code);
        silo.Output.ShouldContain(line => line.Contains(said, StringComparison.Ordinal));
    }
}
