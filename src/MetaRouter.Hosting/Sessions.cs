using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;

namespace MetaRouter.Hosting;

/// <summary>
/// Remembers for a few minutes which model answered a conversation last, since that model has its beginning in the prompt cache: going to another costs those
/// tokens at their full price, which enters the decision.
/// </summary>
/// <param name="memory">For how long.</param>
internal sealed class Sessions(ISharedState shared, RouterSecrets secrets, TimeSpan memory)
{
    /// <summary>
    /// How much of a prompt's beginning counts, about as much as OpenAI uses: what stands behind a long system text (the date, cache markers) may change without the cache
    /// being missed.
    /// </summary>
    public const int BeginningBytes = 1024;

    /// <param name="user">Null: nobody is named.</param>
    /// <param name="session">As the caller names the conversation.</param>
    /// <returns>Its name in shared state, which tells neither.</returns>
    public string NameOf(string tenant, string? user, string session) => $"s:{IdentityHash.Compute(secrets.IdentitySecret, tenant, $"{user}\n{session}"):x16}";

    /// <param name="beginning">
    /// What a cache would recognise the prompt by: the messages up to the user's first, since later ones come and go; at most <see cref="BeginningBytes"/> of them. A cache
    /// holds beginnings of prompts: a side request with another prompt is not in the conversation's cache.
    /// </param>
    public string NameOf(string tenant, string? user, string session, ReadOnlySpan<byte> beginning) =>
        NameOf(tenant, user, $"{session}\n{Convert.ToHexString(SHA256.HashData(beginning[..Math.Min(beginning.Length, BeginningBytes)]))}");

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

    /// <param name="tokens">Tokens of the prompt, which the next request of the session begins with.</param>
    public ValueTask RememberAsync(string name, ModelId model, long tokens) =>
        shared.RememberAsync(name, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Math.Clamp(tokens, 0, int.MaxValue)} {model}")), memory);
}
