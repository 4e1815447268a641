namespace MetaRouter.Gateway.Http;

/// <summary>A probe: it tells nothing, so anybody may ask.</summary>
internal sealed class NoKeyNeeded;

/// <summary>Asked again and again by a machine, and never of interest.</summary>
internal sealed class NotTraced;

/// <summary>Which scopes open an endpoint; any one of them does.</summary>
internal sealed record NeedsScope(Scope Any, string Name);
