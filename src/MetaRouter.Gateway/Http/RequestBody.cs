using System.Buffers;
using System.Text;
using System.Text.Json;
using MetaRouter.Gateway.Configuration;

namespace MetaRouter.Gateway.Http;

/// <summary>Reads a body whole, up to a limit.</summary>
internal static class RequestBody
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>The body of a call that models answer.</summary>
    /// <exception cref="ApiException">413: it is longer than the limit; 415: it is compressed.</exception>
    public static ValueTask<byte[]> ReadChatAsync(HttpContext context, GatewayOptions options) => ReadAsync(context, options.ChatBodyBytes, nameof(options.ChatBodyBytes));

    /// <summary>The body of any other call.</summary>
    /// <exception cref="ApiException">413: it is longer than the limit; 415: it is compressed.</exception>
    public static ValueTask<byte[]> ReadRouterAsync(HttpContext context, GatewayOptions options) => ReadAsync(context, options.RouterBodyBytes, nameof(options.RouterBodyBytes));

    /// <summary>The single text field that a router call's body consists of.</summary>
    /// <param name="remedy">As <see cref="ApiException.Missing"/> has it.</param>
    /// <exception cref="ApiException">413 or 415, or 400: the field is missing or not a text, or there are others.</exception>
    public static async ValueTask<string> ReadTextAsync(HttpContext context, GatewayOptions options, string field, string remedy)
    {
        using var document = ParseObject(await ReadRouterAsync(context, options).ConfigureAwait(false));
        return AsText(() => new Fields(document.RootElement, [field]).Text(field)) ?? throw ApiException.Missing(field, remedy);
    }

    /// <summary>A body that says nothing: none, or an object without fields.</summary>
    /// <exception cref="ApiException">413 or 415, or 400: there is something in it.</exception>
    public static async ValueTask ReadEmptyAsync(HttpContext context, GatewayOptions options)
    {
        var body = await ReadRouterAsync(context, options).ConfigureAwait(false);
        using var document = ParseObject(body.Length > 0 ? body : "{}"u8.ToArray());
        _ = new Fields(document.RootElement, []);
    }

    /// <returns>Without the byte order mark that some editors put in front.</returns>
    private static async ValueTask<byte[]> ReadAsync(HttpContext context, int limit, string setting)
    {
        if (context.Request.Headers.ContentEncoding.ToString() is { Length: > 0 } encoding && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            throw new ApiException(415, ErrorCodes.InvalidRequest, "unsupported_encoding", $"The body's Content-Encoding is '{encoding}'; send it without compression.", "Content-Encoding");
        }

        if (context.Request.ContentLength > limit)
        {
            throw TooLarge(context.Request.ContentLength.Value, limit, setting);
        }

        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            if (read.Buffer.Length > limit)
            {
                throw TooLarge(read.Buffer.Length, limit, setting);
            }

            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>The body as a JSON object.</summary>
    /// <exception cref="ApiException">400: it is not an object, or has a name that is not valid text.</exception>
    public static JsonDocument ParseObject(byte[] body)
    {
        try
        {
            var document = AsText(() => JsonDocument.Parse(body, Strict)); // strict parsing compares names, to find one that is there twice
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return document;
            }

            document.Dispose();
            throw NotAnObject();
        }
        catch (JsonException e)
        {
            throw NotJson(e, body.Length);
        }
    }

    /// <summary>Half of a surrogate pair is legal JSON but not valid text; the reader throws when it compares a name or a word with it.</summary>
    /// <exception cref="ApiException">400: a name or a word of the body is not valid text.</exception>
    public static T AsText<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException e) when (e.Source?.StartsWith("System.Text.Json", StringComparison.Ordinal) == true)
        {
            throw new ApiException(
                400, ErrorCodes.InvalidRequest, "invalid_json",
                "The body has a field name or a keyword with half of a surrogate pair (\\ud800 to \\udfff alone); send whole characters.");
        }
    }

    public static ApiException NotAnObject() => new(400, ErrorCodes.InvalidRequest, "invalid_json", "The body is JSON, but not an object; send fields between { and }.");

    public static ApiException NotJson(JsonException e, int length)
    {
        if (length == 0)
        {
            return new(400, ErrorCodes.InvalidRequest, "invalid_json", "The body is empty; send a JSON object.");
        }

        var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var what = end < 0 ? e.Message : e.Message[..end];
        return new(400, ErrorCodes.InvalidRequest, "invalid_json", $"The body is not valid JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}: {what}");
    }

    private static ApiException TooLarge(long bytes, int limit, string setting) => new(
        413, ErrorCodes.InvalidRequest, "body_too_large",
        FormattableString.Invariant($"The body has {bytes:N0} bytes or more, and this endpoint takes {limit:N0}. Send less, or raise {GatewayOptions.Section}:{setting}."));
}
