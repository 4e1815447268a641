using MetaRouter.Core.Numerics;
using MetaRouter.Core.Text;
using MetaRouter.Evaluation.Baselines.Learning;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>
/// LiteLLM's adaptive router: how good a model is on a kind of request is a Beta distribution, started from graded answers and moved by what people say; served is the model of
/// the greatest <c>(1 - w) E[quality] + w cheapness</c>, cheapness being 1 for the cheapest model and 0 for the dearest. O(K) a question.
/// </summary>
/// <remarks>
/// As its documentation has it (docs.litellm.ai/docs/adaptive_router, October 2026): a cell starts with <see cref="Imaginary"/> answers, graded ones count until there are
/// <see cref="MostGraded"/>, and from <see cref="Most"/> on no more are taken in. What is left to whoever runs it is chosen well: the kinds of request are the encoder's topics, and w
/// is the weight that earned the population most on the training half. An answer preferred stands for a turn that satisfied, the other one for a turn that did not. Asked about are
/// the best by the means and the best of the others at a draw, on the request at hand: there is no choice of requests there. There all users share the cells; a row of users apart shows what knowing them would change.
/// </remarks>
internal sealed class BetaCells(bool isPooled) : IPreferenceLearner
{
    private const double Imaginary = 10, MostGraded = 50, Most = 200;
    private const int Weights = 100;

    public string Name => "beta cells" + (isPooled ? ", pooled" : ", per user");

    public bool IsPooled => isPooled;

    public Func<double, Random, IUserLearner> Fit(PreferenceSplit split, int seed, CancellationToken cancellationToken)
    {
        var (train, models, topics) = (split.Train, split.Models, split.TrainTopics);
        var rows = new int[TopicGroups.Codes];
        foreach (var topic in topics)
        {
            rows[topic]++;
        }

        var (quality, costUsd) = ClusterMeans.Of(train, [.. Enumerable.Range(0, train.Rows)], [.. topics.Select(t => (int)t)], TopicGroups.Codes, shrinkage: 0);
        var (usual, meanCost) = ColumnMeans.Of(train);
        var cells = quality.Select((mean, at) => Cell.Of(usual[at % models], Imaginary).Graded(mean * rows[at / models], rows[at / models])).ToArray();
        var (cheapest, dearest) = (meanCost.Min(), meanCost.Max());
        var cheapness = meanCost.Select(c => dearest > cheapest ? (dearest - c) / (dearest - cheapest) : 0).ToArray();
        var weight = Enumerable.Range(0, Weights + 1).Select(i => (double)i / Weights).MaxBy(Earned);
        return (_, random) => new User(split, [.. cells], cheapness, weight, random);

        double Earned(double w)
        {
            var sum = 0.0;
            for (var topic = 0; topic < rows.Length; topic++)
            {
                var at = (topic * models) + Best(cells, cheapness, w, topic, except: -1, cell => cell.Mean);
                sum += rows[topic] * (((1 - SimulatedUser.MeanCostShare) * quality[at]) - (SimulatedUser.MeanCostShare * costUsd[at] / split.Pool.CostScaleUsd));
            }

            return sum;
        }
    }

    private static int Best(Cell[] cells, double[] cheapness, double weight, int topic, int except, Func<Cell, double> quality)
    {
        var best = (Worth: double.NegativeInfinity, Model: 0);
        for (var m = 0; m < cheapness.Length; m++)
        {
            var worth = m == except ? double.NegativeInfinity : ((1 - weight) * quality(cells[(topic * cheapness.Length) + m])) + (weight * cheapness[m]);
            best = worth > best.Worth ? (worth, m) : best;
        }

        return best.Model;
    }

    /// <summary>Beta(<paramref name="Good"/>, <paramref name="Bad"/>): answers that were good, and that were not.</summary>
    internal readonly record struct Cell(double Good, double Bad)
    {
        public double Mean => Good / (Good + Bad);

        public static Cell Of(double mean, double mass) => new(mean * mass, (1 - mean) * mass);

        /// <summary>With graded answers, all together as much as <see cref="MostGraded"/> at most.</summary>
        public Cell Graded(double sum, double count)
        {
            var all = new Cell(Good + sum, Bad + count - sum);
            return Of(all.Mean, Math.Min(MostGraded, all.Good + all.Bad));
        }

        /// <summary>With one more, while there is room.</summary>
        public Cell Add(bool good) => Good + Bad + 1 > Most ? this : good ? this with { Good = Good + 1 } : this with { Bad = Bad + 1 };

        /// <summary>A draw of the Gaussian of this mean and variance, from 0 to 1: at a mass of <see cref="Imaginary"/> or more hardly another distribution.</summary>
        public double Draw(Random random) => Math.Clamp(Mean + (Gaussian.Draw(random) * Math.Sqrt(Mean * (1 - Mean) / (Good + Bad + 1))), 0, 1);
    }

    private sealed class User(PreferenceSplit split, Cell[] cells, double[] cheapness, double weight, Random random) : IUserLearner
    {
        public Question? Ask(ReadOnlySpan<int> looked)
        {
            var topic = split.Topic(looked[0]);
            var first = Best(cells, cheapness, weight, topic, except: -1, cell => cell.Mean);
            return new Question(looked[0], first, Best(cells, cheapness, weight, topic, first, cell => cell.Draw(random)));
        }

        public void Learn(in Question question, bool prefersFirst)
        {
            var at = split.Topic(question.Row) * cheapness.Length;
            cells[at + question.First] = cells[at + question.First].Add(prefersFirst);
            cells[at + question.Second] = cells[at + question.Second].Add(!prefersFirst);
        }

        public void Choose(ReadOnlySpan<int> rows, Span<byte> models)
        {
            for (var i = 0; i < rows.Length; i++)
            {
                models[i] = (byte)Best(cells, cheapness, weight, split.Topic(rows[i]), except: -1, cell => cell.Mean);
            }
        }
    }
}
