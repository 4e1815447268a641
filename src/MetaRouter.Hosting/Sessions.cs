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
    /// How much of a beginning counts, about as much as OpenAI goes by: what stands behind a long system text (the date, marks for caches) may change without the cache
    /// being lost.
    /// </summary>
    public const int BeginningBytes = 1024;

    /// <param name="user">Null: nobody is named.</param>
    /// <param name="session">As the caller names the conversation.</param>
    /// <returns>Its name in shared state, which tells neither.</returns>
    public string NameOf(string tenant, string? user, string session) => $"s:{IdentityHash.Compute(secrets.IdentitySecret, tenant, $"{user}\n{session}"):x16}";

    /// <param name="beginning">
    /// By which a cache would know the prompt again: the messages to the user's first, since later ones come and go; of longer ones <see cref="BeginningBytes"/>. A cache
    /// holds beginnings: what is asked beside a conversation, by another prompt, is in none of its.
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

    /// <param name="tokens">Of the prompt: what the next request of the session begins with.</param>
    public ValueTask RememberAsync(string name, ModelId model, long tokens) =>
        shared.RememberAsync(name, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Math.Clamp(tokens, 0, int.MaxValue)} {model}")), memory);
}
