using System.Collections.Concurrent;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Hosting;

namespace MetaRouter.Gateway.Upstream;

/// <summary>One endpoint as it serves one model.</summary>
/// <param name="Refusals">Whether a refusal is told: one that goes on comes with every request.</param>
internal sealed record UpstreamEndpoint(UpstreamOptions Options, Circuit Circuit, OnceEvery Refusals)
{
    private readonly ConcurrentDictionary<string, Uri> _urls = new();

    public Uri Address { get; } = new(Options.BaseUrl);

    private readonly KeyValuePair<string, string>[] _headers = [.. UpstreamHeaders.Of(Options)], _messagesHeaders = [.. UpstreamHeaders.OfMessages(Options)];

    /// <summary>Of every request.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> HeadersOf(UpstreamApi api) => api == UpstreamApi.Messages ? _messagesHeaders : _headers;

    public Uri UrlOf(UpstreamApi api) => _urls.GetOrAdd(api.Path, static (path, options) => options.UrlOf(path), Options);
}
