using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines;

namespace MetaRouter.Evaluation.Tests.Baselines;

/// <summary>Two models were asked poems and riddles; small models like the weak one fail riddles and sums, and nobody asked these two a sum.</summary>
public sealed class WithOtherModelsTests
{
    private static readonly string[] s_poem = ["verse", "rhyme", "sonnet", "lyric"], s_riddle = ["riddle", "puzzle", "enigma", "secret"], s_sum = ["integral", "matrix", "digit", "prime"];

    [Fact]
    public void FitPredict_ATopicOnlyOthersWereAsked_IsKnownToBeHard()
    {
        var (train, others, test) = (Table(["weak", "strong"], 400, 0, s_poem, s_riddle), Table(["small", "tiny", "large"], 600, 1, s_poem, s_riddle, s_sum), Table(["weak", "strong"], 200, 2, s_poem, s_sum));

        var taught = new WithOtherModels("taught", new MetaRouterModel(), [others]).FitPredict(train, test, 0, default);
        var alone = new WithOtherModels("alone", new MetaRouterModel(), []).FitPredict(train, test, 0, default);

        taught.Quality.Length.ShouldBe(2 * test.Rows);
        LeadOnSums(taught, test).ShouldBeGreaterThan(LeadOnSums(alone, test) + .1);
        taught.Lead(0, 2, 1, 0).ShouldBeLessThan(.2); // a poem is easy
    }

    [Fact]
    public void FitPredict_TestedTextsAmongTheOthers_ArePassedOver()
    {
        var (train, others, test) = (Table(["weak", "strong"], 200, 0, s_poem, s_riddle), Table(["small", "large"], 200, 1, s_poem, s_sum), Table(["weak", "strong"], 60, 2, s_poem, s_sum));
        var leaked = Table(["small", "large", "weak", "strong"], 60, 2, s_poem, s_sum);

        var clean = new WithOtherModels("clean", new MetaRouterModel(), [others]).FitPredict(train, test, 0, default);
        new WithOtherModels("leaky", new MetaRouterModel(), [others, leaked]).FitPredict(train, test, 0, default).Quality.ShouldBe(clean.Quality);
    }

    private static double LeadOnSums(OutcomePredictions predicted, OutcomeTable test) =>
        Enumerable.Range(0, test.Rows).Where(i => i % 2 == 1).Average(i => predicted.Lead(i, 2, 1, 0));

    private static OutcomeTable Table(string[] models, int rows, int seed, params string[][] topics)
    {
        var random = new Random(seed);
        var queries = Enumerable.Range(0, rows).Select(i => $"please {Word(i)} {Word(i)} {Word(i)} item {seed} {i}").ToArray();
        var score = Enumerable.Range(0, rows * models.Length).Select(c => random.NextDouble() < Chance(models[c % models.Length], topics[c / models.Length % topics.Length]) ? 1f : 0).ToArray();
        float[] unknown = [.. Enumerable.Repeat(float.NaN, score.Length)];
        return new OutcomeTable("t", [.. models.Select(m => new ModelId(m))], [.. queries.Select((_, i) => $"{seed}/{i}")], queries, [.. queries.Select((_, i) => topics[i % topics.Length][0])], score, [.. Enumerable.Repeat(.001, score.Length)], unknown, unknown, unknown);

        string Word(int i) => topics[i % topics.Length][random.Next(4)];

        static double Chance(string model, string[] topic) => model is "strong" or "large" || topic == s_poem ? .95 : .1;
    }
}
