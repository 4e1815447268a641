using MetaRouter.Core.Catalog;

namespace MetaRouter.Core.Routing;

/// <summary>A model that may not answer a request.</summary>
/// <param name="Model">The catalog's name for it.</param>
/// <param name="Reason">The first rule it fails.</param>
public readonly record struct ExcludedModel(ModelId Model, ModelExclusion Reason);
