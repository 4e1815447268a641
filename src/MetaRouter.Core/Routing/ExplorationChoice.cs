namespace MetaRouter.Core.Routing;

/// <summary>One draw of an <see cref="ExplorationPolicy"/>.</summary>
/// <param name="Index">Which of the utilities it was given.</param>
/// <param name="Propensity">The exact probability with which this index was drawn; above 0, at most 1.</param>
/// <param name="IsExplored">The index is not the best one.</param>
public readonly record struct ExplorationChoice(int Index, double Propensity, bool IsExplored);
