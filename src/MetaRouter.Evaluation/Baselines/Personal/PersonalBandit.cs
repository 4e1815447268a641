using MetaRouter.Core.Numerics;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>What the personal bandits share: a model is worth theta . (predicted quality, predicted cost / tau) to a user, and what is served is best at the mean theta.</summary>
internal abstract class PersonalBandit(bool isPooled) : IPreferenceLearner
{
    /// <summary>The sharpness of a choice that they are told, the protocol's own.</summary>
    protected const double Beta = 10;

    protected abstract string Method { get; }

    public string Name => Method + (isPooled ? ", pooled" : ", per user");

    public bool IsPooled => isPooled;

    public Func<double, Random, IUserLearner> Fit(PreferenceSplit split, int seed, CancellationToken cancellationToken) => (_, random) =>
        Start(new Arms(split.Models, (row, model) => Point.Of(split.Predicted(row)[model], split.Pool.CostScaleUsd)), random);

    internal abstract User Start(Arms arms, Random random);

    /// <summary>The models' features on the rows of the test half.</summary>
    internal sealed class Arms(int count, Func<int, int, Point> of)
    {
        public int Count => count;

        public Point Of(int row, int model) => of(row, model);

        public int Best(int row, Point theta)
        {
            var best = (Worth: double.NegativeInfinity, Model: 0);
            for (var m = 0; m < Count; m++)
            {
                var worth = theta.Dot(Of(row, m));
                best = worth > best.Worth ? (worth, m) : best;
            }

            return best.Model;
        }

        /// <summary>The best at one theta against the best at another, or against the next best where they are the same.</summary>
        public Question Duel(int row, Point one, Point other)
        {
            var first = Best(row, one);
            var second = (Worth: double.NegativeInfinity, Model: 0);
            for (var m = 0; m < Count; m++)
            {
                var worth = other.Dot(Of(row, m));
                second = m != first && worth > second.Worth ? (worth, m) : second;
            }

            return new Question(row, first, second.Model);
        }

        /// <summary>
        /// Of the duels on the rows looked at the one whose answer the two thetas foretell most differently, the first of equals: query by committee (Seung, Opper and Sompolinsky 1992),
        /// the committee being the two that duel.
        /// </summary>
        public Question Widest(ReadOnlySpan<int> looked, Point one, Point other)
        {
            var best = (Apart: double.NegativeInfinity, Question: default(Question));
            foreach (var row in looked)
            {
                var question = Duel(row, one, other);
                var x = Of(row, question.First) - Of(row, question.Second);
                var apart = Math.Abs(Logistic.Sigmoid(Beta * one.Dot(x)) - Logistic.Sigmoid(Beta * other.Dot(x)));
                best = apart > best.Apart ? (apart, question) : best;
            }

            return best.Question;
        }
    }

    internal abstract class User(Arms arms) : IUserLearner
    {
        protected Arms Arms { get; } = arms;

        /// <summary>Of theta.</summary>
        protected Normal Belief { get; set; } = Normal.Start;

        public abstract Question? Ask(ReadOnlySpan<int> looked);

        public abstract void Learn(in Question question, bool prefersFirst);

        public void Choose(ReadOnlySpan<int> rows, Span<byte> models)
        {
            for (var i = 0; i < rows.Length; i++)
            {
                models[i] = (byte)Arms.Best(rows[i], Belief.Mean);
            }
        }
    }

    /// <summary>Linear regression of answers, +-1 scaled to the difference in worth that they stand for: d E[answer] / d worth is beta / 2 where the two are alike.</summary>
    internal abstract class LinearUser(Arms arms) : User(arms)
    {
        private const double Answer = 2 / Beta;

        // What an answer counts: one over the variance of a scaled one, which is at most its square.
        private const double Weight = 1 / (Answer * Answer);

        public override void Learn(in Question question, bool prefersFirst)
        {
            var x = Arms.Of(question.Row, question.First) - Arms.Of(question.Row, question.Second);
            var after = Belief.Sharpened(x, Weight);
            var target = Belief.Times(Belief.Mean) + (Weight * (prefersFirst ? Answer : -Answer) * x);
            Belief = after with { Mean = after.Solve(target) };
        }
    }
}
