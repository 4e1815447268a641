namespace MetaRouter.Core.MetaLearning;

/// <summary>What becomes of the prior in service once another was fitted.</summary>
public enum PriorPromotion
{
    /// <summary>It stays.</summary>
    Keep,

    /// <summary>The one that was fitted takes its place.</summary>
    Promote,

    /// <summary>The one that ships takes its place.</summary>
    Withdraw,
}

/// <summary>Decides by how well the priors predict the same users, none of whom taught them.</summary>
public static class PriorPromotions
{
    /// <summary>
    /// The fitted prior goes into service if it predicts no worse than the one there. That one does not stay, however well it predicts, if somebody who taught it
    /// was erased: then the better of the fitted and the shipped one takes its place.
    /// </summary>
    /// <param name="serving">How well the prior in service predicts.</param>
    /// <param name="fitted">How the one that was fitted does.</param>
    /// <param name="shipped">How the one that ships does; null: the one in service may stay.</param>
    public static PriorPromotion Decide(PriorEvidence serving, PriorEvidence fitted, PriorEvidence? shipped)
    {
        var isJudged = serving.Users > 0;
        return isJudged && fitted.MeanEvidence >= serving.MeanEvidence ? PriorPromotion.Promote
            : shipped is not { } fallback ? PriorPromotion.Keep
            : isJudged && fitted.MeanEvidence >= fallback.MeanEvidence ? PriorPromotion.Promote
            : PriorPromotion.Withdraw;
    }
}
