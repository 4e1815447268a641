namespace MetaRouter.Core.Catalog;

/// <summary>What a model can take part in; a request that needs a capability is never sent to a model without it.</summary>
[Flags]
public enum ModelCapabilities
{
    None = 0,
    Tools = 1,
    Vision = 2,
    StructuredOutput = 4,
    Streaming = 8,
    All = Tools | Vision | StructuredOutput | Streaming,
}
