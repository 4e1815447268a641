namespace MetaRouter.Client;

/// <summary>Section <c>MetaRouter:Client</c>; the connection string outranks it.</summary>
public sealed class MetaRouterClientSettings
{
    public const string Section = "MetaRouter:Client";

    /// <value>The gateway's address, such as <c>https://gateway.example.com</c>. Required, here or in the connection string.</value>
    public Uri? Endpoint { get; set; }

    /// <value>Sent as a bearer token; null: none.</value>
    public string? ApiKey { get; set; }

    /// <value>Seconds for a whole call; more than 0, default 10.</value>
    public double TimeoutSeconds { get; set; } = 10;

    /// <value>Leave the gateway out of the application's health checks. Default false.</value>
    public bool DisableHealthChecks { get; set; }

    internal static bool IsAddress(Uri endpoint) => endpoint.IsAbsoluteUri && endpoint.Scheme is "http" or "https";

    /// <summary>Takes over a connection string: an address, or <c>Endpoint=ADDRESS;Key=KEY</c>.</summary>
    /// <exception cref="InvalidOperationException">It is neither.</exception>
    internal void Take(string connection, string name)
    {
        if (Uri.TryCreate(connection, UriKind.Absolute, out var address) && IsAddress(address))
        {
            Endpoint = address;
            return;
        }

        foreach (var part in connection.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            switch (equals < 0 ? part : part[..equals].TrimEnd().ToUpperInvariant())
            {
                case "ENDPOINT" when Uri.TryCreate(part[(equals + 1)..].Trim(), UriKind.Absolute, out var endpoint) && IsAddress(endpoint):
                    Endpoint = endpoint;
                    break;
                case "KEY":
                    ApiKey = part[(equals + 1)..].Trim();
                    break;
                default:
                    // Not repeated: a key may be in it.
                    throw new InvalidOperationException($"The connection string '{name}' cannot be understood; write an http or https address, or Endpoint=ADDRESS;Key=KEY.");
            }
        }
    }
}
