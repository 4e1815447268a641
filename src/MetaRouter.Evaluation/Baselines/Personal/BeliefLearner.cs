using System.Collections.Concurrent;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Evaluation.Protocols;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>What ships: a belief over lambda by <see cref="PreferenceBelief"/>, questions by <see cref="ComparisonSelector"/>, acts by the pool's value table.</summary>
/// <param name="randomQuestions">Asks about random pairs instead, which shows what the choice of questions is worth.</param>
internal sealed class BeliefLearner(bool randomQuestions) : IPreferenceLearner
{
    public bool AsksAtRandom => randomQuestions;

    public string Name => randomQuestions ? "metarouter, random questions" : "metarouter";

    public Func<double, Random, IUserLearner> Fit(PreferenceSplit split, int seed, CancellationToken cancellationToken)
    {
        var acts = new ConcurrentDictionary<int, byte[]>();
        return (_, random) => new User(split, randomQuestions, acts, random);
    }

    /// <summary>The question of greatest value under a belief; the first of equals.</summary>
    public static Question BestQuestion(PreferenceSplit split, PreferenceBelief belief, ReadOnlySpan<int> looked)
    {
        var (row, pair) = (-1, default(ComparisonChoice));
        foreach (var candidate in looked)
        {
            if (new ComparisonSelector(belief.On(split.Topic(candidate)), split.Pool).Select(split.Predicted(candidate)) is { } choice && (row < 0 || choice.Score > pair.Score))
            {
                (row, pair) = (candidate, choice);
            }
        }

        return new Question(row, pair.First, pair.Second);
    }

    public static Signal SignalOf(PreferenceSplit split, in Question question, bool prefersFirst, int number)
    {
        var predicted = split.Predicted(question.Row);
        return SimulatedSignal.Of(FeedbackKind.Comparison, number, prefersFirst, predicted[question.First], predicted[question.Second], split.Topic(question.Row));
    }

    private sealed class User(PreferenceSplit split, bool randomQuestions, ConcurrentDictionary<int, byte[]> acts, Random random) : IUserLearner
    {
        private UserState _state = UserState.Empty;
        private int _asked;
        private PreferenceBelief _belief = PreferenceBelief.FromPrior(split.Pool.Snapshot.Prior);

        public (double Low, double High)? Interval => (_belief.Quantile(.05), _belief.Quantile(.95));

        public Question? Ask(ReadOnlySpan<int> looked) => randomQuestions ? Questions.Random(looked, split.Models, random) : BestQuestion(split, _belief, looked);

        public void Learn(in Question question, bool prefersFirst)
        {
            _state = _state.Add(SignalOf(split, question, prefersFirst, _asked++));
            _belief = PreferenceBelief.From(split.Pool.Snapshot.Prior, split.Pool.Context, _state.Signals.AsSpan());
        }

        public void Choose(ReadOnlySpan<int> rows, Span<byte> models)
        {
            var act = new TopicDial(_belief, split.Pool.Values);
            for (var i = 0; i < rows.Length; i++)
            {
                models[i] = acts.GetOrAdd(
                    act.On(split.Topic(rows[i])).Position,
                    position => [.. Enumerable.Range(0, split.Test.Rows).Select(row => (byte)split.Argmax(row, PreferenceGrid.Lambda[position]))])[rows[i]];
            }
        }
    }
}
