using System.IO.Compression;
using System.Security.Cryptography;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.WebConsole;

/// <summary>The console's page and its assets, from this assembly. They hold no secret, so no key is asked for; what they show they fetch with one.</summary>
internal static class ConsoleFiles
{
    private const string Folder = "console/", Index = "index.html";

    /// <summary>Nothing from other sites, nothing inline, no framing.</summary>
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly Lazy<Dictionary<string, Asset>> s_assets = new(() =>
        typeof(ConsoleFiles).Assembly.GetManifestResourceNames().Where(n => n.StartsWith(Folder, StringComparison.Ordinal)).ToDictionary(n => n[Folder.Length..], Asset.Read));

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapRead("/", context => WriteAsync(context, s_assets.Value[Index], isHashed: false)).WithMetadata(new NoKeyNeeded());
        routes.MapRead("/console/{file}", context =>
        {
            var name = (string)context.Request.RouteValues["file"]!;
            return s_assets.Value.TryGetValue(name, out var asset) ? WriteAsync(context, asset, isHashed: name != Index)
                : throw new ApiException(404, ErrorCodes.InvalidRequest, "unknown_url", $"There is no {context.Request.Path} here. The console is at /.");
        }).WithMetadata(new NoKeyNeeded());
    }

    private static Task WriteAsync(HttpContext context, Asset asset, bool isHashed)
    {
        var (request, headers) = (context.Request.Headers, context.Response.Headers);
        headers.ETag = asset.Etag;
        headers.CacheControl = isHashed ? "public, max-age=31536000, immutable" : "no-cache";
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.Vary = "Accept-Encoding";
        if (request.IfNoneMatch.ToString().Split(',', StringSplitOptions.TrimEntries).Any(e => e == "*" || e == asset.Etag || e == "W/" + asset.Etag))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        var accepted = request.AcceptEncoding.ToString();
        var (body, encoding) = asset.Brotli is { } brotli && Accepts(accepted, "br") ? (brotli, "br") : asset.Gzip is { } gzip && Accepts(accepted, "gzip") ? (gzip, "gzip") : (asset.Bytes, null);
        headers.ContentEncoding = encoding;
        context.Response.ContentType = asset.Type;
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    private static bool Accepts(string header, string encoding) =>
        header.Split(',', StringSplitOptions.TrimEntries).Any(e => e.StartsWith(encoding, StringComparison.OrdinalIgnoreCase)
            && (e.Length == encoding.Length || e[encoding.Length] == ';')
            && !e.Replace(" ", "", StringComparison.Ordinal).EndsWith(";q=0", StringComparison.Ordinal));

    /// <summary>One file, compressed once.</summary>
    private sealed record Asset(string Type, string Etag, byte[] Bytes, byte[]? Brotli, byte[]? Gzip)
    {
        public static Asset Read(string resource)
        {
            using var stream = typeof(ConsoleFiles).Assembly.GetManifestResourceStream(resource)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            var type = Path.GetExtension(resource) switch
            {
                ".html" => "text/html; charset=utf-8",
                ".js" => "text/javascript; charset=utf-8",
                ".css" => "text/css; charset=utf-8",
                ".svg" => "image/svg+xml",
                ".json" or ".map" => "application/json",
                ".woff2" => "font/woff2",
                ".png" => "image/png",
                _ => "application/octet-stream",
            };
            var isText = type.Contains("text", StringComparison.Ordinal) || type.Contains("svg", StringComparison.Ordinal) || type.Contains("json", StringComparison.Ordinal);
            return new(
                type, $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 12))}\"", bytes,
                isText ? Compressed(bytes, s => new BrotliStream(s, CompressionLevel.Optimal)) : null, isText ? Compressed(bytes, s => new GZipStream(s, CompressionLevel.Optimal)) : null);
        }

        private static byte[]? Compressed(byte[] bytes, Func<Stream, Stream> by)
        {
            using var output = new MemoryStream();
            using (var compressing = by(output))
            {
                compressing.Write(bytes);
            }

            var compressed = output.ToArray(); // works after the stream is closed
            return compressed.Length < bytes.Length ? compressed : null;
        }
    }
}
