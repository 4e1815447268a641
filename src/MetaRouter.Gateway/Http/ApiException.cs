namespace MetaRouter.Gateway.Http;

/// <summary>A request that is answered with an error in OpenAI's shape.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="type">OpenAI's error type, of <see cref="ErrorCodes"/>.</param>
/// <param name="code">The error's exact code, for programs.</param>
/// <param name="message">Names the thing, the value and the remedy.</param>
/// <param name="param">The field or header at fault; null: none.</param>
internal sealed class ApiException(int status, string type, string code, string message, string? param = null) : Exception(message)
{
    public int Status { get; } = status;

    public string Type { get; } = type;

    public string Code { get; } = code;

    public string? Param { get; } = param;

    /// <summary>Seconds after which trying again makes sense; null: it does not.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>The error code of the API that is spoken, where its clients act on it; null: none.</summary>
    public string? ProvidersCode { get; init; }

    /// <summary>The error message of that API, where clients act on its words; null: none.</summary>
    public string? ProvidersMessage { get; init; }

    /// <param name="remedy">What to send.</param>
    public static ApiException Missing(string field, string remedy) => new(400, ErrorCodes.InvalidRequest, "missing_field", $"'{field}' is missing; send {remedy}.", field);

    public static ApiException BadValue(string param, string message) => new(400, ErrorCodes.InvalidRequest, "invalid_value", message, param);
}
