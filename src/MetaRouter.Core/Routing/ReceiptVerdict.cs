namespace MetaRouter.Core.Routing;

/// <summary>The answer to an attempt to open a receipt.</summary>
/// <param name="Status">Whether it is accepted, and why not.</param>
/// <param name="Message">A sentence for whoever sent it, without secrets; empty when valid.</param>
public readonly record struct ReceiptVerdict(ReceiptStatus Status, string Message)
{
    public bool IsValid => Status == ReceiptStatus.Valid;
}
