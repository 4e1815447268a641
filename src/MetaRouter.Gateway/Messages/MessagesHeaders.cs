using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Messages;

/// <summary>The client's headers that belong to a request of Anthropic's API, and go with it to an upstream that speaks that API.</summary>
internal static class MessagesHeaders
{
    private const string Version = "anthropic-version", Beta = "anthropic-beta";

    /// <summary>The only version there has been since; some clients send none.</summary>
    private const string TheVersion = "2023-06-01";

    /// <exception cref="ApiException">400: a value cannot be sent on.</exception>
    public static IEnumerable<KeyValuePair<string, string>> Of(IHeaderDictionary headers)
    {
        yield return KeyValuePair.Create(Version, Value(headers, Version) ?? TheVersion);
        if (Value(headers, Beta) is { } beta)
        {
            yield return KeyValuePair.Create(Beta, beta);
        }
    }

    private static string? Value(IHeaderDictionary headers, string name) =>
        headers[name].ToString() is not { Length: > 0 } value ? null
        : !value.AsSpan().ContainsAnyExceptInRange(' ', '~') ? value
        : throw ApiException.BadValue(name, $"The header {name} has a character other than visible ASCII; send it as Anthropic documents it, or leave it out.");
}
