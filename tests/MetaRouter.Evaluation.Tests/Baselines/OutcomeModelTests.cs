using MetaRouter.Evaluation.Baselines;

namespace MetaRouter.Evaluation.Tests.Baselines;

/// <summary>What every outcome model owes, and what the learning ones must learn.</summary>
public sealed class OutcomeModelTests
{
    public static TheoryData<string> Every => ["knn", "ridge", "best-single", "oracle"];

    public static TheoryData<string> Learned => [.. LearnedRouters.Factories.Select(f => f().Name)];

    [Theory]
    [MemberData(nameof(Every))]
    public void FitPredict_AnyModel_IsFiniteAndRepeatable(string name)
    {
        var (train, test) = (Topics.Table(200, 0), Topics.Table(60, 1));
        var (a, b) = (Create(name).FitPredict(train, test, 3, default), Create(name).FitPredict(train, test, 3, default));

        a.Quality.Length.ShouldBe(180);
        a.Quality.ShouldAllBe(q => q >= 0 && q <= 1);
        a.CostUsd.ShouldAllBe(c => c >= 0 && double.IsFinite(c));
        a.Quality.ShouldBe(b.Quality);
        a.CostUsd.ShouldBe(b.CostUsd);
    }

    [Theory]
    [MemberData(nameof(Learned))]
    public void FitPredict_TwoTopics_KnowsWhoAnswersWhat(string name)
    {
        var (train, test) = (Topics.Table(400, 0), Topics.Table(200, 1));
        var predicted = Create(name).FitPredict(train, test, 0, default);

        var right = Enumerable.Range(0, test.Rows).Count(i => predicted.Quality[3 * i] > predicted.Quality[(3 * i) + 1] == (i % 2 == 0));
        right.ShouldBeGreaterThan(190);
        predicted.CostUsd[2].ShouldBe(.01, .001);
        predicted.CostUsd[0].ShouldBe(.001, .0001);
    }

    [Theory]
    [InlineData("knn")]
    [InlineData("ridge")]
    [InlineData("best-single")]
    public void FitPredict_UnknownOutcomes_AreLeftOutNotTakenForZero(string name)
    {
        var (train, test) = (Topics.Table(400, 0), Topics.Table(100, 1));
        for (var i = 0; i < train.Rows; i += 3)
        {
            (train.Score[(3 * i) + 2], train.CostUsd[(3 * i) + 2]) = (float.NaN, double.NaN);
        }

        var predicted = Create(name).FitPredict(train, test, 0, default);
        Enumerable.Range(0, test.Rows).Average(i => predicted.Quality[(3 * i) + 2]).ShouldBe(.9f, .05f);
        Enumerable.Range(0, test.Rows).Average(i => predicted.CostUsd[(3 * i) + 2]).ShouldBe(.01, .001);
    }

    [Fact]
    public void FitPredict_ModelNeverSeen_IsRefused()
    {
        var train = Topics.Table(50, 0);
        for (var i = 0; i < train.Rows; i++)
        {
            train.CostUsd[3 * i] = double.NaN;
        }

        Should.Throw<ArgumentException>(() => new BestSingle().FitPredict(train, train, 0, default)).Message.ShouldContain("poet");
    }

    private static IOutcomeModel Create(string name) =>
        LearnedRouters.Factories.Select(f => f()).Concat([new BestSingle(), new Oracle()]).Single(m => m.Name == name);
}
