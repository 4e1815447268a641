namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>
/// LinUCB (Li et al. 2010, arXiv:1003.0146) on comparisons: ridge regression of the answers on the difference of the two models' features; shown are the two models of the
/// greatest upper confidence bounds, on that row of those looked at where the regression knows least of their difference. O(rows K) a question.
/// </summary>
internal sealed class LinUcb(bool isPooled) : PersonalBandit(isPooled)
{
    /// <summary>Standard deviations of the bound.</summary>
    private const double Width = 1;

    protected override string Method => "linucb";

    internal override User Start(Arms arms, Random random) => new Optimist(arms);

    private sealed class Optimist(Arms arms) : LinearUser(arms)
    {
        public override Question? Ask(ReadOnlySpan<int> looked)
        {
            var best = (Deviation: double.NegativeInfinity, Question: default(Question));
            foreach (var row in looked)
            {
                var first = Greatest(row, except: -1);
                var second = Greatest(row, first);
                var deviation = Belief.Deviation(Arms.Of(row, first) - Arms.Of(row, second));
                best = deviation > best.Deviation ? (deviation, new Question(row, first, second)) : best;
            }

            return best.Question;
        }

        private int Greatest(int row, int except)
        {
            var best = (Bound: double.NegativeInfinity, Model: 0);
            for (var m = 0; m < Arms.Count; m++)
            {
                var x = Arms.Of(row, m);
                var bound = m == except ? double.NegativeInfinity : Belief.Mean.Dot(x) + (Width * Belief.Deviation(x));
                best = bound > best.Bound ? (bound, m) : best;
            }

            return best.Model;
        }
    }
}
