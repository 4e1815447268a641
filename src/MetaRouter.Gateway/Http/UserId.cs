namespace MetaRouter.Gateway.Http;

internal static class UserId
{
    /// <summary>OpenAI allows 64; e-mail addresses and composed ids need more.</summary>
    public const int MaxLength = 256;

    /// <returns>Null for an absent or empty id.</returns>
    /// <exception cref="ApiException">400: too long, or no address could name it.</exception>
    public static string? Check(string? user, string param) =>
        string.IsNullOrEmpty(user) ? null
        : user is "." or ".." ? throw ApiException.BadValue(param, $"'{param}' is '{user}', which the address of a user cannot name: clients and servers take it for a folder. Send another id, such as a hash of it.")
        : user.Length <= MaxLength ? user
        : throw ApiException.BadValue(param, $"'{param}' has {user.Length} characters; a user id has at most {MaxLength}. Send a hash of it.");
}
