using MetaRouter.Core.Text;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>The routers that learn, in the order of the tables' rows. A new router joins every protocol by one line here; the first is the one that P2's random mix matches in cost.</summary>
public static class LearnedRouters
{
    public static IReadOnlyList<Func<IOutcomeModel>> Factories { get; } =
    [
        () => new MetaRouterModel(),
        () => new Knn(byWords: true),
        () => new PerModelRidge(),
    ];

    /// <summary>The methods of the papers, each in one file with its source in its head.</summary>
    public static IReadOnlyList<Func<IOutcomeModel>> Published { get; } =
    [
        () => new Knn(byWords: false),
        () => new RouteLlmSimilarity(),
        () => new RouteLlmMatrix(),
        () => new AvengersPro(isStatic: true),
        () => new AvengersPro(isStatic: false),
        () => new UniRoute(),
        () => new CrossAttention(),
        () => new ConfidenceRouter(),
        () => new BanditPolicy(),
        () => new BanditPolicy(fixedQualityWeight: .5),
    ];

    /// <summary>What is compared on kinds of request that nobody trained on: each is trained dozens of times there, so those that train longest are left out.</summary>
    public static IReadOnlyList<Func<IOutcomeModel>> OnNewKinds { get; } = [.. Factories, () => new RouteLlmMatrix(), () => new AvengersPro(isStatic: false), () => new UniRoute()];

    /// <summary>What ships with a part taken away.</summary>
    public static IReadOnlyList<Func<IOutcomeModel>> Ablations { get; } =
    [
        () => new MetaRouterModel(NgramFamilies.Words),
        () => new MetaRouterModel(NgramFamilies.Characters),
        () => new MetaRouterModel(vectors: WordVectors.None),
    ];

    /// <summary>What ships when one of the models arrives after training, against being trained with it.</summary>
    public static IReadOnlyList<Func<IOutcomeModel>> Arrivals { get; } =
    [
        () => new ArrivingModel(ArrivingModel.Knowledge.Sibling),
        () => new ArrivingModel(ArrivingModel.Knowledge.GradedAnswers),
        () => new ArrivingModel(ArrivingModel.Knowledge.Nothing),
    ];
}
