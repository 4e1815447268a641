namespace MetaRouter.Evaluation.Tests.Protocols;

/// <summary>A pool in which the dearer a model the better it is, the more so on hard requests: who pays for it depends on the user.</summary>
internal static class Ladder
{
    public static string[] Lines(int rows, int seed) => [.. Enumerable.Range(0, rows).Select(i =>
    {
        var random = new Random((seed * 100_003) + i);
        var hard = i % 2 == 0;
        int Right(double p) => random.NextDouble() < p ? 1 : 0;
        var words = string.Join(' ', Enumerable.Range(0, 4).Select(_ => (hard ? "theorem lemma integral proof" : "greeting weather colour name").Split(' ')[random.Next(4)]));
        var (weak, middle, strong) = (Right(hard ? .3 : .8), Right(hard ? .6 : .85), Right(.95));
        return $$"""{"id":"{{i}}","dataset":"d{{i % 2}}","query":"{{words}} {{i}}","models":{"weak":{"score":{{weak}},"cost_usd":0.0005},"middle":{"score":{{middle}},"cost_usd":0.003},"strong":{"score":{{strong}},"cost_usd":0.01} } }""";
    })];
}
