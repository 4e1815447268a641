using System.Net;
using MetaRouter.Core.Catalog;
using MetaRouter.Gateway.Router;
using MetaRouter.Gateway.Upstream;

namespace MetaRouter.Gateway.Configuration;

/// <summary>Where one model is served: an entry of section <c>Upstreams</c>.</summary>
internal sealed class UpstreamOptions
{
    public const string Section = "Upstreams";

    /// <summary>Stands for every model without an entry of its own.</summary>
    public const string AnyModel = "*";

    /// <summary>Paths of calls, which upstreams' documentation often shows after the base address.</summary>
    private static readonly string[] s_calls = ["/chat/completions", "/completions", "/embeddings", "/responses", "/messages"];

    /// <value>The catalog's id of the model, or <c>*</c> for every model that has no entry of its own.</value>
    public string Model { get; set; } = "";

    /// <value>Up to and including the version, e.g. <c>https://api.example.com/v1</c>; <c>/chat/completions</c> is put in before a query, which every call has.
    /// http or https; never a link-local address.</value>
    public string BaseUrl { get; set; } = "";

    /// <value>Sent as a bearer token, where the headers have no key, and to <see cref="Messages"/> as Anthropic wants it; empty: none. Prefer <see cref="ApiKeyEnv"/>, which keeps it out of files.</value>
    public string ApiKey { get; set; } = "";

    /// <value>The environment variable that holds the key; empty: none.</value>
    public string ApiKeyEnv { get; set; } = "";

    /// <value>Headers of every request, by name. Default: none. One that is a key takes the place of <see cref="ApiKey"/>'s: <c>Authorization</c> or <c>api-key</c>.</value>
    public IDictionary<string, string> Headers { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <value>The same, each with the environment variable that holds its value. Default: none.</value>
    public IDictionary<string, string> HeadersEnv { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <value>What the upstream calls the model; empty: the catalog's id.</value>
    public string UpstreamModel { get; set; } = "";

    /// <value>Seconds until the whole answer must be there, or the first event of a stream; 1 to 3600, default 120.</value>
    public double TimeoutSeconds { get; set; } = 120;

    /// <value>Seconds a stream may say nothing once it has begun; 1 to 3600, default 60.</value>
    public double IdleSeconds { get; set; } = 60;

    /// <value>
    /// Ask for the token counts of every stream, and keep them from clients that did not ask: costs are then counted by the upstream. Default false: requests are
    /// forwarded as they are, and a stream's tokens are estimated where its client does not ask for them.
    /// </value>
    public bool AskUsage { get; set; }

    /// <value>
    /// The limit of an answer is called max_completion_tokens there, as OpenAI's reasoning models insist. Default false: max_tokens, which is at worst refused,
    /// while some servers silently ignore the newer name. A chat request that has the newer name already is forwarded as it is.
    /// </value>
    public bool MaxCompletionTokens { get; set; }

    /// <value>
    /// Anthropic's Messages are served there too, at <c>/messages</c>: a request that came in that way is handed on as it came, and its answer likewise. Default false: it is
    /// translated to a chat completion, which has no place for cache_control, thinking and the like.
    /// </value>
    public bool Messages { get; set; }

    /// <value>
    /// What the upstream gets of user ids (<c>user</c>, <c>safety_identifier</c>, <c>user_id</c> of <c>metadata</c>): <c>sent</c> (the default), as clients send them; <c>hashed</c>, a keyed hash
    /// in their place; <c>none</c>, nothing.
    /// </value>
    public string UserIds { get; set; } = "sent";

    /// <value>The model makes embeddings: it is served at /v1/embeddings and not routed to; it need not be in the catalog. Default false.</value>
    public bool Embeddings { get; set; }

    /// <value>US dollars per million tokens of an embedding model; 0 or more, default 0.</value>
    public double EmbeddingPrice { get; set; }

    public string? Key => ApiKeyEnv.Length > 0 ? Environment.GetEnvironmentVariable(ApiKeyEnv) : ApiKey.Length > 0 ? ApiKey : null;

    /// <summary>The address as people are told it: a query may have a key in it.</summary>
    public string Address => BaseUrl.Split('?')[0];

    /// <param name="path">One of the calls, below the version.</param>
    public Uri UrlOf(string path) => new(Address.TrimEnd('/') + path + BaseUrl[Address.Length..]);

    public IEnumerable<string> Problems(int index)
    {
        var name = $"{Section}:{index}" + (Model.Length > 0 ? $" ({Model})" : "");
        if (Model.Length == 0)
        {
            yield return $"{name} names no Model; give the catalog's id of the model it serves, or * for all others";
        }

        if (!Uri.TryCreate(BaseUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            yield return $"{name} has BaseUrl '{Address}'; give an absolute http or https URL such as https://api.example.com/v1";
        }
        else if (url.UserInfo.Length > 0 || url.Fragment.Length > 0)
        {
            yield return $"{name} has a user or a fragment in its BaseUrl; give scheme, host, port, path and query only, and the key as ApiKeyEnv";
        }
        else if (s_calls.FirstOrDefault(c => url.AbsolutePath.TrimEnd('/').EndsWith(c, StringComparison.OrdinalIgnoreCase)) is { } call)
        {
            yield return $"{name} has BaseUrl '{Address}', which ends in the call itself; leave {call} away, it is appended";
        }
        else if (!System.Text.Ascii.IsValid(url.Host))
        {
            yield return $"{name} has BaseUrl '{Address}', whose host has letters beyond ASCII, some of which are read as digits or dots; give the host's ASCII form (xn--...)";
        }
        else if (IPAddress.TryParse(url.IdnHost.TrimEnd('.'), out var address) && UpstreamAddress.IsForbidden(address))
        {
            yield return $"{name} has BaseUrl '{Address}', a link-local or metadata address; upstreams may not be there";
        }

        if (ApiKey.Length > 0 && ApiKeyEnv.Length > 0)
        {
            yield return $"{name} has both ApiKey and ApiKeyEnv; keep one";
        }
        else if (ApiKeyEnv.Length > 0 && string.IsNullOrWhiteSpace(Key))
        {
            yield return $"{name} takes its key from the environment variable '{ApiKeyEnv}', "
                + $"which is not set{(Key is null ? "" : " (it is there, and empty)")}; set it, or remove ApiKeyEnv if the upstream needs no key";
        }
        else if (Key is { } key && key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            yield return $"{name} has a key with a character that cannot be sent in a header (a space or a line break, perhaps); set it again";
        }

        foreach (var problem in UpstreamHeaders.Problems(this))
        {
            yield return $"{name} {problem}";
        }

        foreach (var (setting, seconds) in new[] { (nameof(TimeoutSeconds), TimeoutSeconds), (nameof(IdleSeconds), IdleSeconds) })
        {
            if (!(seconds is >= 1 and <= 3600))
            {
                yield return FormattableString.Invariant($"{name} has {setting} {seconds}; it must be from 1 to 3600");
            }
        }

        if (!(EmbeddingPrice >= 0 && double.IsFinite(EmbeddingPrice)))
        {
            yield return FormattableString.Invariant($"{name} has EmbeddingPrice {EmbeddingPrice}; it must be finite and 0 or more US dollars per million tokens");
        }

        if (UserIds is not (ForwardedUsers.Sent or ForwardedUsers.Hashed or ForwardedUsers.None))
        {
            yield return $"{name} has UserIds '{UserIds}'; it must be {ForwardedUsers.Sent} (as clients send them), {ForwardedUsers.Hashed}, or {ForwardedUsers.None} (left out)";
        }

        if (Embeddings && Messages)
        {
            yield return $"{name} makes embeddings, which are not asked for by Messages; leave one of the two out";
        }

        if (Embeddings && Model == AnyModel)
        {
            yield return $"{name} makes embeddings for '*'; give the one model it serves";
        }
        else if (Embeddings && Model.Length > 0 && !CatalogModels.IsName(Model))
        {
            yield return $"{name} has a name that no model can have: up to {ModelId.MaxLength} characters of visible ASCII, without spaces; "
                + "give another, and what the upstream calls it as UpstreamModel";
        }
    }
}
