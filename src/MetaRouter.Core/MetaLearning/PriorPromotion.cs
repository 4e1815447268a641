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

/// <summary>Decides by how the priors foretell the same users, none of whom taught them.</summary>
public static class PriorPromotions
{
    /// <summary>
    /// The fitted prior goes into service if it foretells no worse than the one there. That one does not stay, however well it foretells, if somebody who taught it
    /// was erased: then the better of the fitted and the shipped one takes its place.
    /// </summary>
    /// <param name="serving">How the prior in service foretells.</param>
    /// <param name="fitted">How the one that was fitted does.</param>
    /// <param name="shipped">How the one that ships does; null: the one in service may stay.</param>
    public static PriorPromotion Decide(Foretold serving, Foretold fitted, Foretold? shipped)
    {
        var isJudged = serving.Users > 0;
        return isJudged && fitted.MeanEvidence >= serving.MeanEvidence ? PriorPromotion.Promote
            : shipped is not { } fallback ? PriorPromotion.Keep
            : isJudged && fitted.MeanEvidence >= fallback.MeanEvidence ? PriorPromotion.Promote
            : PriorPromotion.Withdraw;
    }
}
