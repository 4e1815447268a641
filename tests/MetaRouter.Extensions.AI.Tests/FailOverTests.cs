using System.ClientModel;
using System.Collections.Concurrent;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Tests;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Tests;
using MetaRouter.RouterContract;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static MetaRouter.Extensions.AI.Tests.RoutedApp;

namespace MetaRouter.Extensions.AI.Tests;

public class FailOverTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Client_ThatFailsBeforeItsAnswer_IsReplacedByTheNextBest(bool streams)
    {
        await using var app = await StartAsync();
        var usual = await app.UsualAsync();
        app.ServerOf(usual).Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        var options = new ChatOptions().ForUser("ada");

        var response = streams ? await app.Client.GetStreamingResponseAsync(Question, options).ToChatResponseAsync() : await app.Client.GetResponseAsync(Question, options);

        var other = usual == Strong ? Weak : Strong;
        response.ModelId.ShouldBe(other);
        response.GetRoute()!.Reason.ShouldBe("fail_over");
        response.GetRoute()!.Explanation!.ShouldStartWith($"{other} answers, since {usual} failed.");
        var services = app.Host.Services;
        var secret = services.GetRequiredService<RouterSecrets>().IdentitySecret;
        services.GetRequiredService<RoutingPolicy>().Sealer.Open(response.GetReceipt(), IdentityHash.Compute(secret, "default"), IdentityHash.Compute(secret, "default", "ada"), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), out var receipt).IsValid.ShouldBeTrue();
        receipt.ChosenModel.ShouldBe(Receipt.HashOf(new(other)), "feedback speaks of who answered");
        (await app.SayAsync("ada", response.GetReceipt(), FeedbackKind.Thumb, 1)).Counted.ShouldBeTrue();
        var noted = (await app.StopAsync())[1];
        (noted.GetProperty("chosen").GetString(), noted.GetProperty("served").GetString(), noted.GetProperty("fail_over").GetBoolean()).ShouldBe((usual, other, true));
    }

    /// <summary>Some repeat the request that they refuse.</summary>
    [Fact]
    public async Task Client_ThatFails_IsLoggedWithoutWhatItSaid()
    {
        var log = new ConcurrentQueue<string>();
        await using var app = await StartAsync(then: services => services.AddSingleton<ILogger<RoutedChatClient>>(new ErrorLog<RoutedChatClient>(log)));
        var usual = await app.UsualAsync();
        app.ServerOf(usual).Script = (context, _) => ScriptedUpstream.FailAsync(context, 500, $"input is '{Question}'");

        await app.Client.GetResponseAsync(Question);

        log.ShouldBe([$"The client of {usual} failed: System.ClientModel.ClientResultException"]);
    }

    [Fact]
    public async Task Client_OfANamedModel_IsNotReplaced()
    {
        await using var app = await StartAsync();
        app.WeakServer.Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);

        (await Should.ThrowAsync<ClientResultException>(() => app.Client.GetResponseAsync(Question, new ChatOptions { ModelId = Weak }))).Status.ShouldBe(500);

        app.StrongServer.Calls.ShouldBe(0);
    }

    [Fact]
    public async Task Client_ThatKeepsFailing_IsLeftAloneAndTriedAgain()
    {
        await using var app = await StartAsync(m => (m.CircuitFailures, m.CircuitSeconds) = (2, 1));
        var usual = await app.UsualAsync();
        var server = app.ServerOf(usual);
        server.Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        for (var i = 0; i < 6; i++)
        {
            (await app.UsualAsync()).ShouldNotBe(usual);
        }

        server.Calls.ShouldBe(1 + 2);
        server.Script = (_, _) => Task.FromResult(false);
        await Task.Delay(1200);
        (await app.UsualAsync()).ShouldBe(usual);
    }

    [Fact]
    public async Task Client_ThatWasLeftAlone_IsTriedByOneCallAtATime()
    {
        await using var app = await StartAsync(m => (m.CircuitFailures, m.CircuitSeconds) = (1, 1));
        var (usual, goesOn) = (await app.UsualAsync(), new TaskCompletionSource());
        var server = app.ServerOf(usual);
        server.Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        (await app.UsualAsync()).ShouldNotBe(usual);
        server.Script = async (_, _) =>
        {
            await goesOn.Task;
            return false;
        };
        await Task.Delay(1200);

        var trying = app.UsualAsync();
        await Eventually.TrueAsync(() => server.Calls == 3, TimeSpan.FromSeconds(10));
        (await app.UsualAsync()).ShouldNotBe(usual, "another call is trying it");
        goesOn.SetResult();

        (await trying).ShouldBe(usual);
        (await app.UsualAsync()).ShouldBe(usual);
    }

    [Fact]
    public async Task Client_ThatKeepsBreakingOff_IsLeftAlone()
    {
        await using var app = await StartAsync(m => (m.CircuitFailures, m.CircuitSeconds) = (2, 60));
        var usual = await app.UsualAsync();
        for (var i = 0; i < 2; i++)
        {
            await Should.ThrowAsync<Exception>(() => app.Client.GetStreamingResponseAsync("break", new ChatOptions { ModelId = usual }).ToChatResponseAsync());
        }

        (await app.UsualAsync()).ShouldNotBe(usual);
    }

    [Fact]
    public async Task Request_ThatAllRefuse_LeavesNobodyAlone()
    {
        await using var app = await StartAsync(m => m.CircuitFailures = 1);
        app.StrongServer.Script = app.WeakServer.Script = (context, body) => (string?)body["messages"]![0]!["content"] == "bad" ? ScriptedUpstream.FailAsync(context, 400) : Task.FromResult(false);
        var usual = await app.UsualAsync();

        (await Should.ThrowAsync<ClientResultException>(() => app.Client.GetResponseAsync("bad"))).Status.ShouldBe(400);

        (app.ServerOf(usual).Calls, app.OtherThan(usual).Calls).ShouldBe((2, 1));
        (await app.UsualAsync()).ShouldBe(usual);
        app.ServerOf(usual).Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        (await app.UsualAsync()).ShouldNotBe(usual, "the other was not left alone either");
    }

    [Fact]
    public async Task FailsOver_OfAFailureThatIsTheRequests_HandsItToTheCaller()
    {
        await using var app = await StartAsync(m => m.FailsOver = e => e is not ClientResultException { Status: 400 });
        app.StrongServer.Script = app.WeakServer.Script = (context, _) => ScriptedUpstream.FailAsync(context, 400);

        await Should.ThrowAsync<ClientResultException>(() => app.Client.GetResponseAsync(Question));

        (app.StrongServer.Calls + app.WeakServer.Calls).ShouldBe(1);
    }

    [Fact]
    public async Task Caller_WhoLeaves_IsNotAnsweredByAnother()
    {
        var asked = 0;
        await using var app = await StartAsync(wrap: (_, client) => client.AsBuilder().Use((messages, options, next, cancellationToken) =>
        {
            asked++;
            return next(messages, options, cancellationToken);
        }).Build());
        using var leave = new CancellationTokenSource();
        app.StrongServer.Script = app.WeakServer.Script = async (context, _) =>
        {
            await leave.CancelAsync();
            await Task.Delay(TimeSpan.FromSeconds(10), context.RequestAborted);
            return true;
        };

        await Should.ThrowAsync<OperationCanceledException>(() => app.Client.GetResponseAsync(Question, null, leave.Token));

        asked.ShouldBe(1);
    }
}
