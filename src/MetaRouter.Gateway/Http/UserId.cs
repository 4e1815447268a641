namespace MetaRouter.Gateway.Http;

internal static class UserId
{
    /// <summary>OpenAI allows 64; e-mail addresses and composed ids need more.</summary>
    public const int MaxLength = 256;

    /// <summary>The user of a call to the router itself: the field <c>user</c>, else the header, else the key's.</summary>
    /// <returns>Null: none of them names one.</returns>
    /// <exception cref="ApiException">400: as below, or the field is not a text; 403: as <see cref="For"/>.</exception>
    public static string? Of(in Fields fields, HttpContext context) => For(context, Check(fields.Text("user"), "user"), "user");

    /// <summary>The user that a request is for: as its body names it, else its header, else its key.</summary>
    /// <param name="named">As the body names it; null: it does not.</param>
    /// <param name="field">Where it does.</param>
    /// <exception cref="ApiException">400: as below, of the header; 403: the key stands for another user.</exception>
    public static string? For(HttpContext context, string? named, string field)
    {
        var (own, isInBody) = (Edge.CallerOf(context).User, named is not null);
        named ??= Check(context.Request.Headers[Chat.ChatControls.UserHeader], Chat.ChatControls.UserHeader);
        var param = isInBody ? field : Chat.ChatControls.UserHeader;
        return own is null || named is null || named == own ? named ?? own
            : throw new ApiException(
                403, ErrorCodes.InvalidRequest, "user_not_allowed",
                $"The API key stands for the user '{own}', and the request names '{named}' in '{param}'. Leave '{param}' out, or use a key that stands for no user.", param);
    }

    /// <returns>Null for an absent or empty id.</returns>
    /// <exception cref="ApiException">400: too long, or a name that no URL can hold.</exception>
    public static string? Check(string? user, string param) =>
        string.IsNullOrEmpty(user) ? null
        : user is "." or ".." ? throw ApiException.BadValue(
            param,
            $"'{param}' is '{user}', which a user's URL cannot hold: clients and servers take it for a folder. Send another id, such as a hash of it.")
        : user.Length <= MaxLength ? user
        : throw ApiException.BadValue(param, $"'{param}' has {user.Length} characters; a user id has at most {MaxLength}. Send a hash of it.");
}
