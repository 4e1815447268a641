using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using MetaRouter.Orleans.Client;
using MetaRouter.RouterContract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetaRouter.Orleans.Tests;

/// <summary>A Redis user with the rights that the README names, and with those of gateways without a cluster.</summary>
public sealed class RightsTests : IAsyncLifetime
{
    private RedisServer _redis = null!;

    public async Task InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        var readme = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"));
        var rights = Regex.Match(readme, "needs `(~metarouter:[^`]*)`").Groups[1].Value.Split(' ');
        _redis.Command(["acl", "setuser", "less", "on", ">word", .. rights]);
        _redis.Command(["acl", "setuser", "named", "on", ">word", .. rights, Regex.Match(readme, "`(~metarouter/[^`]*)`").Groups[1].Value]);
    }

    public async Task DisposeAsync() => await _redis.DisposeAsync();

    [Fact]
    public async Task Rights_ThoseTheReadmeNames_AreEnoughForSilosAndClients()
    {
        await using var silo = await SiloProcess.StartAsync(As("named"));
        await silo.ReadyAsync();
        using var client = await ClusterClient.ConnectAsync(As("named"));
        var router = client.Services.GetRequiredService<ClusterRouter>();

        client.Services.GetRequiredService<RouterSecrets>().ShouldNotBeNull(); // as an edge reads them
        var decision = await router.RouteAsync("acme", "ada", new RouteRequest("?"));
        (await router.LearnAsync("acme", "ada", new Feedback(decision.Token, FeedbackKind.Thumb, 1))).Outcome.ShouldBe(AddOutcome.Counted);
        await router.EraseAsync("acme", "ada");
        await client.StopAsync();
        (await silo.TerminateAsync()).ShouldBe(0);

        silo.Output.ShouldAllBe(line => !line.Contains("NOPERM", StringComparison.Ordinal));
    }

    /// <summary>A client would wait for silos that it cannot see.</summary>
    [Fact]
    public async Task Rights_WithoutTheMembership_AreToldBySiloAndClient()
    {
        const string said = "Redis' user there lacks a right; give it those that the README names";
        var told = new ConcurrentQueue<string>();
        await using var silo = await SiloProcess.StartAsync(As("less"));
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders().AddProvider(new ErrorLogProvider(told.Enqueue));
        builder.Configuration["MetaRouter:Cluster:Redis"] = As("less").Redis;
        builder.AddMetaRouterClusterClient();
        using var client = builder.Build();
        using var patience = new CancellationTokenSource();

        var starting = client.StartAsync(patience.Token);
        await Eventually.TrueAsync(() => told.Any(line => line.Contains(said, StringComparison.Ordinal)), TimeSpan.FromSeconds(20));
        await patience.CancelAsync();

        (await silo.ExitAsync()).ShouldBe(1);
        silo.Output.ShouldContain(line => line.Contains(said, StringComparison.Ordinal));
        told.ShouldAllBe(line => !line.Contains("No silo of the cluster", StringComparison.Ordinal));
        await Should.ThrowAsync<Exception>(() => starting); // given up
    }

    private MetaRouterClusterOptions As(string user) => new() { Redis = $"{_redis.Address},user={user},password=word" };
}
