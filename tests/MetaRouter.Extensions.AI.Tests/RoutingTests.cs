using System.Text.Json.Nodes;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using static MetaRouter.Extensions.AI.Tests.RoutedApp;
using IRouter = MetaRouter.Core.Routing.IRouter;

namespace MetaRouter.Extensions.AI.Tests;

/// <summary>Who answers whom, and what the answer tells.</summary>
public class RoutingTests
{
    [Fact]
    public async Task GetResponse_AfterFeedback_GivesEachUserTheModelTheyPrefer()
    {
        await using var app = await StartAsync();
        foreach (var (user, goesCheaper) in new[] { ("ada", (byte)1), ("bob", (byte)0) })
        {
            for (var i = 0; i < 25; i++)
            {
                var seen = await app.Client.GetResponseAsync($"What is {i} times 8?", new ChatOptions().ForUser(user));
                (await app.SayAsync(user, seen.GetReceipt(), FeedbackKind.SwitchModel, goesCheaper)).Counted.ShouldBeTrue();
            }
        }

        var (ada, bob) = (await app.Client.GetResponseAsync(Question, new ChatOptions().ForUser("ada")), await app.Client.GetResponseAsync(Question, new ChatOptions().ForUser("bob")));

        (ada.ModelId, ada.Text).ShouldBe((Weak, "I am weak"));
        (bob.ModelId, bob.Text).ShouldBe((Strong, "I am strong"));
    }

    [Fact]
    public async Task GetResponse_TellsWhoAnsweredAndWhy()
    {
        await using var app = await StartAsync();

        var response = await app.Client.GetResponseAsync(Question, new ChatOptions().ForUser("ada"));

        var route = response.GetRoute().ShouldNotBeNull();
        (route.Model, route.Reason).ShouldBe((response.ModelId, "best_for_user"));
        route.Explanation.ShouldNotBeNull().ShouldStartWith(route.Model);
        response.AdditionalProperties.ShouldNotBeNull()[RoutedChatKeys.Receipt].ShouldBe(route.Receipt);
    }

    [Fact]
    public async Task GetResponse_HandsOnWhatIsNotTheRouters()
    {
        var handed = new List<ChatOptions?>();
        await using var app = await StartAsync(wrap: (_, client) => client.AsBuilder().Use((messages, options, next, cancellationToken) =>
        {
            handed.Add(options);
            return next(messages, options, cancellationToken);
        }).Build());
        var options = new ChatOptions { ModelId = Dial.Balanced, MaxOutputTokens = 50, AdditionalProperties = new() { ["theirs"] = "kept" } }.ForUser("ada", "acme").InSession("s1");

        var response = await app.Client.GetResponseAsync(Question, options);
        await app.Client.GetResponseAsync(Question);

        var theirs = handed[0].ShouldNotBeNull();
        (theirs.ModelId, theirs.MaxOutputTokens).ShouldBe((null, 50), "the client knows what its provider calls the model");
        theirs.AdditionalProperties.ShouldNotBeNull().Keys.ShouldBe(["theirs"]);
        handed[1].ShouldBeNull();
        ((string?)app.ServerOf(response.ModelId).Bodies.First()["model"]).ShouldBe(response.ModelId == Strong ? "strong-deployment" : "weak-deployment");
        (options.ModelId, options.AdditionalProperties!.Count).ShouldBe((Dial.Balanced, 4), "the caller's options are the caller's");
    }

    [Fact]
    public async Task GetResponse_WithoutUser_FollowsThePopulationAndStoresNothing()
    {
        await using var app = await StartAsync();

        var response = await app.Client.GetResponseAsync(Question);

        var population = await app.Router.RouteAnonymousAsync("default", new RouteRequest(Question) { Needs = new() { AllowedModels = new HashSet<Core.Catalog.ModelId> { new(Strong), new(Weak) } } });
        response.ModelId.ShouldBe(population.Model.Value);
        (await app.SayAsync("ada", response.GetReceipt(), FeedbackKind.Thumb, 1)).Receipt.Status.ShouldBe(ReceiptStatus.Foreign, "it is nobody's");
        (await app.Host.Services.GetRequiredService<IUserStore>().ChangedAsync(0, 10)).ShouldBeEmpty();
    }

    [Fact]
    public async Task GetResponse_OfAnotherTenant_IsThatTenantsUsers()
    {
        await using var app = await StartAsync();

        var receipt = (await app.Client.GetResponseAsync(Question, new ChatOptions().ForUser("ada", "acme"))).GetReceipt();

        (await app.SayAsync("ada", receipt, FeedbackKind.Thumb, 1)).Receipt.Status.ShouldBe(ReceiptStatus.Foreign);
        (await app.SayAsync("ada", receipt, FeedbackKind.Thumb, 1, "acme")).Counted.ShouldBeTrue();
    }

    [Theory]
    [InlineData(Dial.Quality, Strong)]
    [InlineData(Dial.Cheap, Weak)]
    public async Task GetResponse_WithTheDial_IgnoresWhatIsBelieved(string dial, string expected)
    {
        await using var app = await StartAsync(m => m.CheapLambda = 1000);

        var response = await app.Client.GetResponseAsync(Question, new ChatOptions { ModelId = dial }.ForUser("ada"));

        (response.ModelId, response.GetRoute()!.Reason).ShouldBe((expected, "best_for_dial"));
    }

    [Theory]
    [InlineData(Strong)]
    [InlineData(Weak)]
    public async Task GetResponse_OfANamedModel_IsNotRouted(string model)
    {
        await using var app = await StartAsync();

        var response = await app.Client.GetResponseAsync(Question, new ChatOptions { ModelId = model }.ForUser("ada"));

        response.GetRoute().ShouldBe(new RoutedAnswer(model, null, "requested", null));
        app.OtherThan(model).Calls.ShouldBe(0);
        (await app.StopAsync()).ShouldBeEmpty("nothing was decided");
    }

    [Fact]
    public async Task GetResponse_OfAModelWithoutClient_IsRefusedByName()
    {
        await using var app = await StartAsync();

        var refused = await Should.ThrowAsync<ArgumentException>(() => app.Client.GetResponseAsync(Question, new ChatOptions { ModelId = Unserved }));

        refused.Message.ShouldContain($"The model '{Unserved}' has no client here; name one of {Strong}, {Weak}, or have it chosen: auto, auto:quality");
    }

    [Fact]
    public async Task GetResponse_NeverChoosesAModelWithoutClient()
    {
        await using var app = await StartAsync(m => m.CheapLambda = 1);

        var alone = await app.Router.RouteAnonymousAsync("default", new RouteRequest(Question) { LambdaCost = 1 });
        var response = await app.Client.GetResponseAsync(Question, new ChatOptions { ModelId = Dial.Cheap });

        alone.Model.Value.ShouldBe(Unserved, "else this test says nothing");
        response.ModelId.ShouldBeOneOf(Strong, Weak);
    }

    [Theory]
    [InlineData("vision")]
    [InlineData("tools")]
    [InlineData("structured_output")]
    [InlineData("streaming")]
    public async Task GetResponse_GoesToAModelThatCanTakePart(string capability)
    {
        string[] all = ["vision", "tools", "structured_output", "streaming"];
        await using var app = await StartAsync(m => m.CheapLambda = 1000, settings: [.. all.Where(c => c != capability).Select((c, i) => ($"MetaRouter:Models:1:Capabilities:{i}", c))]);
        var options = new ChatOptions { ModelId = Dial.Cheap };
        ChatMessage message = new(ChatRole.User, Question);
        (await app.Client.GetResponseAsync(message, options)).ModelId.ShouldBe(Weak, "else this test says nothing");
        switch (capability)
        {
            case "vision":
                message.Contents.Add(new DataContent(new byte[] { 1, 2, 3 }, "image/png"));
                break;
            case "tools":
                options.Tools = [AIFunctionFactory.Create(() => 1, "one")];
                break;
            case "structured_output":
                options.ResponseFormat = ChatResponseFormat.ForJsonSchema<Answer>();
                break;
        }

        var response = capability == "streaming" ? await app.Client.GetStreamingResponseAsync(message, options).ToChatResponseAsync() : await app.Client.GetResponseAsync(message, options);

        response.ModelId.ShouldBe(Strong);
    }

    [Fact]
    public async Task GetResponse_InASession_StaysWithTheModelWhosePromptIsCached()
    {
        await using var app = await StartAsync(settings: [("MetaRouter:Models:0:OutputPrice", "0.1"), ("MetaRouter:Models:0:CachedInputPrice", "0.01"), ("MetaRouter:Models:1:InputPrice", "1"), ("MetaRouter:Models:1:OutputPrice", "0.1")]);
        async Task<string?> AskAsync(string dial, string session) => (await app.Client.GetResponseAsync(new string('a', 4000), new ChatOptions { ModelId = dial }.ForUser("ada").InSession(session))).ModelId;

        (await AskAsync(Dial.Cheap, "s0")).ShouldBe(Weak);
        (await AskAsync(Dial.Quality, "s1")).ShouldBe(Strong);

        // 1,000 prompt tokens are worth $0.001 at the weak model and, cached, $0.00001 at the strong one.
        (await AskAsync(Dial.Cheap, "s1")).ShouldBe(Strong);
        (await AskAsync(Dial.Cheap, "s2")).ShouldBe(Weak);
    }

    /// <summary>As at the gateway: an agent's call for a title is in no cache of the conversation's, and leaves the conversation with its model.</summary>
    [Fact]
    public async Task GetResponse_BesideASession_LeavesItWithItsModel()
    {
        await using var app = await StartAsync(settings: [("MetaRouter:Models:0:OutputPrice", "0.1"), ("MetaRouter:Models:0:CachedInputPrice", "0.01"), ("MetaRouter:Models:1:InputPrice", "1"), ("MetaRouter:Models:1:OutputPrice", "0.1")]);
        List<ChatMessage> said = [new(ChatRole.System, "Be brief."), new(ChatRole.User, new string('a', 4000))];
        async Task<string?> AskAsync(string dial, IEnumerable<ChatMessage> messages, string? instructions = null) => (await app.Client.GetResponseAsync(messages, new ChatOptions { ModelId = dial, Instructions = instructions }.ForUser("ada").InSession("s1"))).ModelId;

        (await AskAsync(Dial.Quality, said)).ShouldBe(Strong);
        said.AddRange([new(ChatRole.Assistant, "b"), new(ChatRole.User, "And now?")]);
        (await AskAsync(Dial.Cheap, [new(ChatRole.System, "Give this conversation a title."), said[1]])).ShouldBe(Weak);
        (await AskAsync(Dial.Cheap, said[1..], "Give this conversation a title.")).ShouldBe(Weak);

        (await AskAsync(Dial.Cheap, said)).ShouldBe(Strong);
    }

    /// <summary>A screenshot, of which clients that can make an image again, and no text of 200,000 tokens.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GetResponse_AfterAToolGaveAnImageBack_LooksForAModelThatSees(bool isOfSeveral)
    {
        await using var app = await StartAsync(m => m.CheapLambda = 1000, settings: [("MetaRouter:Models:1:Capabilities:0", "tools")]);
        var shot = new DataContent(new byte[600_000], "image/png");
        List<ChatMessage> said =
        [
            new(ChatRole.User, "What is on the screen?"), new(ChatRole.Assistant, [new FunctionCallContent("c1", "shot")]),
            new(ChatRole.Tool, [new FunctionResultContent("c1", isOfSeveral ? new AIContent[] { new TextContent("The screen:"), shot } : shot)]), new(ChatRole.Assistant, "A cat."), new(ChatRole.User, Question),
        ];

        var response = await app.Client.GetResponseAsync(said, new ChatOptions { ModelId = Dial.Cheap });

        response.ModelId.ShouldBe(Strong);
    }

    /// <summary>A gateway on the same store would not know such a user.</summary>
    [Theory]
    [InlineData(RoutedChatKeys.User, "A user's id (metarouter.user) has 257 characters")]
    [InlineData(RoutedChatKeys.Session, "A conversation's name (metarouter.session) has 257 characters")]
    public async Task GetResponse_OfAnIdThatIsTooLong_IsRefusedByName(string key, string named)
    {
        await using var app = await StartAsync();
        ChatOptions Options(int length) => new() { AdditionalProperties = new() { [key] = new string('a', length) } };

        (await Should.ThrowAsync<ArgumentException>(() => app.Client.GetResponseAsync(Question, Options(257)))).Message.ShouldContain(named);
        (await app.Client.GetResponseAsync(Question, Options(256))).Text.ShouldNotBeEmpty();
    }

    /// <summary>Where a provider does not count, a call's arguments are counted here as its text is.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GetResponse_ThatCallsATool_IsEstimatedWithItsArguments(bool streams)
    {
        await using var app = await StartAsync();
        var arguments = $$"""{"city":"{{new string('a', 4000)}}"}""";
        app.StrongServer.Script = app.WeakServer.Script = async (context, _) =>
        {
            var call = new JsonObject { ["index"] = 0, ["id"] = "c1", ["type"] = "function", ["function"] = new JsonObject { ["name"] = "f", ["arguments"] = arguments } };
            var choice = new JsonObject { ["index"] = 0, [streams ? "delta" : "message"] = new JsonObject { ["role"] = "assistant", ["content"] = null, ["tool_calls"] = new JsonArray(call) }, ["finish_reason"] = "tool_calls" };
            var answer = new JsonObject { ["id"] = "x", ["object"] = streams ? "chat.completion.chunk" : "chat.completion", ["created"] = 1, ["model"] = "m", ["choices"] = new JsonArray(choice) }.ToJsonString();
            context.Response.ContentType = streams ? "text/event-stream" : "application/json";
            await context.Response.WriteAsync(streams ? $"data: {answer}\n\ndata: [DONE]\n\n" : answer);
            return true;
        };

        var response = streams ? await app.Client.GetStreamingResponseAsync(Question).ToChatResponseAsync() : await app.Client.GetResponseAsync(Question);

        response.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>().Count().ShouldBe(1);
        var noted = (await app.StopAsync()).Single();
        noted.GetProperty("cost_source").GetString().ShouldBe("counted");
        noted.GetProperty("completion_tokens").GetInt64().ShouldBeInRange(1003, 1010);
    }

    [Fact]
    public async Task GetResponse_IsNotedWithWhatItCost()
    {
        await using var app = await StartAsync();

        var model = await app.UsualAsync();

        var noted = (await app.StopAsync()).Single();
        noted.GetProperty("served").GetString().ShouldBe(model);
        noted.GetProperty("fail_over").GetBoolean().ShouldBeFalse();
        noted.GetProperty("cost_source").GetString().ShouldBe("usage");
        noted.GetProperty("cost_usd").GetDouble().ShouldBe(model == Strong ? ((1000 * 5) + (100 * 15)) / 1e6 : 1100 * 0.5 / 1e6, 1e-9);
    }

    [Fact]
    public async Task GetRoute_OfAnAnswerThatWasSerialised_IsStillThere()
    {
        await using var app = await StartAsync();
        var response = await app.Client.GetResponseAsync(Question, new ChatOptions().ForUser("ada"));

        var read = System.Text.Json.JsonSerializer.Deserialize<ChatResponse>(System.Text.Json.JsonSerializer.Serialize(response, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!;

        read.GetRoute().ShouldBe(response.GetRoute());
    }

    [Fact]
    public async Task GetService_GivesWhatStandsBehindIt()
    {
        await using var app = await StartAsync();

        app.Client.GetService<RoutedChatClient>().ShouldBeSameAs(app.Client);
        app.Client.GetService<IRouter>().ShouldBeSameAs(app.Router);
        app.Client.GetService<ChatClientMetadata>()!.ProviderName.ShouldBe("metarouter");
        app.Client.GetService<ChatClientMetadata>(Weak)!.DefaultModelId.ShouldBe("weak-deployment");
        app.Client.GetService<ChatClientMetadata>(Unserved).ShouldBeNull();
    }

    internal sealed record Answer(int Value);
}
