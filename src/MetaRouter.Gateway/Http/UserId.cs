namespace MetaRouter.Gateway.Http;

internal static class UserId
{
    /// <summary>OpenAI allows 64; e-mail addresses and composed ids need more.</summary>
    public const int MaxLength = 256;

    /// <summary>The user of a call to the router itself: the field <c>user</c>, else the header.</summary>
    /// <returns>Null: neither names one.</returns>
    /// <exception cref="ApiException">400: as below, or the field is not a text.</exception>
    public static string? Of(in Fields fields, string? header) => Check(fields.Text("user"), "user") ?? Check(header, Chat.ChatControls.UserHeader);

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
