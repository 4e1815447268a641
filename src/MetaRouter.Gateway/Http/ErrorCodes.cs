namespace MetaRouter.Gateway.Http;

/// <summary>OpenAI's error types.</summary>
internal static class ErrorCodes
{
    public const string InvalidRequest = "invalid_request_error";
    public const string Server = "server_error";
    public const string Upstream = "upstream_error";
}
