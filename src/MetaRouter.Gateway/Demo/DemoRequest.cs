using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;

namespace MetaRouter.Gateway.Demo;

/// <summary>Something a simulated user asks.</summary>
/// <param name="Text">As the models would read it.</param>
/// <param name="Outcomes">The models' real outcomes and costs; null: made up from the predictions.</param>
internal sealed record DemoRequest(string Text, IReadOnlyDictionary<ModelId, Outcome>? Outcomes);
