using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MetaRouter.Gateway.Http;

/// <summary>Writes JSON whole, with its length; indented when the request asks <c>?pretty</c>.</summary>
internal static class Answers
{
    private static readonly GatewayJson Pretty = new(new JsonSerializerOptions(GatewayJson.Readable.Options) { WriteIndented = true });

    public static Task WriteAsync<T>(HttpContext context, T answer, JsonTypeInfo<T> type)
    {
        var pretty = context.Request.QueryString.HasValue && context.Request.Query.ContainsKey("pretty");
        var bytes = JsonSerializer.SerializeToUtf8Bytes(answer, pretty ? (JsonTypeInfo<T>)Pretty.GetTypeInfo(typeof(T))! : type);
        return WriteAsync(context, bytes, pretty);
    }

    public static Task WriteAsync(HttpContext context, ReadOnlyMemory<byte> json, bool endLine = false)
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
