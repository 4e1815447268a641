namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>
/// Linear Thompson sampling (Agrawal and Goyal 2013, arXiv:1209.3352) on comparisons: Bayesian linear regression of the answers; shown are the best model at a draw of theta
/// and the best at the mean. O(K) a question.
/// </summary>
internal sealed class LinearThompson(bool isPooled) : PersonalBandit(isPooled)
{
    protected override string Method => "linear thompson";

    protected override User Start(Arms arms, Random random) => new Sampler(arms, random);

    private sealed class Sampler(Arms arms, Random random) : LinearUser(arms)
    {
        public override Question? Ask(ReadOnlySpan<int> looked) => Arms.Duel(looked[0], Belief.Mean, Belief.Draw(random));
    }
}
