using System.Numerics.Tensors;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Baselines.Learning;

namespace MetaRouter.Evaluation.Tests.Baselines;

/// <summary>What every outcome model owes, and what the learning ones must learn.</summary>
public sealed class OutcomeModelTests
{
    private static readonly OutcomeTable s_test = Topics.Table(200, 1);

    // Fitting takes a while, and several tests look at what came of it.
    private static readonly Dictionary<string, OutcomePredictions> s_predicted = [];

    public static TheoryData<string> Every => ["knn", "ridge", "best-single", "oracle", .. LearnedRouters.Published.Select(f => f().Name)];

    /// <summary>Those that say what to expect of a request.</summary>
    private static readonly string[] s_policies = ["barp, true weights", "barp, given 0.5", "always cheapest", "always strongest"];

    public static TheoryData<string> Choosers => [.. LearnedRouters.Published.Select(f => f().Name).Where(n => !n.StartsWith("always", StringComparison.Ordinal))];

    public static TheoryData<string> Learned => [.. LearnedRouters.Factories.Concat(LearnedRouters.Published).Select(f => f().Name).Except(s_policies)];

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
        var predicted = Predicted(name);

        var right = Enumerable.Range(0, s_test.Rows).Count(i => predicted.Quality[3 * i] > predicted.Quality[(3 * i) + 1] == (i % 2 == 0));
        right.ShouldBeGreaterThan(190);
        predicted.CostUsd[2].ShouldBe(.01, .0015);
        predicted.CostUsd[0].ShouldBe(.001, .00015);
    }

    [Theory]
    [MemberData(nameof(Choosers))]
    public void Worth_TwoTopics_TheRightCheapModelIsServed(string name)
    {
        var predicted = Predicted(name);
        var worth = new double[3];
        var right = 0;
        for (var i = 0; i < s_test.Rows; i++)
        {
            // A right answer is worth two calls of the dear model.
            predicted.Worth(i, .5 / .01, worth);
            right += worth[i % 2] == worth.Max() ? 1 : 0;
        }

        // BaRP sees a third of what the others see.
        right.ShouldBeGreaterThan(name.StartsWith("barp", StringComparison.Ordinal) ? 160 : 185);
    }

    [Theory]
    [MemberData(nameof(Choosers))]
    public void Lead_TwoTopics_IsGreaterWhereTheModelIsBetter(string name)
    {
        var predicted = Predicted(name);
        var poems = Enumerable.Range(0, 100).Average(i => predicted.Lead(2 * i, 3, 0, 1));
        var sums = Enumerable.Range(0, 100).Average(i => predicted.Lead((2 * i) + 1, 3, 0, 1));
        poems.ShouldBeGreaterThan(sums + .05);
    }

    [Fact]
    public void KnnDense_AnyRequest_IsTheMeanOfTheNearestByTheVectorsOfTheOthers()
    {
        var (train, test) = (Topics.Table(200, 0), Topics.Table(30, 1));
        var (text, asked) = TextVectors.Read(train, test);
        var predicted = new Knn(byWords: false).FitPredict(train, test, 0, default);

        // The k is chosen by validation; whichever it is, it is one for all requests, and all have so many.
        ((int[])[10, 20, 40, 80]).Count(k => Enumerable.Range(0, test.Rows).All(row =>
        {
            double Cosine(int other) => TensorPrimitives.Dot(asked.Dense(row), text.Dense(other));
            var near = Enumerable.Range(0, train.Rows).OrderByDescending(Cosine).Take(k).ToArray();
            return near.All(n => Cosine(n) > 0) && Enumerable.Range(0, 3).All(m => Math.Abs(near.Average(n => train.Score[(3 * n) + m]) - predicted.Quality[(3 * row) + m]) < 1e-5);
        })).ShouldBe(1);
    }

    [Fact]
    public void Worth_OfOneModel_IsThatOneWhateverThePrice()
    {
        var (train, test) = (Topics.Table(60, 0), Topics.Table(5, 1));
        var worth = new double[3];
        new AlwaysOne(strongest: true).FitPredict(train, test, 0, default).Worth(3, 1e9, worth);
        Array.IndexOf(worth, worth.Max()).ShouldBe(2);
        new AlwaysOne(strongest: false).FitPredict(train, test, 0, default).Worth(3, 0, worth);
        Array.IndexOf(worth, worth.Max()).ShouldBe(0);
    }

    [Theory]
    [InlineData("routellm-sw")]
    [InlineData("routellm-mf")]
    [InlineData("avengers-pro, true trade-off")]
    [InlineData("uniroute")]
    [InlineData("cross-attention")]
    [InlineData("confidence-driven")]
    [InlineData("knn")]
    [InlineData("knn-dense")]
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

    /// <summary>Of the two topics' requests, by what a model learned of others of them.</summary>
    private static OutcomePredictions Predicted(string name) =>
        s_predicted.TryGetValue(name, out var known) ? known : s_predicted[name] = Create(name).FitPredict(Topics.Table(400, 0), s_test, 0, default);

    private static IOutcomeModel Create(string name) =>
        LearnedRouters.Factories.Concat(LearnedRouters.Published).Select(f => f()).Concat([new BestSingle(), new Oracle()]).Single(m => m.Name == name);
}
