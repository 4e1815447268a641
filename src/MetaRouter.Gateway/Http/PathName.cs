using Microsoft.AspNetCore.Http.Features;

namespace MetaRouter.Gateway.Http;

/// <summary>
/// A name from a path, unescaped from what the client sent: the framework's path is already unescaped, except for slashes, so that a name with %2F and one with
/// %252F would look alike.
/// </summary>
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
