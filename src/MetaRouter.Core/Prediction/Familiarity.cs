namespace MetaRouter.Core.Prediction;

/// <summary>
/// How much of a request the encoder knows, and what that does to decisions: what sets the models apart on this one request counts only in that share.
/// <code>
/// q'_k = q + (m_k - m) + f ((q_k - q) - (m_k - m))      f = min(1, |projection| / Known)
/// </code>
/// q_k the predicted and m_k the mean quality of model k, q and m their means over the models; how hard the request is for all of them stays as predicted.
/// </summary>
/// <remarks>
/// The encoder scales every text's projection to length 1. Of words it has hardly met that makes full-strength evidence out of a whisper, and then a slip of the pen, a paraphrase or
/// padding changes who answers. The length before scaling says how much there was to go by. Only the choice of who answers is drawn to the mean: what users say is judged by
/// the prediction itself, which is the better estimate.
/// <see cref="Known"/> was chosen on validation splits that no table reports, with what else was tried: docs/robustness.md. O(models); allocates nothing.
/// Source: shrinkage of estimates by their reliability, Kelley 1927; James and Stein 1961.
/// </remarks>
public static class Familiarity
{
    /// <summary>The length, per family of n-grams, at which a projection counts in full; each family's weighted counts have length 1 before they are projected.</summary>
    private const float Known = .425f;

    /// <param name="length">Of the sum of the families' projections, 0 or more.</param>
    /// <param name="families">Families of n-grams that had anything to project.</param>
    /// <returns>0: nothing of the text is known; 1: it is like what was trained on.</returns>
    public static float Of(float length, int families) => families == 0 ? 0 : MathF.Min(1, length / (Known * families));

    /// <summary>Draws each model's quality towards what it is on an average request.</summary>
    /// <param name="familiarity">f, 0 to 1.</param>
    /// <param name="mean">m, one per model.</param>
    /// <param name="quality">q in, q' out; 0 to 1.</param>
    public static void Temper(float familiarity, ReadOnlySpan<float> mean, Span<float> quality)
    {
        var (all, usual) = (0f, 0f);
        for (var k = 0; k < quality.Length; k++)
        {
            (all, usual) = (all + quality[k], usual + mean[k]);
        }

        var shift = (all - usual) / quality.Length;
        for (var k = 0; k < quality.Length; k++)
        {
            var unremarkable = mean[k] + shift;
            quality[k] = Math.Clamp(unremarkable + (familiarity * (quality[k] - unremarkable)), 0, 1);
        }
    }
}
