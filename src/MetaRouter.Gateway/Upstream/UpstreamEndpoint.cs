using System.Collections.Concurrent;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Upstream;

/// <summary>One endpoint as it serves one model.</summary>
/// <param name="Refusals">Whether a refusal is told: one that goes on comes with every request.</param>
internal sealed record UpstreamEndpoint(UpstreamOptions Options, Circuit Circuit, OnceAMinute Refusals)
{
    private readonly ConcurrentDictionary<string, Uri> _urls = new();

    public Uri Address { get; } = new(Options.BaseUrl);

    /// <summary>Of every request.</summary>
    public KeyValuePair<string, string>[] Headers { get; } = [.. UpstreamHeaders.Of(Options)];

    /// <param name="path">One of the few that are called, below the version.</param>
    public Uri UrlOf(string path) => _urls.GetOrAdd(path, static (p, options) => options.UrlOf(p), Options);
}
