using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MetaRouter.Core.Users;
using MetaRouter.RouterContract;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using IRouter = MetaRouter.Core.Routing.IRouter;

namespace MetaRouter.Hosting.Tests;

public class EmbeddingTests
{
    [Fact]
    public async Task AddMetaRouter_InAPlainApplication_RoutesLearnsAndRestarts()
    {
        using var folder = new TemporaryFolder();
        byte[] record;
        await using (var app = Build(folder))
        {
            await app.StartAsync();
            var router = app.Services.GetRequiredService<IRouter>();
            var decision = await router.RouteAsync("t", "u", new("Hello?"));
            (await router.LearnAsync("t", "u", new Feedback(decision.Token, FeedbackKind.Thumb, 1))).Counted.ShouldBeTrue();
            record = await router.ExportAsync("t", "u");
            await app.StopAsync();
        }

        await using var again = Build(folder);
        (await again.Services.GetRequiredService<IRouter>().ExportAsync("t", "u")).ShouldBe(record);
        File.ReadAllLines(folder.File("decisions")).Length.ShouldBe(2); // the decision, and what was said of it
    }

    /// <summary>A test or a script has services and no host: nothing is configured, and the options' own values hold.</summary>
    [Fact]
    public async Task AddMetaRouter_WithoutConfiguration_RoutesAndLearns()
    {
        await using var services = new ServiceCollection().AddMetaRouter(o => o.Store = "memory").BuildServiceProvider();
        var router = services.GetRequiredService<IRouter>();

        var decision = await router.RouteAsync("t", "u", new("Hello?"));

        (await router.LearnAsync("t", "u", new Feedback(decision.Token, FeedbackKind.Thumb, 1))).Counted.ShouldBeTrue();
    }

    /// <summary>Passed over, a store that is misspelt would be the default's, and users kept where nobody looks.</summary>
    [Theory]
    [InlineData("MetaRouter:Stor", "redis:db:6379", "'Stor' (Store?)")]
    [InlineData("MetaRouter:Models:0:Prize", "1", "'MetaRouter:Models:0:Prize'")]
    [InlineData("MetaRouter:RefreshSeconds", "often", "MetaRouter:RefreshSeconds is 'often'; it must be a number")]
    public void AddMetaRouter_SettingThatCannotBeUsed_StopsTheStart(string setting, string value, string named)
    {
        using var services = Configured((setting, value));
        Should.Throw<OptionsValidationException>(() => services.GetRequiredService<IRouter>()).Message.ShouldContain(named);
    }

    [Fact]
    public void AddMetaRouter_SectionsOfClientAndCluster_AreNotTheRouters()
    {
        using var services = Configured(("MetaRouter:Client:Endpoint", "http://127.0.0.1:8080"), ("MetaRouter:Cluster:Redis", "127.0.0.1:6379"), ("MetaRouter:ReceiptHours", "3"));
        services.GetRequiredService<MetaRouterOptions>().ReceiptHours.ShouldBe(3);
    }

    private static ServiceProvider Configured(params (string Key, string Value)[] settings) => new ServiceCollection()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))).Build())
        .AddMetaRouter(o => o.Store = "memory").BuildServiceProvider();

    [Fact]
    public async Task AddMetaRouter_Twice_ConfiguresFurtherAndAddsOnce()
    {
        using var folder = new TemporaryFolder();
        await using var app = Build(folder, services => services.AddMetaRouter(o => o.ReceiptHours = 2));

        app.Services.GetServices<IRouter>().Count().ShouldBe(1);
        app.Services.GetRequiredService<MetaRouterOptions>().ReceiptHours.ShouldBe(2);
    }

    [Fact]
    public async Task AddMetaRouter_LeavesTheApplicationItsClock()
    {
        using var folder = new TemporaryFolder();
        var clock = new ManualTime();
        await using var app = Build(folder, first: services => services.AddSingleton<TimeProvider>(clock));

        app.Services.GetRequiredService<TimeProvider>().ShouldBeSameAs(clock);
    }

    [Fact]
    public async Task Start_WithBadOptions_IsRefusedWithAllOfThem()
    {
        using var folder = new TemporaryFolder();
        await using var app = Build(folder, services => services.AddMetaRouter(o => (o.ReceiptHours, o.UsersInMemory) = (-1, 0)));

        var refused = await Should.ThrowAsync<OptionsValidationException>(() => app.StartAsync());

        refused.Message.ShouldContain("ReceiptHours is -1");
        refused.Message.ShouldContain("UsersInMemory is 0");
    }

    [Fact]
    public async Task Services_DisposedSynchronously_CloseTheStore()
    {
        using var folder = new TemporaryFolder();
        var services = new ServiceCollection().AddSingleton<IConfiguration>(new ConfigurationBuilder().Build());
        using (var provider = services.AddMetaRouter(o => o.Store = "sqlite:" + folder.File("users.db")).BuildServiceProvider())
        {
            await provider.GetRequiredService<IRouter>().RouteAsync("t", "u", new("Hello?"));
        }

        await using var again = MetaRouter.Hosting.Stores.SqliteUserStore.Open(folder.File("users.db"));
    }

    [Fact]
    public async Task Sample_RunsOverHttp()
    {
        using var folder = new TemporaryFolder();
        using var sample = Process.Start(Programs.Of("EmbeddedRouter", "--urls", "http://127.0.0.1:0", "--MetaRouter:Store", "sqlite:" + folder.File("users.db"), "--contentRoot", folder.Path))!;
        try
        {
            using var http = new HttpClient { BaseAddress = await Programs.AddressOfAsync(sample) };
            using var asked = await http.PostAsJsonAsync("/users/ada/ask", new { text = "What is a monad?" });
            asked.EnsureSuccessStatusCode();
            var answer = await asked.Content.ReadFromJsonAsync<JsonElement>();
            answer.GetProperty("model").GetString().ShouldNotBeNullOrEmpty();

            using var thumb = await http.PostAsJsonAsync("/users/ada/thumb", new { receipt = answer.GetProperty("receipt").GetString(), up = true });
            thumb.EnsureSuccessStatusCode();
            var result = await thumb.Content.ReadFromJsonAsync<JsonElement>();
            result.GetProperty("counted").GetBoolean().ShouldBeTrue();
            result.GetProperty("belief").GetString()!.ShouldContain("from 1 signal");

            using var forged = await http.PostAsJsonAsync("/users/ada/thumb", new { receipt = "forged", up = true });
            forged.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        }
        finally
        {
            sample.Kill();
            await sample.WaitForExitAsync();
        }
    }

    private static WebApplication Build(TemporaryFolder folder, Action<IServiceCollection>? then = null, Action<IServiceCollection>? first = null)
    {
        var builder = WebApplication.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
        first?.Invoke(builder.Services);
        builder.Services.AddMetaRouter(o => (o.Store, o.DecisionLog) = ("sqlite:" + folder.File("users.db"), folder.File("decisions")));
        then?.Invoke(builder.Services);
        return builder.Build();
    }
}
