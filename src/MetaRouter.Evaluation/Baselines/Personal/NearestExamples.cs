using System.Numerics.Tensors;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Evaluation.Baselines.Learning;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>
/// Otari's learned router: a user's own examples, each a request and a score for every model; a request goes to the model of the greatest mean score over its
/// <see cref="Neighbours"/> nearest examples. Before there are enough of them a default model serves. O(examples) a request.
/// </summary>
/// <remarks>
/// As its documentation has it (mozilla-ai/otari, docs/routing.md, autumn 2026) it routes from <see cref="WarmUp"/> examples on. An example asks the user for K answers and K scores
/// where a comparison asks for two answers and a word. They are granted: with every question the user scores all the models' answers to that request, without a slip, by what they
/// were really worth to that user, cost included, so that no price of quality is left to be set for everybody. The default is the single model that earned the population most on
/// the training half; nearness is the cosine of the texts' directions.
/// </remarks>
/// <param name="waits">False: it routes as soon as it has as many examples as it looks at.</param>
internal sealed class NearestExamples(bool waits) : IPreferenceLearner
{
    internal const int Neighbours = 5, WarmUp = 20;

    public string Name => waits ? "nearest examples, all answers scored" : "nearest examples, all answers scored, no warm-up";

    public Func<double, Random, IUserLearner> Fit(PreferenceSplit split, int seed, CancellationToken cancellationToken)
    {
        var (_, texts) = TextVectors.Read(split.Train, split.Test);
        var usual = split.BestSingle([SimulatedUser.MeanCostShare / (1 - SimulatedUser.MeanCostShare)]); // which decides for all of them
        return (lambda, random) => new User(split, texts, usual, waits ? WarmUp : Neighbours, new Preference(lambda), random);
    }

    private sealed class User(PreferenceSplit split, TextVectors texts, int usual, int least, Preference preference, Random random) : IUserLearner
    {
        private readonly List<(int Row, double[] Scores)> _examples = [];

        public Question? Ask(ReadOnlySpan<int> looked) => Questions.Random(looked, split.Models, random);

        public void Learn(in Question question, bool prefersFirst)
        {
            var row = question.Row;
            _examples.Add((row, [.. Enumerable.Range(0, split.Models).Select(m => Utility.Of(split.Realised(row, m), preference, split.Pool.CostScaleUsd))]));
        }

        public void Choose(ReadOnlySpan<int> rows, Span<byte> models)
        {
            if (_examples.Count < least)
            {
                models.Fill((byte)usual);
                return;
            }

            var near = new double[_examples.Count];
            var order = new int[_examples.Count];
            Span<double> score = stackalloc double[split.Models];
            for (var i = 0; i < rows.Length; i++)
            {
                for (var e = 0; e < near.Length; e++)
                {
                    (near[e], order[e]) = (-TensorPrimitives.Dot(texts.Dense(rows[i]), texts.Dense(_examples[e].Row)), e);
                }

                Array.Sort(near, order);
                score.Clear();
                foreach (var e in order.AsSpan(0, Neighbours))
                {
                    TensorPrimitives.Add<double>(score, _examples[e].Scores, score);
                }

                models[i] = (byte)TensorPrimitives.IndexOfMax<double>(score);
            }
        }
    }
}
