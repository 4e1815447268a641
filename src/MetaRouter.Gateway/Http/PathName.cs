using Microsoft.AspNetCore.Http.Features;

namespace MetaRouter.Gateway.Http;

/// <summary>A name in a path as the client escaped it: the path was unescaped already, but for slashes, and could not be told from one that had them twice.</summary>
internal static class PathName
{
    /// <param name="before">What goes before it in the path.</param>
    /// <param name="after">What follows it.</param>
    public static string Of(HttpContext context, string before, string after = "")
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var end = target.AsSpan().IndexOfAny('?', '#');
        var path = end < 0 ? target : target[..end];
        var at = path.IndexOf(before, StringComparison.OrdinalIgnoreCase);
        return at < 0 ? (string)context.Request.RouteValues["id"]! : Uri.UnescapeDataString(Before(path[(at + before.Length)..].TrimEnd('/')));

        string Before(string name) => name.EndsWith(after, StringComparison.OrdinalIgnoreCase) ? name[..^after.Length] : name;
    }
}
