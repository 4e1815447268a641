using System.Diagnostics;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting.Telemetry;
using Microsoft.AspNetCore.Http.Features;

namespace MetaRouter.Gateway.Telemetry;

/// <summary>The framework's span of a request, with what the gateway knows of it added. The span has the route, not the path, which may hold a user.</summary>
internal static class EdgeSpan
{
    /// <summary>Those that have a meaning here; any other is a text of the client's, and is what the conventions call it.</summary>
    private static readonly HashSet<string> s_methods =
    [
        HttpMethods.Get,
        HttpMethods.Head,
        HttpMethods.Post,
        HttpMethods.Put,
        HttpMethods.Patch,
        HttpMethods.Delete,
        HttpMethods.Options,
        HttpMethods.Connect,
        HttpMethods.Trace,
    ];

    /// <returns>Null: this request is not traced.</returns>
    public static Activity? Begin(HttpContext context)
    {
        if (context.Features.Get<IHttpActivityFeature>()?.Activity is not { IsAllDataRequested: true } span)
        {
            return null;
        }

        var endpoint = context.GetEndpoint();
        if (endpoint?.Metadata.GetMetadata<NoKeyNeeded>() is not null || endpoint?.Metadata.GetMetadata<NotTraced>() is not null)
        {
            // A probe, a scrape or a page's asset: a sampler cannot tell, since it is asked before the route is known.
            (span.IsAllDataRequested, span.ActivityTraceFlags) = (false, span.ActivityTraceFlags & ~ActivityTraceFlags.Recorded);
            return null;
        }

        span.DisplayName = SpanNames.Edge;
        span.SetTag(GeneralNames.HttpMethod, s_methods.Contains(context.Request.Method) ? context.Request.Method : GeneralNames.OtherMethod)
            .SetTag(GeneralNames.HttpRoute, (endpoint as RouteEndpoint)?.RoutePattern.RawText);
        return span;
    }

    public static void End(Activity span, int status)
    {
        span.SetTag(GeneralNames.HttpStatus, status);
        if (status >= StatusCodes.Status500InternalServerError)
        {
            span.SetTag(GeneralNames.ErrorType, status.ToString(System.Globalization.CultureInfo.InvariantCulture)).SetStatus(ActivityStatusCode.Error);
        }
    }
}
