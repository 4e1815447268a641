namespace MetaRouter.Gateway.Configuration;

/// <summary>One key that may call the gateway: an entry of section <c>ApiKeys</c>. The key itself is nowhere, only its hash.</summary>
internal sealed class ApiKeyOptions
{
    public const string Section = "ApiKeys";

    /// <value>SHA-256 of the key's UTF-8 bytes, 64 hexadecimal digits: <c>printf %s "$KEY" | sha256sum</c>.</value>
    public string Sha256 { get; set; } = "";

    /// <value>Whose users the key speaks for; users of two tenants never meet. 1 to 128 characters.</value>
    public string Tenant { get; set; } = "";

    /// <value>Any of <c>inference</c>, <c>feedback</c>, <c>read</c>, <c>admin</c>, <c>operator</c>, <c>metrics</c>.</value>
    public IList<string> Scopes { get; } = [];

    /// <value>The only user that the key speaks for, whom its requests need not name; empty, the default: requests name theirs.</value>
    public string User { get; set; } = "";

    public IEnumerable<string> Problems(int index)
    {
        var name = $"{Section}:{index}";
        if (Sha256.Length != 64 || !Sha256.All(char.IsAsciiHexDigit))
        {
            // Not repeated in the message: somebody may have put the key itself there.
            yield return $"{name} has a Sha256 of {Sha256.Length} characters; give the key's SHA-256 as 64 hexadecimal digits (printf %s \"$KEY\" | sha256sum)";
        }

        if (Tenant.Length is 0 or > 128)
        {
            yield return $"{name} has a Tenant of {Tenant.Length} characters; give 1 to 128";
        }

        if (Scopes.Count == 0)
        {
            yield return $"{name} has no Scopes; list some of: {Http.ScopeNames.All}";
        }

        foreach (var scope in Scopes.Where(s => !Http.ScopeNames.TryParse(s, out _)))
        {
            yield return $"{name} has the scope '{scope}', which does not exist; the scopes are: {Http.ScopeNames.All}";
        }

        if (User.Length > Http.UserId.MaxLength || User is "." or "..")
        {
            yield return $"{name} has a User of {User.Length} characters{(User.Length < 3 ? $", '{User}'" : "")}; a user id has 1 to {Http.UserId.MaxLength}, and is not '.' or '..'";
        }

        if (User.Length > 0 && Scopes.FirstOrDefault(s => s is not ("inference" or "feedback")) is { } further)
        {
            yield return $"{name} stands for the user '{User}' and has the scope '{further}', which is about all of the tenant's users; leave it inference and feedback, or leave the User out";
        }
    }
}
