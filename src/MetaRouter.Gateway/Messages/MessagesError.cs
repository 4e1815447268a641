using System.Text.Json;
using MetaRouter.Gateway.Chat;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Messages;

/// <summary>An error in Anthropic's shape.</summary>
/// <param name="Code">As in OpenAI's shape; Anthropic's has no such field, and its clients ignore it.</param>
/// <param name="Details">What clients act on; null: none.</param>
internal sealed record MessagesError(string Type, string Message, string Code, MessagesErrorDetails? Details = null)
{
    public static byte[] Write(int status, string message, string code, string requestId, MessagesErrorDetails? details = null) =>
        JsonSerializer.SerializeToUtf8Bytes(new MessagesErrorAnswer("error", new MessagesError(TypeOf(status), message, code, details), requestId), GatewayJson.Readable);

    public static byte[] Write(ApiException error, string requestId) =>
        Write(error.Status, error.ProvidersMessage ?? error.Message, error.Code, requestId, error.ProvidersCode is { } code ? new MessagesErrorDetails(code, [error.Param ?? ""]) : null);

    /// <summary>An upstream's refusal; where the request is too long, in Anthropic's words, by which clients know to shorten a conversation.</summary>
    public static byte[] OfRefusal(ChatCall call, UpstreamAnswer answer) =>
        Write(answer.Status, Words(answer.Body) ?? $"The upstream of the model '{answer.Model}' refused the request.", "upstream_refused", call.Context.TraceIdentifier);

    private static string? Words(ReadOnlySpan<byte> error) => Completion.ErrorMessageOf(error) is not { } message ? null : PromptTooLong.IsInOpenAisWords(error, message) ? $"{PromptTooLong.Anthropics}: {message}" : message;

    public static string TypeOf(int status) => status switch
    {
        401 => "authentication_error",
        403 => "permission_error",
        404 or 410 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        504 => "timeout_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}

internal sealed record MessagesErrorAnswer(string Type, MessagesError Error, string RequestId);

/// <param name="ErrorCode">Anthropic's error code.</param>
/// <param name="Unsupported">The fields at fault.</param>
internal sealed record MessagesErrorDetails(string ErrorCode, IReadOnlyList<string> Unsupported);
