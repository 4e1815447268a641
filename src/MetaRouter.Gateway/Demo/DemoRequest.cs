using MetaRouter.Core.Catalog;
using MetaRouter.Core.Routing;

namespace MetaRouter.Gateway.Demo;

/// <summary>Something a simulated user asks.</summary>
/// <param name="Text">As the models would read it.</param>
/// <param name="Outcomes">What the models really made of it, and at what cost; null: made up as predicted.</param>
internal sealed record DemoRequest(string Text, IReadOnlyDictionary<ModelId, Outcome>? Outcomes);
