using System.ClientModel;
using System.ClientModel.Primitives;
using MetaRouter.Core.Users;
using MetaRouter.Extensions.AI;
using MetaRouter.Hosting;
using Microsoft.Extensions.AI;
using OpenAI;
using IRouter = MetaRouter.Core.Routing.IRouter; // ASP.NET Core has one too

// An application that speaks to models through IChatClient, with the model chosen for each user: the answer, and what the user thought of it.
var builder = WebApplication.CreateBuilder(args);
if (builder.Configuration["OPENAI_API_KEY"] is not { Length: > 0 } key)
{
    Console.Error.WriteLine("OPENAI_API_KEY is not set. Set it to your key, or to any word where OPENAI_BASE_URL is a server that asks for none.");
    return 2;
}

var openAi = new OpenAIClient(
    new ApiKeyCredential(key),
    new OpenAIClientOptions
    {
        Endpoint = new Uri(builder.Configuration["OPENAI_BASE_URL"] ?? "https://api.openai.com/v1"),
        RetryPolicy = new ClientRetryPolicy(0), // another model is the better second try
    });
builder.Services.AddMetaRouter();
builder.Services.AddRoutedChatClient(models =>
{
    models.Add("gpt-4o-2024-05-13", _ => openAi.GetChatClient("gpt-4o-2024-05-13").AsIChatClient());
    models.Add("gpt-4o-mini-2024-07-18", _ => openAi.GetChatClient("gpt-4o-mini").AsIChatClient());
    models.FailsOver = e => e is not ClientResultException { Status: 400 or 413 or 422 }; // those are the request's fault, whichever model is asked
});
builder.Services.AddChatClient(services => services.GetRequiredService<RoutedChatClient>()).UseFunctionInvocation(); // and UseOpenTelemetry(), UseLogging()
var app = builder.Build();

var clock = AIFunctionFactory.Create(() => DateTimeOffset.UtcNow.ToString("O"), "now", "The time.");
app.MapPost("/users/{user}/ask", async (string user, Question question, IChatClient client, CancellationToken cancellationToken) =>
{
    var response = await client.GetResponseAsync(question.Text, new ChatOptions { Tools = [clock] }.ForUser(user), cancellationToken);
    return new { answer = response.Text, model = response.ModelId, receipt = response.GetReceipt(), why = response.GetRoute()?.Explanation };
});
app.MapPost("/users/{user}/thumb", async (string user, Thumb thumb, IRouter router, CancellationToken cancellationToken) =>
{
    var result = await router.LearnAsync("default", user, new Feedback(thumb.Receipt, FeedbackKind.Thumb, (byte)(thumb.Up ? 1 : 0)), cancellationToken);
    return result.Receipt.IsValid ? Results.Ok(new { result.Counted }) : Results.BadRequest(result.Receipt.Message);
});
await app.RunAsync();
return 0;

internal sealed record Question(string Text);

internal sealed record Thumb(string Receipt, bool Up);
