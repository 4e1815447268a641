namespace MetaRouter.Gateway.Http;

/// <summary>Who sent a request: the tenant comes from the key, never from what the request says.</summary>
internal sealed record Caller(string Tenant, Scope Scopes)
{
    /// <summary>The one user that the key stands for; null: requests name theirs.</summary>
    public string? User { get; init; }

    public const string OpenTenant = "default";

    /// <summary>Anybody on this machine, where no keys are configured.</summary>
    public static Caller Open { get; } = new(OpenTenant, Scope.All);
}
