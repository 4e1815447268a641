namespace MetaRouter.Gateway.Http;

/// <summary>What a key may do.</summary>
[Flags]
internal enum Scope
{
    None = 0,

    /// <summary>Route and chat.</summary>
    Inference = 1,

    /// <summary>Send feedback.</summary>
    Feedback = 2,

    /// <summary>See what was learned, and the models.</summary>
    Read = 4,

    /// <summary>Change what is the tenant's own: erase, import and reset its users, and read its decisions' log.</summary>
    Admin = 8,

    /// <summary>Read <c>/metrics</c>, which covers all tenants together, and nothing else: for the machine that collects them.</summary>
    Metrics = 16,

    /// <summary>Change what all tenants share: models, mode, prior, the receipts' key; back up the store, read <c>/metrics</c>, and see what each tenant spends.</summary>
    Operator = 32,
    All = Inference | Feedback | Read | Admin | Metrics | Operator,
}

internal static class ScopeNames
{
    private static readonly (string Name, Scope Scope)[] s_all =
    [
        ("inference", Scope.Inference), ("feedback", Scope.Feedback), ("read", Scope.Read), ("admin", Scope.Admin), ("operator", Scope.Operator), ("metrics", Scope.Metrics),
    ];

    public static string All { get; } = string.Join(", ", s_all.Select(s => s.Name));

    public static string[] Of(Scope scopes) => [.. s_all.Where(s => scopes.HasFlag(s.Scope)).Select(s => s.Name)];

    public static bool TryParse(string name, out Scope scope)
    {
        scope = Array.Find(s_all, s => s.Name == name).Scope;
        return scope != Scope.None;
    }
}
