using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;

namespace MetaRouter.Gateway.Upstream;

/// <summary>A request in every form in which an upstream may take it; which one that is shows when its turn comes.</summary>
/// <param name="Usual">What every upstream takes.</param>
internal sealed record UpstreamRequest(UpstreamBody Usual)
{
    /// <summary>Whose users are in it; empty: nobody's.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>As it came in, for upstreams that speak Anthropic's Messages; null: it came in otherwise.</summary>
    public UpstreamBody? Messages { get; init; }

    /// <summary>Why the usual form will not do, for the client of whom no upstream takes the other; null: it will.</summary>
    public ApiException? Refusal { get; init; }

    /// <returns>Null: such an upstream cannot answer it.</returns>
    public UpstreamBody? For(UpstreamOptions upstream) => upstream.Messages && Messages is { } message ? message : Refusal is null ? Usual : null;
}
