using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Routing;

/// <summary>A model that still has the beginning of the conversation in its prompt cache; going to another pays for those tokens in full.</summary>
/// <param name="Model">The one that answered last.</param>
/// <param name="CachedTokens">Prompt tokens it is expected to read at the cached price, 0 or more.</param>
public readonly record struct WarmModel(ModelId Model, int CachedTokens);
