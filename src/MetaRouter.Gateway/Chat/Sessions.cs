using System.Globalization;
using System.Text;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.Configuration;
using MetaRouter.Gateway.Http;
using MetaRouter.Hosting;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Gateway.Chat;

/// <summary>
/// Remembers for a few minutes which model answered a conversation last, since that model has its beginning in the prompt cache: going to another costs those
/// tokens at their full price, which enters the decision. A session is named by the header x-router-session, else by OpenAI's prompt_cache_key.
/// </summary>
internal sealed class Sessions(ISharedState shared, RouterSecrets secrets, GatewaySettings settings)
{
    public const string Header = "x-router-session";

    /// <returns>Null: the request belongs to no session.</returns>
    /// <exception cref="ApiException">400: the session's name is too long.</exception>
    public string? NameOf(HttpContext context, string tenant, string? user, string? cacheKey)
    {
        var named = context.Request.Headers[Header].ToString();
        var session = named.Length > 0 ? named : cacheKey;
        return settings.Gateway.SessionSeconds == 0 || string.IsNullOrEmpty(session) ? null
            : session.Length <= 256 ? $"s:{IdentityHash.Compute(secrets.IdentitySecret, tenant, $"{user}\n{session}"):x16}"
            : throw ApiException.BadValue(Header, $"The session's name has {session.Length} characters; it may have 256.");
    }

    public async ValueTask<WarmModel?> RecallAsync(string name, CancellationToken cancellationToken)
    {
        if (await shared.RecallAsync(name, cancellationToken).ConfigureAwait(false) is not { } bytes)
        {
            return null;
        }

        var text = Encoding.ASCII.GetString(bytes);
        var space = text.IndexOf(' ', StringComparison.Ordinal);
        return new WarmModel(new ModelId(text[(space + 1)..]), int.Parse(text.AsSpan(0, space), CultureInfo.InvariantCulture));
    }

    /// <param name="tokens">Of the prompt: what the next request of the session begins with.</param>
    public ValueTask RememberAsync(string name, ModelId model, long tokens) =>
        shared.RememberAsync(name, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Math.Clamp(tokens, 0, int.MaxValue)} {model}")), TimeSpan.FromSeconds(settings.Gateway.SessionSeconds));
}
