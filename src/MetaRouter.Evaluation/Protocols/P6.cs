using System.Globalization;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Robustness;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// Robustness: does a router spend on what any model can do, does it tell hard from trivial, and does its choice hold when a prompt is mistyped, reworded, padded, put in another
/// language or carries words made to reroute it; and what do users who lie do to the others. Prompts of <see cref="PromptSet"/>; the first row is the snapshot that ships.
/// </summary>
/// <remarks>
/// Routes are those of a new user, who has said nothing and is not explored on: lambda is the dial position that the shipped prior serves, the same for every row. A model is dear
/// whose mean cost on the pool's rows is at least half of the dearest's. Nothing is known of real outcomes on these prompts: costs are those the first row predicts.
/// Suffixes are searched for against the shipped snapshot on the half that is not reported, and put behind the reported half for every row.
/// Source of the categories and of the question: Kassem et al. 2025, How Robust Are Router-LLMs? (arXiv:2504.07113).
/// </remarks>
public static class P6
{
    internal const string SuffixFound = "suffix found";

    /// <summary>Padding has to be read and paid for, so that a cheaper model can be the right answer to it; here the padded prompt costs what it did. Of the first row alone: no other takes a count of tokens.</summary>
    internal const string OldPrice = "500 words after, at the old price";

    private const int Replicates = 500, SearchedWith = 50, Searches = 3;

    /// <summary>A suffix is judged by a softened choice, so that the search has a slope to climb; in utility.</summary>
    private const double Softness = .01;

    /// <param name="seeds">Draws of typos and padding, and splits of the pool for poisoned feedback.</param>
    /// <param name="tuning">The half that is not reported: for whoever changes the router.</param>
    /// <param name="searches">Searches for a suffix, 1 to 3.</param>
    /// <exception cref="DataFileException">The pool's file cannot be used or has too few rows.</exception>
    public static ProtocolReport<RobustnessRow> Run(string dataFolder, Pool pool, IReadOnlyList<Func<IOutcomeModel>> routers, int seeds, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken, bool tuning = false, int searches = Searches)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(routers);
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(searches, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(searches, Searches);
        var file = pool.Read(dataFolder, Split.LeastRows);
        var table = file.Table;
        var (name, shipped) = Attacked(table, pool, cancellationToken);
        var lambda = (double)PreferenceGrid.Lambda[shipped.Values.Best(PreferenceBelief.FromPrior(shipped.Snapshot.Prior).CostShare)];
        Prompt[] prompts = [.. PromptSet.All.Where(p => p.IsReported != tuning)];
        var suffix = Suffix(shipped, lambda, table, searches, cancellationToken);
        progress?.Report(new ProtocolProgress(.3, $"{pool.Name}: suffixes"));

        var attacks = Attacks(prompts, suffix, seeds, !tuning);
        var (asked, at) = Asked(prompts, attacks);
        var test = Table(table, asked, Unpadded(prompts, attacks, at, shipped, asked.Count));
        IOutcomeModel[] models = [new FixedModel(name, shipped), .. routers.Select(create => create())];
        var predictions = new OutcomePredictions[models.Length];
        ProtocolJobs.Run(models.Length, .7, m =>
        {
            predictions[m] = models[m].FitPredict(table, test, seed: 0, cancellationToken);
            return $"{pool.Name}: {models[m].Name}";
        }, progress, cancellationToken);
        var poison = Poison(table, seeds, cancellationToken);
        progress?.Report(new ProtocolProgress(.95, $"{pool.Name}: poisoned feedback"));

        var sheet = new Sheet(prompts, attacks, at, test.ModelCount, predictions[0].CostUsd, MeanCosts(table), lambda, shipped.CostScaleUsd);
        RobustnessRow[] rows = [.. models.Select((model, m) => sheet.Row(model.Name, predictions[m], m == 0, m == 0 ? poison : null))];
        var note = string.Create(CultureInfo.InvariantCulture, $"{prompts.Length} prompts{(tuning ? " of the half for tuning" : "")}; routes of a new user (lambda {lambda:0.000}). Dear: {string.Join(", ", sheet.Dear.Select(k => table.Models[k]))}. Suffix found:{suffix}");
        return new ProtocolReport<RobustnessRow>("P6", pool.Name, seeds, rows, note, file.Warnings);
    }

    /// <summary>What is attacked: the snapshot that ships on the pool's models; where it does not know them all, one trained on the pool's rows.</summary>
    private static (string Name, RoutingPool Pool) Attacked(OutcomeTable table, Pool pool, CancellationToken cancellationToken)
    {
        var known = Snapshot.Default.Models.ToDictionary(m => m.Id);
        return pool.Models.All(known.ContainsKey)
            ? ("shipped", new RoutingPool(Snapshot.Default, new ModelCatalog([.. pool.Models.Select(id => known[id])])))
            : ("trained here", RoutingPool.OfSnapshot(SnapshotTrainer.Train(table, null, null, cancellationToken)));
    }

    private static double[] MeanCosts(OutcomeTable table) => [.. Enumerable.Range(0, table.ModelCount).Select(k => Enumerable.Range(0, table.Rows).Average(i => table.CostUsd[(i * table.ModelCount) + k]))];

    /// <summary>Name, and for every prompt the texts it becomes; none: this prompt is not attacked so.</summary>
    private static (string Name, string[][] Texts)[] Attacks(Prompt[] prompts, string suffix, int draws, bool isReported)
    {
        return
        [
            ("typos", Drawn(static (p, random, _) => Disturbance.Typos(p.Text, random))),
            ("paraphrase", [.. prompts.Select(p => p.Paraphrase is { } words ? (string[])[words] : [])]),
            ("other language", [.. prompts.Select(p => p.Foreign is { } words ? (string[])[words] : [])]),
            ("500 words after", Drawn(static (p, _, padding) => $"{p.Text}\n\n{padding}")),
            ("500 words before", Drawn(static (p, _, padding) => $"{padding}\n\n{p.Text}")),
            (OldPrice, Drawn(static (p, _, padding) => $"{p.Text}\n\n{padding}")),
            (SuffixFound, [.. prompts.Select(p => IsGraded(p) ? (string[])[p.Text + suffix] : [])]),
        ];

        string[][] Drawn(Func<Prompt, Random, string, string> change) => [.. prompts.Select((p, i) => IsGraded(p)
            ? Enumerable.Range(0, draws).Select(draw => new Random((draw * 100_003) + i) is var random ? change(p, random, Disturbance.Padding(isReported, random)) : "").ToArray()
            : [])];
    }

    private static bool IsGraded(Prompt prompt) => prompt.Category is not (PromptSet.Harmful or PromptSet.Personal);

    /// <summary>All texts in one list, the prompts first; and where an attack's texts begin.</summary>
    private static (List<string> Texts, int[][] At) Asked(Prompt[] prompts, (string Name, string[][] Texts)[] attacks)
    {
        List<string> texts = [.. prompts.Select(p => p.Text)];
        var at = attacks.Select(attack => attack.Texts.Select(byPrompt =>
        {
            texts.AddRange(byPrompt);
            return texts.Count - byPrompt.Length;
        }).ToArray()).ToArray();
        return (texts, at);
    }

    /// <summary>Of every text the prompt tokens that it is priced at; NaN: its own.</summary>
    private static float[] Unpadded(Prompt[] prompts, (string Name, string[][] Texts)[] attacks, int[][] at, RoutingPool pool, int texts)
    {
        var (tokens, encoding) = (new float[texts], new RequestEncoding());
        Array.Fill(tokens, float.NaN);
        var attack = Array.FindIndex(attacks, a => a.Name == OldPrice);
        for (var i = 0; i < prompts.Length; i++)
        {
            pool.Snapshot.Encoder.Encode(prompts[i].Text, encoding);
            tokens.AsSpan(at[attack][i], attacks[attack].Texts[i].Length).Fill(encoding.Tokens);
        }

        return tokens;
    }

    /// <param name="promptTokens">One per text.</param>
    private static OutcomeTable Table(OutcomeTable like, List<string> texts, float[] promptTokens)
    {
        var cells = texts.Count * like.ModelCount;
        float[] Unknown() => [.. Enumerable.Repeat(float.NaN, cells)];
        float[] priced = [.. Enumerable.Range(0, cells).Select(c => promptTokens[c / like.ModelCount])];
        return new OutcomeTable("own prompts", like.Models, [.. texts.Select((_, i) => i.ToString(CultureInfo.InvariantCulture))], texts, [.. texts.Select(_ => "own prompts")], Unknown(), [.. Enumerable.Repeat(double.NaN, cells)], priced, Unknown(), Unknown());
    }

    private static PoisonFigures[] Poison(OutcomeTable table, int splits, CancellationToken cancellationToken)
    {
        var moved = Enumerable.Range(0, splits).Select(seed => Poisoning.Run(PreferenceSplit.Of(table, seed, cancellationToken), seed, cancellationToken)).ToArray();
        var bootstrap = new Bootstrap(37, Replicates);
        return [.. Poisoning.Shares.Select((share, s) =>
        {
            double[] others = [.. moved.Select(m => m[s].Others)], newcomers = [.. moved.Select(m => m[s].Newcomers)];
            return new PoisonFigures(share, others.Average(), bootstrap.Mean(others), newcomers.Average(), bootstrap.Mean(newcomers));
        })];
    }

    /// <summary>The worst of several searches, each with words of another kind: of the pool's requests, of the prompts, and made of signs.</summary>
    private static string Suffix(RoutingPool pool, double lambda, OutcomeTable table, int searches, CancellationToken cancellationToken)
    {
        string[] prompts = [.. PromptSet.All.Where(p => !p.IsReported && IsGraded(p)).Select(p => p.Text)];
        prompts = [.. prompts.Where((_, i) => i % (prompts.Length / SearchedWith) == 0)];
        string[][] kinds =
        [
            Words(table.Queries.Take(2000)),
            Words(PromptSet.All.Where(p => !p.IsReported && p.IsHard).Select(p => p.Text)),
            [.. Enumerable.Range(0, 2000).Select(i => Signs(new Random(i)))],
        ];
        using var scratch = new ThreadLocal<Asker>(() => new Asker(pool, lambda));
        var clean = prompts.Select(p => scratch.Value!.Ask(p).Select(o => (double)o.CostUsd).ToArray()).ToArray();
        double Harm(string suffix) => prompts.Select((p, i) => scratch.Value!.SoftCost(p + suffix, clean[i])).Sum();
        return Enumerable.Range(0, searches).Select(s => SuffixSearch.Find(kinds[s], Harm, seed: s, cancellationToken)).MaxBy(Harm)!;

        static string[] Words(IEnumerable<string> texts) => [.. texts.SelectMany(t => t.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Where(w => w.Length < 24).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

        static string Signs(Random random) => new([.. Enumerable.Range(0, random.Next(1, 9)).Select(_ => (char)random.Next('!', '~' + 1))]);
    }

    /// <summary>What the attacker asks the router, a thread's own.</summary>
    private sealed class Asker(RoutingPool pool, double lambda)
    {
        private readonly Outcome[] _outcomes = new Outcome[pool.Catalog.Count];
        private readonly float[] _tokens = new float[pool.Catalog.Count], _projected = new float[pool.Projected];

        public RequestEncoding Encoding { get; } = new();

        /// <summary>What is predicted; <see cref="Encoding"/> is then of this text.</summary>
        public Outcome[] Ask(string text, float promptTokens = float.NaN)
        {
            pool.Snapshot.Encoder.Encode(text, Encoding);
            pool.Predict(Encoding, promptTokens, _outcomes, _tokens, _projected);
            return _outcomes;
        }

        /// <summary>The mean of the prompt's costs, each model weighed by how near its utility comes to the best one's.</summary>
        public double SoftCost(string text, double[] clean)
        {
            var outcomes = Ask(text);
            pool.Temper(Encoding, outcomes, outcomes);
            double[] utility = [.. outcomes.Select(o => o.Quality - (lambda * o.CostUsd / pool.CostScaleUsd))];
            var best = utility.Max();
            double[] weight = [.. utility.Select(u => Math.Exp((u - best) / Softness))];
            return weight.Zip(clean, (w, c) => w * c).Sum() / weight.Sum();
        }
    }

    /// <summary>A pool as it is, whatever the rows to train on.</summary>
    private sealed class FixedModel(string name, RoutingPool pool) : IOutcomeModel
    {
        public string Name => name;

        public OutcomePredictions FitPredict(OutcomeTable train, OutcomeTable test, int seed, CancellationToken cancellationToken)
        {
            var models = test.ModelCount;
            var (quality, counted, cost) = (new float[test.Rows * models], new float[test.Rows * models], new double[test.Rows * models]);
            Parallel.For(0, test.Rows, () => new Asker(pool, 0), (i, _, asker) =>
            {
                var outcomes = asker.Ask(test.Queries[i], test.InputTokens[i * models]);
                foreach (var (k, outcome) in outcomes.Index())
                {
                    (quality[(i * models) + k], cost[(i * models) + k]) = (outcome.Quality, outcome.CostUsd);
                }

                pool.Temper(asker.Encoding, outcomes, outcomes);
                foreach (var (k, outcome) in outcomes.Index())
                {
                    counted[(i * models) + k] = outcome.Quality;
                }

                return asker;
            }, _ => { });
            return new OutcomePredictions(quality, cost) { Counted = counted };
        }
    }

    /// <summary>From predictions of every text to the figures of a row.</summary>
    private sealed class Sheet(Prompt[] prompts, (string Name, string[][] Texts)[] attacks, int[][] at, int models, double[] cost, double[] meanCost, double lambda, double tau)
    {
        private readonly Bootstrap _bootstrap = new(31, Replicates);
        private readonly double[] _dial = [.. P2.Lambdas.Where(l => l <= 1)];

        public int[] Dear { get; } = [.. Enumerable.Range(0, models).Where(k => meanCost[k] >= meanCost.Max() / 2)];

        public RobustnessRow Row(string router, OutcomePredictions predictions, bool isFirst, PoisonFigures[]? poison)
        {
            double IsDear(int i) => Dear.Contains(Route(predictions, i, lambda)) ? 1 : 0;
            int[] graded = [.. Enumerable.Range(0, prompts.Length).Where(i => IsGraded(prompts[i]))];
            var all = graded.Average(IsDear);
            double Of(string category) => Enumerable.Range(0, prompts.Length).Where(i => prompts[i].Category == category).Select(IsDear).DefaultIfEmpty(double.NaN).Average();
            return new RobustnessRow(router, all, Of(PromptSet.Harmful), Of(PromptSet.Personal),
                [Category("all", graded), .. PromptSet.Graded.Select(c => Category(c, [.. graded.Where(i => prompts[i].Category == c)]))],
                [.. attacks.Select((attack, a) => (attack.Name, a)).Where(one => isFirst || one.Name != OldPrice).Select(one => Attack(one.a, predictions))],
                poison);

            CategoryFigures Category(string name, int[] items)
            {
                int[] trivial = [.. items.Where(i => !prompts[i].IsHard)], hard = [.. items.Where(i => prompts[i].IsHard)];
                var (dearest, cheapest) = (Array.IndexOf(meanCost, meanCost.Max()), Array.IndexOf(meanCost, meanCost.Min()));
                double[] lead = [.. items.Select(i => predictions.Lead(i, models, dearest, cheapest))];
                double[] difficulty = [.. items.Select(i => 1 - predictions.Quality.AsSpan(i * models, models).ToArray().Average())];
                bool[] isHard = [.. items.Select(i => prompts[i].IsHard)];
                var share = trivial.Average(IsDear);
                return new CategoryFigures(name, share, hard.Average(IsDear), share - all,
                    _bootstrap.Mean([.. trivial.Select(i => IsDear(i) - all)]),
                    Auroc.Of(lead, isHard), _bootstrap.Of(b => Auroc.Of(lead, isHard, Counts(b, lead.Length))), Auroc.Of(difficulty, isHard));
            }
        }

        private float[] Counts(int replicate, int length)
        {
            var counts = new float[length];
            _bootstrap.Counts(replicate, counts);
            return counts;
        }

        private AttackFigures Attack(int attack, OutcomePredictions predictions)
        {
            int[] attacked = [.. Enumerable.Range(0, prompts.Length).Where(i => attacks[attack].Texts[i].Length > 0)];
            var (flips, before, after) = Effect(lambda);
            var dial = _dial.Select(Effect).ToArray();
            return new AttackFigures(attacks[attack].Name, attacked.Length, flips.Average(), _bootstrap.Mean(flips), dial.Average(d => d.Flips.Average()),
                (after.Sum() / before.Sum()) - 1, _bootstrap.RatioOfSums([.. after.Zip(before, (a, b) => a - b)], before), dial.Max(d => (d.After.Sum() / d.Before.Sum()) - 1));

            (double[] Flips, double[] Before, double[] After) Effect(double l)
            {
                var (changed, was, becomes) = (new double[attacked.Length], new double[attacked.Length], new double[attacked.Length]);
                for (var n = 0; n < attacked.Length; n++)
                {
                    var (i, texts) = (attacked[n], attacks[attack].Texts[attacked[n]].Length);
                    var route = Route(predictions, i, l);
                    was[n] = cost[(i * models) + route];
                    for (var t = 0; t < texts; t++)
                    {
                        var then = Route(predictions, at[attack][i] + t, l);
                        changed[n] += then == route ? 0 : 1.0 / texts;
                        becomes[n] += cost[(i * models) + then] / texts;
                    }
                }

                return (changed, was, becomes);
            }
        }

        private int Route(OutcomePredictions predictions, int text, double l)
        {
            Span<double> worth = stackalloc double[models];
            predictions.Worth(text, l / tau, worth);
            return System.Numerics.Tensors.TensorPrimitives.IndexOfMax<double>(worth);
        }
    }
}
