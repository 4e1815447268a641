using MetaRouter.Hosting;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddMetaRouter();
var app = builder.Build();
app.MapGet("/health", () => Results.Ok(new { status = "ok" }));
await app.RunAsync();
