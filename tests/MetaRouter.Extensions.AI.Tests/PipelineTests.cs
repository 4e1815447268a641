using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using static MetaRouter.Extensions.AI.Tests.RoutedApp;

namespace MetaRouter.Extensions.AI.Tests;

/// <summary>Among the other clients of a pipeline.</summary>
public class PipelineTests
{
    private const string Weather = "What is the weather in Oslo?";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FunctionInvocation_AroundIt_StaysWithOneModelUnderOneReceipt(bool streams)
    {
        await using var app = await StartAsync(null, services => services.AddChatClient(s => s.GetRequiredService<RoutedChatClient>()).UseFunctionInvocation());
        app.StrongServer.Script = app.WeakServer.Script = CallToolsAsync;
        var asked = new List<string>();
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((string city) => { asked.Add(city); return "rain"; }, "weather")] }.ForUser("ada");

        var response = streams ? await app.Client.GetStreamingResponseAsync(Weather, options).ToChatResponseAsync() : await app.Client.GetResponseAsync(Weather, options);

        asked.ShouldBe(["Oslo"]);
        response.Text.ShouldBe("It is \"rain\"");
        app.ServerOf(response.ModelId).Calls.ShouldBe(2);
        app.OtherThan(response.ModelId).Calls.ShouldBe(0);
        (await app.SayAsync("ada", response.GetReceipt(), FeedbackKind.Thumb, 1)).Counted.ShouldBeTrue();
        response.Messages.Select(m => m.AdditionalProperties?.GetValueOrDefault(RoutedChatKeys.Receipt)).OfType<string>().Distinct().Count().ShouldBe(1);
        (await app.StopAsync()).Length.ShouldBe(2, "one decision, and what was said of it");
    }

    /// <summary>Of updates without a message's id a response is made whose messages have no properties.</summary>
    [Fact]
    public async Task FunctionInvocation_OfAStreamWithoutMessageIds_StaysWithOneModelUnderOneReceipt()
    {
        await using var app = await StartAsync(then: services => services.AddChatClient(s => s.GetRequiredService<RoutedChatClient>()).UseFunctionInvocation(), wrap: (_, client) => new Nameless(client));
        app.StrongServer.Script = app.WeakServer.Script = CallToolsAsync;
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((string city) => "rain", "weather")] }.ForUser("ada");
        var receipts = new List<string?>();

        await foreach (var update in app.Client.GetStreamingResponseAsync(Weather, options))
        {
            receipts.Add(update.GetReceipt());
        }

        receipts.OfType<string>().Distinct().Count().ShouldBe(1);
        (app.StrongServer.Calls * app.WeakServer.Calls).ShouldBe(0);
        (await app.StopAsync()).Length.ShouldBe(1, "one decision");
    }

    [Fact]
    public async Task Tools_OfATurnThatAModelBegan_AreAnsweredByIt_WhoeverWouldBeChosenNow()
    {
        await using var app = await StartAsync(m => m.CheapLambda = 1000);
        var (first, said, options) = await BeginTurnAsync(app);
        options.ModelId = Dial.Cheap;

        var second = await app.Client.GetResponseAsync(said, options);
        said.AddRange(second.Messages);
        said.Add(new(ChatRole.User, "And tomorrow?"));
        var third = await app.Client.GetResponseAsync(said, options);

        (first.ModelId, second.ModelId, third.ModelId).ShouldBe((Strong, Strong, Weak));
        second.GetRoute().ShouldBe(first.GetRoute());
        third.GetReceipt().ShouldNotBe(first.GetReceipt());
    }

    /// <summary>As at the gateway: a reminder that is put behind what the tools brought is no new turn.</summary>
    [Theory]
    [InlineData("system")]
    [InlineData("developer")]
    public async Task Tools_WithWordsOfTheSystemBehindTheirs_AreAnsweredByWhoBeganTheTurn(string role)
    {
        await using var app = await StartAsync(m => m.CheapLambda = 1000);
        var (first, said, options) = await BeginTurnAsync(app);
        said.Add(new(new ChatRole(role), "Be brief."));
        options.ModelId = Dial.Cheap;

        (await app.Client.GetResponseAsync(said, options)).GetRoute().ShouldBe(first.GetRoute());
    }

    /// <summary>As at the gateway: what its tools have brought so far is not lost with it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tools_OfATurnWhoseModelFails_AreAnsweredByAnother(bool streams)
    {
        await using var app = await StartAsync();
        var (first, said, options) = await BeginTurnAsync(app, "ada", streams);
        app.StrongServer.Script = (context, _) => Gateway.Tests.ScriptedUpstream.FailAsync(context, 500);

        var second = await AskAsync(app, said, options, streams);

        (first.ModelId, second.ModelId, second.Text).ShouldBe((Strong, Weak, "It is rain"));
        second.GetReceipt().ShouldNotBe(first.GetReceipt());
        (await app.SayAsync("ada", second.GetReceipt(), FeedbackKind.Thumb, 1)).Counted.ShouldBeTrue();
        app.WeakServer.Script = (context, _) => Gateway.Tests.ScriptedUpstream.FailAsync(context, 500);
        (await Should.ThrowAsync<System.ClientModel.ClientResultException>(() => AskAsync(app, said, options, streams))).Status.ShouldBe(500);
        (await app.StopAsync()).Count(l => l.TryGetProperty("served", out var served) && served.GetString() == Weak).ShouldBe(1);
    }

    [Fact]
    public async Task Tools_OfATurnWhileAllModelsAreLeftAlone_AreAnsweredByWhoBeganItUnderItsReceipt()
    {
        await using var app = await StartAsync(m => (m.CircuitFailures, m.CircuitSeconds) = (1, 60));
        var (first, said, options) = await BeginTurnAsync(app);
        app.StrongServer.Script = app.WeakServer.Script = (_, _) => Task.FromResult(false);
        foreach (var model in (string[])[Strong, Weak])
        {
            await Should.ThrowAsync<Exception>(() => app.Client.GetStreamingResponseAsync("break", new ChatOptions { ModelId = model }).ToChatResponseAsync());
        }

        app.StrongServer.Script = app.WeakServer.Script = CallToolsAsync;
        (await app.Client.GetResponseAsync(said, options)).GetRoute().ShouldBe(first.GetRoute());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Conversation_ThatAProviderKeeps_GoesOnThere(bool streams)
    {
        var keepers = new Dictionary<string, Keeper>();
        await using var app = await StartAsync(wrap: (model, client) => keepers[model] = new Keeper(client));
        async Task<ChatResponse> AskAsync(ChatOptions options) => streams ? await app.Client.GetStreamingResponseAsync(Question, options).ToChatResponseAsync() : await app.Client.GetResponseAsync(Question, options);

        var first = await AskAsync(new ChatOptions { ModelId = Dial.Quality });
        var second = await AskAsync(new ChatOptions { ConversationId = first.ConversationId });
        var refused = await Should.ThrowAsync<ArgumentException>(() => AskAsync(new ChatOptions { ConversationId = "kept-1" }));

        (first.ModelId, second.ModelId).ShouldBe((Strong, Strong));
        keepers[Strong].Asked.ShouldBe([null, "kept-1"]);
        refused.Message.ShouldContain("The conversation 'kept-1' is none that this client told");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FunctionInvocation_WhereAProviderKeepsTheConversation_HasTheReceiptOfTheTurn(bool streams)
    {
        await using var app = await StartAsync(
            then: services => services.AddChatClient(s => s.GetRequiredService<RoutedChatClient>()).UseFunctionInvocation(), wrap: (_, client) => new Keeper(client));
        app.StrongServer.Script = app.WeakServer.Script = CallToolsAsync;
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((string city) => "rain", "weather")] }.ForUser("ada");

        var response = streams ? await app.Client.GetStreamingResponseAsync(Weather, options).ToChatResponseAsync() : await app.Client.GetResponseAsync(Weather, options);

        response.ConversationId.ShouldBe($"{response.ModelId} kept-2");
        (await app.SayAsync("ada", response.GetReceipt(), FeedbackKind.Thumb, 1)).Counted.ShouldBeTrue();
    }

    [Fact]
    public async Task Pipeline_WithTelemetryAndCache_TellsWhoServedAndGivesAUserTheirOwnAnswer()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener { ShouldListenTo = s => s.Name == "routed-chat-tests", Sample = (ref _) => ActivitySamplingResult.AllData, ActivityStopped = spans.Enqueue };
        ActivitySource.AddActivityListener(listener);
        await using var app = await StartAsync(then: services => services.AddDistributedMemoryCache()
            .AddChatClient(s => s.GetRequiredService<RoutedChatClient>()).UseDistributedCache().UseLogging().UseOpenTelemetry(sourceName: "routed-chat-tests"));
        Task<ChatResponse> AskAsync(string user) => app.Client.GetResponseAsync(Question, new ChatOptions().ForUser(user));

        var (first, again, others) = (await AskAsync("ada"), await AskAsync("ada"), await AskAsync("bob"));

        (again.Text, again.GetRoute()).ShouldBe((first.Text, first.GetRoute()), "from the cache");
        others.GetReceipt().ShouldNotBe(first.GetReceipt());
        (app.StrongServer.Calls + app.WeakServer.Calls).ShouldBe(2);
        var span = spans.First();
        (span.GetTagItem("gen_ai.provider.name"), span.GetTagItem("gen_ai.response.model")).ShouldBe(("metarouter", first.ModelId));
    }

    /// <summary>As the page has it: without the model in the key, the weak one's answer would be the strong one's words.</summary>
    [Fact]
    public async Task Cache_InTheModelsClients_GivesEachModelItsOwnAnswer()
    {
        var cache = new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions()));
        await using var app = await StartAsync(wrap: (model, client) => client.AsBuilder().UseDistributedCache(cache, c => c.CacheKeyAdditionalValues = [model]).Build());
        Task<ChatResponse> AskAsync(string model) => app.Client.GetResponseAsync(Question, new ChatOptions { ModelId = model }.ForUser("ada"));

        var (strong, weak, again, routed) = (await AskAsync(Strong), await AskAsync(Weak), await AskAsync(Strong), await AskAsync(Dial.Quality));

        (strong.Text, weak.Text, again.Text, routed.Text).ShouldBe(("I am strong", "I am weak", "I am strong", "I am strong"));
        (app.StrongServer.Calls, app.WeakServer.Calls).ShouldBe((1, 1));
        (await app.SayAsync("ada", routed.GetReceipt(), FeedbackKind.Thumb, 1)).Counted.ShouldBeTrue("the decision is the call's own");
    }

    [Fact]
    public async Task Registration_Twice_AddsFurtherModels()
    {
        await using var app = await StartAsync(null, services => services.AddRoutedChatClient(m => m.Add(Unserved, _ => new Keeper(OpenAi(new Uri("http://127.0.0.1:1"), "third")))));

        app.Host.Services.GetServices<IChatClient>().Count().ShouldBe(1);
        app.Client.GetService<Keeper>(Unserved).ShouldNotBeNull();
    }

    /// <summary>A turn that the strong model has begun, and whose tool has answered.</summary>
    private static async Task<(ChatResponse First, List<ChatMessage> Said, ChatOptions Options)> BeginTurnAsync(RoutedApp app, string? user = null, bool streams = false)
    {
        app.StrongServer.Script = app.WeakServer.Script = CallToolsAsync;
        var options = new ChatOptions { ModelId = Dial.Quality, Tools = [AIFunctionFactory.CreateDeclaration("weather", null, AIJsonUtilities.CreateJsonSchema(typeof(string)))] };
        options = user is null ? options : options.ForUser(user);
        List<ChatMessage> said = [new(ChatRole.User, Weather)];
        var first = await AskAsync(app, said, options, streams);
        said.AddRange(first.Messages);
        said.Add(new(ChatRole.Tool, [new FunctionResultContent("call_1", "rain")]));
        return (first, said, options);
    }

    private static async Task<ChatResponse> AskAsync(RoutedApp app, List<ChatMessage> said, ChatOptions options, bool streams) =>
        streams ? await app.Client.GetStreamingResponseAsync(said, options).ToChatResponseAsync() : await app.Client.GetResponseAsync(said, options);

    /// <summary>Asks for the weather first, and then says what it was.</summary>
    private static async Task<bool> CallToolsAsync(HttpContext context, JsonObject body)
    {
        var last = body["messages"]!.AsArray()[^1]!;
        var message = (string?)last["role"] == "tool" ? new JsonObject { ["role"] = "assistant", ["content"] = $"It is {(string?)last["content"]}" }
            : (string?)last["content"] == Weather ? new JsonObject { ["role"] = "assistant", ["tool_calls"] = new JsonArray(new JsonObject { ["index"] = 0, ["id"] = "call_1", ["type"] = "function", ["function"] = new JsonObject { ["name"] = "weather", ["arguments"] = """{"city":"Oslo"}""" } }) }
            : new JsonObject { ["role"] = "assistant", ["content"] = "Who knows?" };
        var streams = (bool?)body["stream"] == true;
        var answer = new JsonObject
        {
            ["id"] = "up-" + Guid.NewGuid().ToString("N"), ["object"] = streams ? "chat.completion.chunk" : "chat.completion", ["created"] = 1, ["model"] = "m",
            ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, [streams ? "delta" : "message"] = message, ["finish_reason"] = message.ContainsKey("tool_calls") ? "tool_calls" : "stop" }),
        };
        context.Response.ContentType = streams ? "text/event-stream" : "application/json";
        await context.Response.WriteAsync(streams ? $"data: {answer.ToJsonString()}\n\ndata: [DONE]\n\n" : answer.ToJsonString());
        return true;
    }

    /// <summary>Gives messages no ids, as not every provider's client does.</summary>
    private sealed class Nameless(IChatClient inner) : DelegatingChatClient(inner)
    {
        public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken))
            {
                (update.MessageId, update.ResponseId) = (null, null);
                yield return update;
            }
        }
    }

    /// <summary>Keeps conversations, as clients of stateful services do.</summary>
    private sealed class Keeper(IChatClient inner) : DelegatingChatClient(inner)
    {
        public List<string?> Asked { get; } = [];

        public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            Asked.Add(options?.ConversationId);
            var response = await base.GetResponseAsync(messages, options, cancellationToken);
            response.ConversationId = $"kept-{Asked.Count}";
            return response;
        }

        public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            Asked.Add(options?.ConversationId);
            await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken))
            {
                update.ConversationId = $"kept-{Asked.Count}";
                yield return update;
            }
        }
    }
}
