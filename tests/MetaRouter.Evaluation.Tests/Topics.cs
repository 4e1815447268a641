using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Tests;

/// <summary>A made-up pool of two topics: "poet" answers poems, "sage" answers sums, "both" answers all and costs ten times as much.</summary>
internal static class Topics
{
    public static readonly string[] Models = ["poet", "sage", "both"];

    public static OutcomeTable Table(int rows, int seed)
    {
        var all = Enumerable.Range(0, rows).Select(i => Row(i, new Random((seed * 100_003) + i))).ToArray();
        float[] unknown = [.. Enumerable.Repeat(float.NaN, rows * 3)];
        return new OutcomeTable("topics", [.. Models.Select(m => new ModelId(m))], [.. all.Select(r => r.Id)], [.. all.Select(r => r.Query)], [.. all.Select(_ => "t")], [.. all.SelectMany(r => r.Score)], [.. all.SelectMany(r => r.Cost)], unknown, unknown, unknown);
    }

    public static string[] Lines(int rows, int seed) => [.. Enumerable.Range(0, rows).Select(i =>
    {
        var (id, query, score, cost) = Row(i, new Random((seed * 100_003) + i));
        var models = Models.Select((m, k) => string.Create(CultureInfo.InvariantCulture, $"\"{m}\":{{\"score\":{score[k]},\"cost_usd\":{cost[k]}}}"));
        return $"{{\"id\":\"{id}\",\"dataset\":\"topics\",\"query\":\"{query}\",\"models\":{{{string.Join(',', models)}}}}}";
    })];

    private static (string Id, string Query, float[] Score, double[] Cost) Row(int i, Random random)
    {
        string[] poem = ["verse", "rhyme", "sonnet", "rose", "moon", "lyric"], sum = ["add", "integral", "prime", "matrix", "root", "digit"];
        var words = i % 2 == 0 ? poem : sum;
        var query = $"please {words[random.Next(6)]} {words[random.Next(6)]} {words[random.Next(6)]} item {i}";
        bool Chance(double p) => random.NextDouble() < p;
        return (string.Create(CultureInfo.InvariantCulture, $"t/{i}"), query, [Chance(i % 2 == 0 ? .9 : .1) ? 1 : 0, Chance(i % 2 == 0 ? .1 : .9) ? 1 : 0, Chance(.9) ? 1 : 0], [.001, .001, .01]);
    }
}
