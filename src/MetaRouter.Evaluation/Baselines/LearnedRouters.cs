namespace MetaRouter.Evaluation.Baselines;

/// <summary>The routers that learn, in the order of the tables' rows. A new router joins every protocol by one line here.</summary>
public static class LearnedRouters
{
    public static IReadOnlyList<Func<IOutcomeModel>> Factories { get; } =
    [
        () => new Knn(),
        () => new PerModelRidge(),
    ];
}
