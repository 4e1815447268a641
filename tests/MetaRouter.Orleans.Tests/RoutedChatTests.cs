using System.ClientModel;
using System.ClientModel.Primitives;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Extensions.AI;
using MetaRouter.Gateway.Tests;
using MetaRouter.Orleans.Client;
using MetaRouter.RouterContract;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using OpenAI;

namespace MetaRouter.Orleans.Tests;

/// <summary>The routed chat client of an application whose router is the cluster.</summary>
public sealed class RoutedChatTests(OneRedis redis) : IClassFixture<OneRedis>
{
    private const string Strong = "gpt-4o-2024-05-13", Weak = "mixtral-8x7b-instruct", Question = "What is 7 times 8?";

    [Fact]
    public async Task Client_OverTheCluster_RoutesFailsOverAndLearns()
    {
        await using var strong = await ScriptedUpstream.StartAsync("strong");
        await using var weak = await ScriptedUpstream.StartAsync("weak");
        await using var fixture = new ClusterFixture(redis.Server, 1, TimeProvider.System)
        {
            ConfigureClient = services => services.AddRoutedChatClient(models => models.Add(Strong, _ => OpenAi(strong)).Add(Weak, _ => OpenAi(weak))),
        };
        var services = (await fixture.StartClusterAsync()).Client.ServiceProvider;
        var (client, router) = (services.GetRequiredService<IChatClient>(), services.GetRequiredService<IRouter>());
        router.ShouldBeOfType<ClusterRouter>();
        var options = new ChatOptions { ModelId = Dial.Quality }.ForUser("ada");

        var chosen = await client.GetResponseAsync(Question, options);
        strong.Script = (context, _) => ScriptedUpstream.FailAsync(context, 500);
        var replaced = await client.GetStreamingResponseAsync(Question, options).ToChatResponseAsync();
        var unknown = await client.GetResponseAsync(Question);

        (chosen.ModelId, chosen.GetRoute()!.Reason).ShouldBe((Strong, "best_for_dial"));
        (replaced.ModelId, replaced.GetRoute()!.Reason, replaced.Text).ShouldBe((Weak, "fail_over", "I am weak"));
        unknown.ModelId.ShouldBe(Weak);
        foreach (var receipt in new[] { chosen.GetReceipt(), replaced.GetReceipt() })
        {
            (await router.LearnAsync("default", "ada", new Feedback(receipt!, FeedbackKind.Thumb, 1))).Counted.ShouldBeTrue();
        }

        (await router.GetUserAsync("default", "ada")).State.Count.ShouldBe(2);
    }

    private static IChatClient OpenAi(ScriptedUpstream server) => new OpenAIClient(
        new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(server.Url), RetryPolicy = new ClientRetryPolicy(0) }).GetChatClient("any").AsIChatClient();
}
