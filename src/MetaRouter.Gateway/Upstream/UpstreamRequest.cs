using MetaRouter.Gateway.Configuration;

namespace MetaRouter.Gateway.Upstream;

/// <summary>A request in every form in which an upstream may take it; which one that is shows when its turn comes.</summary>
/// <param name="Usual">What every upstream takes.</param>
internal sealed record UpstreamRequest(UpstreamBody Usual)
{
    /// <summary>As it came in, for upstreams that speak Anthropic's Messages; null: it came in otherwise.</summary>
    public UpstreamBody? Messages { get; init; }

    public UpstreamBody For(UpstreamOptions upstream) => upstream.Messages && Messages is { } message ? message : Usual;
}
