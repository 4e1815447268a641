namespace MetaRouter.Gateway.Configuration;

/// <summary>The headers that an upstream is sent with every request. Their values may be keys, so no problem tells one.</summary>
internal static class UpstreamHeaders
{
    private const string Authorization = "Authorization", AnthropicsKey = "x-api-key", Anthropic = "anthropic.com";

    /// <summary>A connection's own, which the client of HTTP sets; those of the content it tells by itself.</summary>
    private static readonly HashSet<string> s_connection = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Expect",
    };

    /// <summary>Those that are configured, and the key where none of them is one.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Of(UpstreamOptions upstream) => WithKey(upstream, Bearer(upstream), Authorization, "api-key");

    /// <summary>
    /// The same for calls of Anthropic's API, to which the key is sent under its own name too: who else serves that API looks for it under either. Anthropic takes a bearer token there
    /// for that of a person who signed in, so it gets none.
    /// </summary>
    public static IEnumerable<KeyValuePair<string, string>> OfMessages(UpstreamOptions upstream) => WithKey(
        upstream,
        [KeyValuePair.Create(AnthropicsKey, upstream.Key ?? ""), .. new Uri(upstream.BaseUrl).Host.EndsWith(Anthropic, StringComparison.OrdinalIgnoreCase) ? [] : Bearer(upstream)],
        Authorization, "api-key", AnthropicsKey);

    private static KeyValuePair<string, string>[] Bearer(UpstreamOptions upstream) => [KeyValuePair.Create(Authorization, "Bearer " + upstream.Key)];

    /// <param name="key">The key's own headers.</param>
    /// <param name="keys">Names of headers any of which takes their place.</param>
    private static IEnumerable<KeyValuePair<string, string>> WithKey(UpstreamOptions upstream, KeyValuePair<string, string>[] key, params string[] keys)
    {
        var named = Named(upstream).ToList();
        return upstream.Key is null || named.Exists(h => keys.Contains(h.Key, StringComparer.OrdinalIgnoreCase)) ? named : key.Concat(named);
    }

    /// <summary>Each without its subject.</summary>
    public static IEnumerable<string> Problems(UpstreamOptions upstream)
    {
        using var request = new HttpRequestMessage();
        foreach (var (header, value) in Named(upstream))
        {
            if (s_connection.Contains(header) || header.StartsWith("Content-", StringComparison.OrdinalIgnoreCase))
            {
                yield return $"has the header '{header}', which the gateway sets by itself; leave it out";
            }
            else if (!request.Headers.TryAddWithoutValidation(header, "")) // no token, or one of contents alone
            {
                yield return $"has the header '{header}', which no request can have; its name is letters, digits and hyphens, and not one of an answer's, such as Expires";
            }
            else if (upstream.HeadersEnv.TryGetValue(header, out var variable) && upstream.Headers.ContainsKey(header))
            {
                yield return $"has the header '{header}' in Headers and in HeadersEnv; keep one";
                yield break; // it comes twice
            }
            else if (string.IsNullOrWhiteSpace(value))
            {
                yield return variable is null
                    ? $"has the header '{header}' without a value; give it one, or leave it out"
                    : $"takes the header '{header}' from the environment variable '{variable}', which is not set, or empty; set it, or leave the header out";
            }
            else if (value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            {
                yield return $"has a value of the header '{header}' with a character that cannot be sent (a line break, perhaps); set it again";
            }
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Named(UpstreamOptions upstream) =>
        upstream.Headers.Concat(upstream.HeadersEnv.Select(h => KeyValuePair.Create(h.Key, Environment.GetEnvironmentVariable(h.Value) ?? "")));
}
