using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using static MetaRouter.Extensions.AI.Tests.RoutedApp;

namespace MetaRouter.Extensions.AI.Tests;

/// <summary>From registration to the end.</summary>
public class StartTests
{
    [Fact]
    public async Task Start_WithClientsThatDoNotFit_IsRefusedWithAllThatIsWrong()
    {
        var message = await RefusedAsync(models =>
        {
            models.Add("gpt-9", _ => null!).Add(Weak, _ => null!).Add(Weak, _ => null!);
            (models.MostAttempts, models.Tenant, models.CheapLambda) = (0, "", double.NaN);
        });

        message.ShouldContain($"'gpt-9' has a client and is not in the catalog; list it with its prices in section MetaRouter:Models, or use one of {Strong}, {Weak}, {Unserved}");
        message.ShouldContain($"'{Weak}' has several clients; add one");
        message.ShouldContain("MostAttempts is 0; it must be from 1 to 10");
        message.ShouldContain("Tenant is empty");
        message.ShouldContain("CheapLambda is NaN");
    }

    [Fact]
    public async Task Start_WithoutAnyClient_SaysHowOneIsAdded() =>
        (await RefusedAsync(_ => { })).ShouldContain("no model has a client; add them with AddRoutedChatClient(models => models.Add(MODEL, services => CLIENT))");

    [Fact]
    public async Task Start_WithAClientThatIsNull_NamesItsModel() =>
        (await RefusedAsync(models => models.Add(Weak, _ => null!))).ShouldContain($"the client made for '{Weak}' is null");

    [Fact]
    public void Client_WithoutARouter_SaysHowOneIsAdded()
    {
        using var services = new ServiceCollection().AddRoutedChatClient(_ => { }).BuildServiceProvider();

        Should.Throw<InvalidOperationException>(() => services.GetRequiredService<IChatClient>()).Message.ShouldContain("Add one: services.AddMetaRouter()");
    }

    [Fact]
    public async Task Services_ThatEnd_DisposeOfEachClientOnce()
    {
        var disposed = new List<string>();
        IChatClient client;
        await using (var app = await StartAsync(then: s => s.AddChatClient(p => p.GetRequiredService<RoutedChatClient>()).UseFunctionInvocation(), wrap: (model, inner) => new Disposed(inner, () => disposed.Add(model))))
        {
            client = app.Host.Services.GetRequiredService<RoutedChatClient>();
            await app.Client.GetResponseAsync(Question);
            disposed.ShouldBeEmpty();
        }

        disposed.ShouldBe([Strong, Weak], ignoreOrder: true);
        await Should.ThrowAsync<ObjectDisposedException>(() => client.GetResponseAsync(Question));
    }

    /// <summary>Pipelines dispose of what is in them: those of a scope with the scope, others with the <c>using</c> of whoever was given one.</summary>
    [Theory]
    [InlineData(ServiceLifetime.Scoped)]
    [InlineData(ServiceLifetime.Transient)]
    public async Task Pipeline_ThatEnds_LeavesTheClientToTheNext(ServiceLifetime lifetime)
    {
        await using var app = await StartAsync(then: s => s.AddChatClient(p => p.GetRequiredService<RoutedChatClient>(), lifetime).UseFunctionInvocation());
        for (var i = 0; i < 2; i++)
        {
            using var scope = app.Host.Services.CreateScope();
            using var client = scope.ServiceProvider.GetRequiredService<IChatClient>();

            (await client.GetResponseAsync(Question)).Text.ShouldNotBeEmpty();
        }
    }

    private static async Task<string> RefusedAsync(Action<RoutedChatOptions> configure)
    {
        using var folder = new TemporaryFolder();
        var builder = Builder(folder);
        builder.Services.AddRoutedChatClient(configure);
        using var host = builder.Build();
        return (await Should.ThrowAsync<OptionsValidationException>(() => host.StartAsync())).Message;
    }

    private sealed class Disposed(IChatClient inner, Action then) : DelegatingChatClient(inner)
    {
        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            then();
        }
    }
}
