using System.Collections.Concurrent;
using System.Net.Http.Headers;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Upstream;

/// <summary>One endpoint as it serves one model.</summary>
/// <param name="Refusals">Whether a refusal is told: one that goes on comes with every request.</param>
internal sealed record UpstreamEndpoint(UpstreamOptions Options, Circuit Circuit, OnceAMinute Refusals)
{
    private readonly ConcurrentDictionary<string, Uri> _urls = new();

    public Uri Address { get; } = new(Options.BaseUrl);

    public AuthenticationHeaderValue? Authorization { get; } = Options.Key is { } key ? new("Bearer", key) : null;

    /// <param name="path">One of the few that are called, below the version.</param>
    public Uri UrlOf(string path) => _urls.GetOrAdd(path, static (p, options) => new Uri(options.BaseUrl.TrimEnd('/') + p), Options);
}
