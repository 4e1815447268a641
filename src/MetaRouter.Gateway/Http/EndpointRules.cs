namespace MetaRouter.Gateway.Http;

/// <summary>A probe: it tells nothing, so anybody may ask.</summary>
internal sealed class NoKeyNeeded;

/// <summary>Called again and again by machines, and never of interest in traces.</summary>
internal sealed class NotTraced;

/// <summary>The scopes that open an endpoint; any one of them is enough.</summary>
internal sealed class NeedsScope(params Scope[] any)
{
    public static NeedsScope Inference { get; } = new(Scope.Inference);

    public static NeedsScope Feedback { get; } = new(Scope.Feedback);

    public static NeedsScope Read { get; } = new(Scope.Read);

    public static NeedsScope Admin { get; } = new(Scope.Admin);

    public static NeedsScope Operator { get; } = new(Scope.Operator);

    public Scope Any { get; } = any.Aggregate((all, one) => all | one);

    public override string ToString() => string.Join(" or ", any.SelectMany(ScopeNames.Of));
}
