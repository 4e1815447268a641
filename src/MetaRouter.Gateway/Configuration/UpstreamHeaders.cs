namespace MetaRouter.Gateway.Configuration;

/// <summary>The headers that an upstream is sent with every request. Their values may be keys, so no problem tells one.</summary>
internal static class UpstreamHeaders
{
    private const string Authorization = "Authorization";

    /// <summary>A connection's own, which the client of HTTP sets; those of the content it tells by itself.</summary>
    private static readonly HashSet<string> s_connection = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Expect",
    };

    /// <summary>Those that are configured, and the key where none of them is one.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Of(UpstreamOptions upstream)
    {
        var named = Named(upstream).ToList();
        var hasKey = named.Exists(h => h.Key.Equals(Authorization, StringComparison.OrdinalIgnoreCase) || h.Key.Equals("api-key", StringComparison.OrdinalIgnoreCase));
        return upstream.Key is { } key && !hasKey ? named.Prepend(KeyValuePair.Create(Authorization, "Bearer " + key)) : named;
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
