using System.Text.Json;

namespace MetaRouter.Gateway.Http;

/// <summary>Writes JSON whole, with its length; indented when the request asks <c>?pretty</c>.</summary>
internal static class Answers
{
    public static Task WriteAsync<T>(HttpContext context, T answer) => WriteAsync(context, answer, GatewayJson.Default, GatewayJson.Pretty);

    public static Task WriteAsync<T>(HttpContext context, T answer, JsonSerializerOptions json, JsonSerializerOptions pretty)
    {
        var isPretty = context.Request.QueryString.HasValue && context.Request.Query.ContainsKey("pretty");
        return WriteJsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(answer, isPretty ? pretty : json), isPretty);
    }

    public static Task WriteJsonAsync(HttpContext context, ReadOnlyMemory<byte> json, bool endLine = false)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length + (endLine ? 1 : 0);
        return endLine ? WriteLineAsync(context, json) : context.Response.Body.WriteAsync(json, context.RequestAborted).AsTask();
    }

    private static async Task WriteLineAsync(HttpContext context, ReadOnlyMemory<byte> json)
    {
        await context.Response.Body.WriteAsync(json, context.RequestAborted).ConfigureAwait(false);
        await context.Response.Body.WriteAsync("\n"u8.ToArray(), context.RequestAborted).ConfigureAwait(false);
    }
}
