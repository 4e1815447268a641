namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>The learners of P3's table, in the order of its rows; what ships comes first and is what the others are compared with.</summary>
internal static class PreferenceLearners
{
    public static IReadOnlyList<Func<IPreferenceLearner>> Factories { get; } =
    [
        () => new BeliefLearner(randomQuestions: false),
        () => new BeliefLearner(randomQuestions: true),
        () => new AmortisedEncoder(ourQuestions: false),
        () => new AmortisedEncoder(ourQuestions: true),
        () => new LinUcb(isPooled: false),
        () => new LinUcb(isPooled: true),
        () => new LinearThompson(isPooled: false),
        () => new LinearThompson(isPooled: true),
        () => new DuelingThompson(isPooled: false),
        () => new DuelingThompson(isPooled: true),
        () => new BetaCells(isPooled: false),
        () => new BetaCells(isPooled: true),
        () => new NearestExamples(waits: true),
        () => new NearestExamples(waits: false),
        () => new GivenPreference(new BanditPolicy()),
        () => new GivenPreference(new BanditPolicy(fixedQualityWeight: .5)),
        () => new GivenPreference(new AvengersPro(isStatic: true)),
        () => new GivenPreference(new AvengersPro(isStatic: false)),
    ];
}
