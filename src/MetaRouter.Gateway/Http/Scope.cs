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

    /// <summary>Erase users.</summary>
    Admin = 8,
    All = Inference | Feedback | Read | Admin,
}

internal static class ScopeNames
{
    public const string All = "inference, feedback, read, admin";

    public static bool TryParse(string name, out Scope scope)
    {
        scope = name switch { "inference" => Scope.Inference, "feedback" => Scope.Feedback, "read" => Scope.Read, "admin" => Scope.Admin, _ => Scope.None };
        return scope != Scope.None;
    }
}
