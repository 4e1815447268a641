using MetaRouter.Core.Routing;
using MetaRouter.Gateway.Messages;
using MetaRouter.Gateway.Telemetry;
using MetaRouter.Hosting.Stores;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace MetaRouter.Gateway.Http;

/// <summary>
/// What every request passes: it gets an id, its sender is recognised before anything else is done, and whatever goes wrong becomes an error in
/// OpenAI's shape, here and nowhere else.
/// </summary>
internal sealed partial class Edge(RequestDelegate next, ApiKeyRing keys, Limits.RateLimits rates, ILogger<Edge> logger)
{
    public const string RequestId = "x-request-id";

    private const string StoreUnavailable = "store_unavailable";

    public async Task InvokeAsync(HttpContext context)
    {
        var given = context.Request.Headers[RequestId].ToString();
        if (given.Length is > 0 and <= 128 && !given.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            context.TraceIdentifier = given; // the caller's own, so that its log and this one can be put side by side
        }
        else if (System.Diagnostics.Activity.Current is { IdFormat: System.Diagnostics.ActivityIdFormat.W3C } request)
        {
            context.TraceIdentifier = request.TraceId.ToHexString(); // one id for the answer, the log and the trace
        }

        context.Response.Headers[RequestId] = context.TraceIdentifier;
        if (SpeaksAnthropic(context))
        {
            context.Response.Headers["request-id"] = context.TraceIdentifier; // where Anthropic's clients look
        }

        var span = EdgeSpan.Begin(context);
        try
        {
            var rules = context.GetEndpoint()?.Metadata;
            if (rules?.GetMetadata<NoKeyNeeded>() is null)
            {
                var (caller, needed) = (keys.Authenticate(context.Request), rules?.GetMetadata<NeedsScope>());
                if (needed is not null && (caller.Scopes & needed.Any) == 0)
                {
                    throw new ApiException(
                        403, ErrorCodes.InvalidRequest, "insufficient_scope",
                        $"The API key may not do this: {context.Request.Method} {context.Request.Path} needs the scope {needed}"
                            + $"{(keys.AdminsOperate && needed.Any.HasFlag(Scope.Operator) ? " or admin" : "")}. Use a key that has it.");
                }

                context.Features.Set(caller);
                if (needed is not null && (needed.Any & (Scope.Inference | Scope.Feedback)) != 0 && HttpMethods.IsPost(context.Request.Method))
                {
                    await rates.AdmitAsync(context, caller).ConfigureAwait(false);
                }
            }

            await next(context).ConfigureAwait(false);
            if (!context.Response.HasStarted && context.Response is { StatusCode: 404 or 405, ContentLength: null })
            {
                throw Unrouted(context);
            }
        }
        catch (Exception e)
        {
            await AnswerAsync(context, e).ConfigureAwait(false);
        }
        finally
        {
            if (span is not null)
            {
                EdgeSpan.End(span, context.Response.StatusCode);
            }
        }
    }

    /// <summary>The route as it is written, for the log: the path itself may hold a user.</summary>
    private static string RouteOf(HttpContext context) => (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "no route";

    /// <summary>Who sent this request.</summary>
    public static Caller CallerOf(HttpContext context) => context.Features.GetRequiredFeature<Caller>();

    /// <summary>Whose users this request is about.</summary>
    public static string TenantOf(HttpContext context) => CallerOf(context).Tenant;

    private static ApiException Unrouted(HttpContext context) => context.Response.StatusCode == 404
        ? IsBelowVersion(context.Request.Path)
            ? new(404, ErrorCodes.InvalidRequest, "unknown_url", $"There is no {context.Request.Path} here; there is /v1{context.Request.Path}. Let the client's base URL end in /v1.")
            : context.Request.Path.StartsWithSegments("/v1/v1", out var rest)
            ? new(404, ErrorCodes.InvalidRequest, "unknown_url", $"There is no {context.Request.Path} here; "
                + $"there is /v1{rest}. The client appends the version itself: leave /v1 out of its base URL.")
            : new(
                404, ErrorCodes.InvalidRequest, "unknown_url",
                $"There is no {context.Request.Path} here. See /v1/models, /v1/chat/completions, /v1/responses, /v1/messages, "
                    + $"/v1/router/route, /v1/router/feedback, /v1/router/users/{{id}}, and all of it at /openapi/v1.json.")
        : new(405, ErrorCodes.InvalidRequest, "method_not_allowed", $"{context.Request.Path} does not take {context.Request.Method}; it takes {context.Response.Headers.Allow}.");

    /// <summary>By the path, so that an unknown path is answered in the same shape.</summary>
    private static bool SpeaksAnthropic(HttpContext context) => context.Request.Path.StartsWithSegments(MessagesEndpoint.Path, StringComparison.OrdinalIgnoreCase);

    /// <summary>Paths that a client requests if its base URL lacks the version.</summary>
    private static bool IsBelowVersion(PathString path) => path.Value is "/chat/completions" or "/responses" or "/messages" or "/embeddings" or "/models";

    private async Task AnswerAsync(HttpContext context, Exception e)
    {
        // A reset connection fails the read first, before the request counts as aborted.
        if (context.RequestAborted.IsCancellationRequested || e is ConnectionResetException)
        {
            if (!context.Response.HasStarted)
            {
                context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest; // for a proxy's log: nobody reads it
            }

            if (e is not (OperationCanceledException or IOException or HttpRequestException or ApiException))
            {
                LogUnexpected(context.TraceIdentifier, context.Request.Method, RouteOf(context), e); // the caller is gone, so only the operator is told
            }

            return;
        }

        var error = e switch
        {
            ApiException api => api,
            NoModelAllowedException => new ApiException(422, ErrorCodes.InvalidRequest, "no_model_allowed", e.Message),
            StoreException => new ApiException(503, ErrorCodes.Server, StoreUnavailable, e.Message) { RetryAfter = 1 },
            BadHttpRequestException bad => new ApiException(bad.StatusCode, ErrorCodes.InvalidRequest, "bad_request", bad.Message),
            _ => new ApiException(500, ErrorCodes.Server, "internal_error", $"Something unexpected went wrong; the operator finds it in the log under request id {context.TraceIdentifier}."),
        };
        if (error.Status == 500 && e is not ApiException)
        {
            LogUnexpected(context.TraceIdentifier, context.Request.Method, RouteOf(context), e);
        }
        else if (error.Code == StoreUnavailable)
        {
            LogStore(context.TraceIdentifier, e.Message);
        }

        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        context.Response.StatusCode = error.Status;
        if (error.RetryAfter is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        if (error.Status == 401)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        await (SpeaksAnthropic(context)
            ? Answers.WriteJsonAsync(context, MessagesError.Write(error, context.TraceIdentifier))
            : Answers.WriteAsync(context, new ErrorAnswer(new ErrorBody(error.Message, error.Type, error.Param, error.Code)), GatewayJson.Readable, GatewayJson.Pretty)).ConfigureAwait(false);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Request {RequestId} ({Method} {Route}) failed unexpectedly.")]
    private partial void LogUnexpected(string requestId, string method, string route, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Request {RequestId} failed at the store: {Reason}")]
    private partial void LogStore(string requestId, string reason);
}
