namespace MetaRouter.Core.Prediction;

/// <summary>
/// How much of a request the encoder knows, and what that does to decisions: what sets the models apart on this one request counts only as far as that, and
/// what its words say beyond its topic counts less still.
/// <code>
/// q'_k = q + u_k + f (t_k - u_k) + Detail f (d_k - t_k)      f = min(1, |projection| / Known)
/// </code>
/// d_k, t_k, u_k: how far model k is predicted to be ahead of all models' mean on this request, on requests about the same (<see cref="TopicQuality"/>), and
/// on average; q the mean of the predictions. How hard the request is for all of them stays as predicted.
/// </summary>
/// <remarks>
/// The encoder scales every text's projection to length 1. With words it has hardly met that makes full-strength evidence out of a whisper, and then a typo, a paraphrase or
/// padding changes who answers. The length before scaling says how much there was to go by. Nearly all that a text says of which model is better lies in its topic: the topics' table alone
/// earns as much on one pool of three, nine tenths on another, and moves less when words do. Only the choice of who answers is tempered so: what users say is judged by the
/// prediction itself, which is the better estimate.
/// <see cref="Known"/> and <see cref="Detail"/> were chosen on other halvings of the pools' rows than those reported; docs/robustness.md has what else was tried. O(models); allocates nothing.
/// Source: shrinkage of estimates by their reliability, Kelley 1927; James and Stein 1961.
/// </remarks>
public static class Familiarity
{
    /// <summary>The length, per family of n-grams, at which a projection counts in full; each family's weighted counts have length 1 before they are projected.</summary>
    private const float Known = .425f;

    /// <summary>How much what is said beyond the topic counts on a familiar request, where topics are known.</summary>
    public const float Detail = .6f;

    /// <param name="length">Length of the sum of the families' projections, 0 or more.</param>
    /// <param name="families">Families of n-grams that had anything to project.</param>
    /// <returns>0: nothing of the text is known; 1: it is like what was trained on.</returns>
    public static float Of(float length, int families) => families == 0 ? 0 : MathF.Min(1, length / (Known * families));

    /// <summary>Draws each model's quality towards what it is on requests about the same, and that towards what it is on an average request.</summary>
    /// <param name="familiarity">f, 0 to 1.</param>
    /// <param name="usual">Mean quality, one per model.</param>
    /// <param name="onTopic">Quality on requests about the same, one per model; <paramref name="usual"/> itself where no topics are known.</param>
    /// <param name="detail">How much what goes beyond the topic counts, 0 to 1.</param>
    /// <param name="quality">As predicted in, q' out; 0 to 1.</param>
    public static void Temper(float familiarity, ReadOnlySpan<float> usual, ReadOnlySpan<float> onTopic, float detail, Span<float> quality)
    {
        var (q, u, t) = (0f, 0f, 0f);
        for (var k = 0; k < quality.Length; k++)
        {
            (q, u, t) = (q + quality[k], u + usual[k], t + onTopic[k]);
        }

        (q, u, t) = (q / quality.Length, u / quality.Length, t / quality.Length);
        for (var k = 0; k < quality.Length; k++)
        {
            var (ahead, aheadUsually, aheadOnTopic) = (quality[k] - q, usual[k] - u, onTopic[k] - t);
            var counted = aheadUsually + (familiarity * (aheadOnTopic - aheadUsually)) + (detail * familiarity * (ahead - aheadOnTopic));
            quality[k] = Math.Clamp(q + counted, 0, 1);
        }
    }
}
