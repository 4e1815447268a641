// A model that answers at once, always the same; fails, every other time, where the text says "fail now and then"; and, asked for a stream with the message "idle", says one word and then nothing until its reader goes.
using System.Text;

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
var app = builder.Build();
var failing = 0;
var whole = Encoding.UTF8.GetBytes("""{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"mock","choices":[{"index":0,"message":{"role":"assistant","content":"The capital of Mongolia is Ulaanbaatar, a city of about one and a half million people."},"finish_reason":"stop"}],"usage":{"prompt_tokens":14,"completion_tokens":21,"total_tokens":35}}""");
var first = Encoding.UTF8.GetBytes("data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"mock\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"The\"},\"finish_reason\":null}]}\n\n");
app.MapPost("/v1/chat/completions", async context =>
{
    var body = await context.Request.BodyReader.ReadAtLeastAsync((int)(context.Request.ContentLength ?? 1));
    var text = Encoding.UTF8.GetString(body.Buffer.FirstSpan);
    var isStream = text.Contains("\"stream\":true", StringComparison.Ordinal);
    context.Request.BodyReader.AdvanceTo(body.Buffer.End);
    if (text.Contains("fail now and then", StringComparison.Ordinal) && Interlocked.Increment(ref failing) % 2 == 1)
    {
        context.Response.StatusCode = 500;
        return;
    }

    if (!isStream)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = whole.Length;
        await context.Response.Body.WriteAsync(whole);
        return;
    }

    context.Response.ContentType = "text/event-stream";
    await context.Response.Body.WriteAsync(first);
    await context.Response.Body.FlushAsync();
    try
    {
        await Task.Delay(Timeout.Infinite, context.RequestAborted);
    }
    catch (OperationCanceledException)
    {
    }
});
app.Run();
