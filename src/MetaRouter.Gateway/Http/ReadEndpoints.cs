namespace MetaRouter.Gateway.Http;

internal static class ReadEndpoints
{
    public static IReadOnlyList<string> Methods { get; } = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>For GET and for HEAD, which gets the same headers: the server leaves the body out. Not for streams, whose body has no end.</summary>
    public static IEndpointConventionBuilder MapRead(this IEndpointRouteBuilder routes, string pattern, RequestDelegate handler) => routes.MapMethods(pattern, Methods, handler);
}
