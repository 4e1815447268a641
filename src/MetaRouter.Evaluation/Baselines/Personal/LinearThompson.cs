namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>
/// Linear Thompson sampling (Agrawal and Goyal 2013, arXiv:1209.3352) on comparisons: Bayesian linear regression of the answers; shown are the best model at the mean
/// of theta and the best at a draw, on that row of those looked at where the two differ most about the answer (<see cref="PersonalBandit.Arms.Widest"/>; the paper chooses among arms
/// alone, its context is given). O(rows K) a question.
/// </summary>
internal sealed class LinearThompson(bool isPooled) : PersonalBandit(isPooled)
{
    protected override string Method => "linear thompson";

    internal override User Start(Arms arms, Random random) => new Sampler(arms, random);

    private sealed class Sampler(Arms arms, Random random) : LinearUser(arms)
    {
        public override Question? Ask(ReadOnlySpan<int> looked) => Arms.Widest(looked, Belief.Mean, Belief.Draw(random));
    }
}
