namespace MetaRouter.Core.MetaLearning;

/// <param name="Done">0 to 1.</param>
/// <param name="Step">What is being done.</param>
public readonly record struct TrainingProgress(double Done, string Step);
