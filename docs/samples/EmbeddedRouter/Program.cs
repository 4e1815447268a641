using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting;
using IRouter = MetaRouter.Core.Routing.IRouter; // ASP.NET Core has one too

// The router inside an application of your own: which model should answer, and what the user thought of it.
var builder = WebApplication.CreateBuilder(args);
builder.Services.AddMetaRouter();
var app = builder.Build();

app.MapPost("/users/{user}/ask", async (string user, Question question, IRouter router, CancellationToken cancellationToken) =>
{
    var decision = await router.RouteAsync("my-app", user, new RouteRequest(question.Text), cancellationToken);
    // Call decision.Model here and return its answer; keep the receipt for the feedback.
    return new { model = decision.Model.Value, receipt = decision.Token, why = Explanation.Of(decision) };
});
app.MapPost("/users/{user}/thumb", async (string user, Thumb thumb, IRouter router, CancellationToken cancellationToken) =>
{
    var result = await router.LearnAsync("my-app", user, new Feedback(thumb.Receipt, FeedbackKind.Thumb, (byte)(thumb.Up ? 1 : 0)), cancellationToken);
    return result.User is { } known ? Results.Ok(new { result.Counted, belief = Explanation.Of(known) }) : Results.BadRequest(result.IsErased ? "The user was erased after this decision." : result.Receipt.Message);
});
await app.RunAsync();

internal sealed record Question(string Text);

internal sealed record Thumb(string Receipt, bool Up);
