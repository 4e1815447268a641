using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using MetaRouter.Gateway.Chat;
using Microsoft.Extensions.AI;
using OpenAI;

namespace MetaRouter.Extensions.AI.Tests;

/// <summary>What routing sees of a conversation is what the gateway sees of it in the body that OpenAI's client sends.</summary>
public class ReadingTests
{
    private static readonly AITool[] Tools = [AIFunctionFactory.Create((string city, int days) => $"{city}{days}", "weather", "The weather of the coming days."), AIFunctionFactory.Create((double usd) => usd, "convert", "Dollars into euros.")];

    private static readonly DataContent Image = new(new byte[] { 1, 2, 3 }, "image/png");

    public static TheoryData<string> Conversations => [.. Cases.Keys];

    private static Dictionary<string, (ChatMessage[] Messages, ChatOptions? Options)> Cases { get; } = new()
    {
        ["one message"] = ([new(ChatRole.User, "What is 7 times 8?")], null),
        ["instructions"] = ([new(ChatRole.User, "What is 7 times 8?")], new() { Instructions = "Be brief and be right." }),
        ["a conversation"] = ([new(ChatRole.System, "Be brief."), new(ChatRole.User, "What is 7 times 8?"), new(ChatRole.Assistant, "It is 56."), new(ChatRole.User, "And 9 times 9, and why is it so?")], new() { MaxOutputTokens = 77 }),
        ["no user"] = ([new(ChatRole.System, "Say something."), new(ChatRole.Assistant, "Something.")], null),
        ["parts"] = ([new(ChatRole.User, [new TextContent("What is on"), new TextContent("this picture?"), Image])], null),
        ["an earlier picture"] = ([new(ChatRole.User, [new TextContent("Look."), new UriContent("https://example.org/a.png", "image/png")]), new(ChatRole.Assistant, "A cat."), new(ChatRole.User, "Of what colour?")], null),
        ["a picture alone"] = ([new(ChatRole.User, "What is on the next one?"), new(ChatRole.Assistant, "Show me."), new(ChatRole.User, [Image])], null),
        ["a glance and a sound"] = ([new(ChatRole.User, [new TextContent("Which?"), new DataContent(new byte[] { 1, 2, 3 }, "image/png") { AdditionalProperties = new() { ["detail"] = "low" } }, new DataContent(new byte[30_000], "audio/wav")])], null),
        ["tools"] = ([new(ChatRole.User, "How warm is Oslo?")], new() { Tools = Tools }),
        ["a schema"] = ([new(ChatRole.User, "How warm is Oslo?")], new() { ResponseFormat = ChatResponseFormat.ForJsonSchema<RoutingTests.Answer>() }),
        ["JSON of any shape"] = ([new(ChatRole.User, "How warm is Oslo?")], new() { ResponseFormat = ChatResponseFormat.Json }),
        ["tools that answered"] = (
            [new(ChatRole.User, "How warm is Oslo, and Rome?"), new(ChatRole.Assistant, [Call("1", "Oslo"), Call("2", "Rome")]), new(ChatRole.Tool, [new FunctionResultContent("call_1", "-3 degrees"), new FunctionResultContent("call_2", "12 degrees")])],
            new() { Tools = Tools, ToolMode = ChatToolMode.None }),
        ["nothing"] = ([new(ChatRole.User, "")], null),
    };

    [Theory]
    [MemberData(nameof(Conversations))]
    public async Task Read_OfAConversation_IsWhatTheGatewayReadsOfItsBody(string conversation)
    {
        var (messages, options) = Cases[conversation];
        foreach (var streams in new[] { false, true })
        {
            var theirs = await OfTheGatewayAsync(messages, options, streams);

            var (asked, needs) = ChatReading.Read(messages, options, streams);

            (asked.Text, asked.Needs, needs).ShouldBe((theirs.Asked.Text, theirs.Asked.Needs, theirs.Needs));
            asked.PromptTokens.HasValue.ShouldBe(theirs.Asked.PromptTokens.HasValue);
            if (options?.Tools is null && options?.ResponseFormat is null)
            {
                asked.PromptTokens.ShouldBe(theirs.Asked.PromptTokens);
            }
            else
            {
                ((double)asked.Tokens).ShouldBe(theirs.Asked.Tokens, 0.05 * theirs.Asked.Tokens, "clients differ in how they spell tools and schemas");
            }
        }
    }

    private static FunctionCallContent Call(string id, string city) => new("call_" + id, "weather", new Dictionary<string, object?> { ["city"] = city, ["days"] = 3 });

    private static async Task<ChatBody> OfTheGatewayAsync(ChatMessage[] messages, ChatOptions? options, bool streams)
    {
        using var sent = new Sent();
        using var http = new HttpClient(sent);
        using var client = new OpenAIClient(new ApiKeyCredential("none"), new OpenAIClientOptions { Transport = new HttpClientPipelineTransport(http), RetryPolicy = new ClientRetryPolicy(0) }).GetChatClient("any").AsIChatClient();
        await Should.ThrowAsync<ClientResultException>(() => streams ? client.GetStreamingResponseAsync(messages, options).ToChatResponseAsync() : client.GetResponseAsync(messages, options));
        return ChatBody.Read(sent.Body);
    }

    /// <summary>Takes a request's bytes as they leave, and answers none.</summary>
    private sealed class Sent : HttpMessageHandler
    {
        public byte[] Body { get; private set; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.BadRequest);
        }
    }
}
