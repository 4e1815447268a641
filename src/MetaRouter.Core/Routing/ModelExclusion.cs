namespace MetaRouter.Core.Routing;

/// <summary>Why a model may not answer a request. In the order of the checks: a model that fails several is given the first.</summary>
public enum ModelExclusion : byte
{
    /// <summary>It may answer.</summary>
    None = 0,

    /// <summary>The catalog has it switched off.</summary>
    Disabled,

    /// <summary>It is not on an allow-list: the operator's, the request's, or the one its category is pinned to.</summary>
    NotAllowed,

    /// <summary>Its upstream is failing.</summary>
    Unhealthy,

    /// <summary>The request needs something the model cannot take part in.</summary>
    MissingCapability,

    /// <summary>Prompt and expected completion do not fit together.</summary>
    ContextTooSmall,

    /// <summary>The call is predicted to cost more than the operator or the request allows.</summary>
    OverCostLimit,

    /// <summary>It has had its share of the tenant's requests.</summary>
    ShareUsedUp,
}
