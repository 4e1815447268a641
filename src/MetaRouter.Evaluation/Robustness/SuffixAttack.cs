using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;

namespace MetaRouter.Evaluation.Robustness;

/// <summary>Who attacks a router by <see cref="SuffixSearch"/>: sees what it predicts of the prompts that are not reported, and wants them answered by dearer models.</summary>
internal static class SuffixAttack
{
    /// <summary>Searches there are, each with words of another kind.</summary>
    public const int Searches = 3;

    private const int SearchedWith = 50, MostWords = 2000, LongestWord = 23;

    /// <summary>A suffix is judged by a softened choice, so that the search has a slope to climb; in utility.</summary>
    private const double Softness = .01;

    /// <summary>The worst of several searches: with words of the pool's requests, of the prompts, and made of signs.</summary>
    /// <param name="searches">1 to <see cref="Searches"/>.</param>
    public static string Find(RoutingPool pool, double lambda, OutcomeTable table, int searches, CancellationToken cancellationToken)
    {
        string[] prompts = [.. PromptSet.All.Where(p => !p.IsReported && p.IsGraded).Select(p => p.Text)];
        prompts = [.. prompts.Where((_, i) => i % (prompts.Length / SearchedWith) == 0)];
        string[][] kinds =
        [
            Words(table.Queries.Take(MostWords)),
            Words(PromptSet.All.Where(p => !p.IsReported && p.IsHard).Select(p => p.Text)),
            [.. Enumerable.Range(0, MostWords).Select(i => Signs(new Random(i)))],
        ];
        using var asker = new ThreadLocal<Asker>(() => new Asker(pool, lambda));
        var clean = prompts.Select(p => asker.Value!.Ask(p).Select(o => (double)o.CostUsd).ToArray()).ToArray();
        double Harm(string suffix) => prompts.Select((p, i) => asker.Value!.SoftCost(p + suffix, clean[i])).Sum();
        return Enumerable.Range(0, searches).Select(s => SuffixSearch.Find(kinds[s], Harm, seed: s, cancellationToken)).MaxBy(Harm)!;

        static string[] Words(IEnumerable<string> texts) => [.. texts.SelectMany(t => t.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .Where(w => w.Length <= LongestWord)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)];

        static string Signs(Random random) => new([.. Enumerable.Range(0, random.Next(1, 9)).Select(_ => (char)random.Next('!', '~' + 1))]);
    }

    /// <summary>What the attacker asks the router, a thread's own.</summary>
    private sealed class Asker(RoutingPool pool, double lambda)
    {
        private readonly RequestEncoding _encoding = new();
        private readonly Outcome[] _outcomes = new Outcome[pool.Catalog.Count];
        private readonly float[] _tokens = new float[pool.Catalog.Count], _projected = new float[pool.Projected];

        public Outcome[] Ask(string text)
        {
            pool.Snapshot.Encoder.Encode(text, _encoding);
            pool.Predict(_encoding, float.NaN, _outcomes, _tokens, _projected);
            return _outcomes;
        }

        /// <summary>The mean of the prompt's costs, each model weighed by how near its utility comes to the best one's.</summary>
        /// <param name="clean">US dollars of each model on the prompt alone.</param>
        public double SoftCost(string text, double[] clean)
        {
            var outcomes = Ask(text);
            pool.Temper(_encoding, outcomes, outcomes);
            double[] utility = [.. outcomes.Select(o => o.Quality - (lambda * o.CostUsd / pool.CostScaleUsd))];
            var best = utility.Max();
            double[] weight = [.. utility.Select(u => Math.Exp((u - best) / Softness))];
            return weight.Zip(clean, (w, c) => w * c).Sum() / weight.Sum();
        }
    }
}
