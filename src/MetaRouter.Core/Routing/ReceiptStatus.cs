namespace MetaRouter.Core.Routing;

/// <summary>Whether a receipt is accepted, and why not.</summary>
public enum ReceiptStatus
{
    Valid,

    /// <summary>The text is no receipt, or one that lost a part on its way.</summary>
    Malformed,

    /// <summary>Another version of the router sealed it.</summary>
    UnknownVersion,

    /// <summary>Its key was taken out of the ring.</summary>
    UnknownKey,

    /// <summary>It was not sealed with the key it names, or was changed since.</summary>
    Forged,

    /// <summary>It is genuine, and someone else's.</summary>
    Foreign,

    /// <summary>Its lifetime is over.</summary>
    Expired,

    /// <summary>It was issued further ahead than clocks may differ.</summary>
    FromTheFuture,
}
