namespace MetaRouter.Core.Preferences;

/// <summary>
/// How users' trade-offs differ by topic: a share of them weigh cost on each topic by a factor of its own, ln lambda_topic = ln lambda + offset,
/// offset normal around 0; the others weigh it alike everywhere. Either number 0: nobody's differs.
/// </summary>
/// <param name="Share">Of users whose trade-off differs, 0 to 1.</param>
/// <param name="Width">Standard deviation of the offsets, in ln lambda, 0 to 2.</param>
public readonly record struct TopicSpread(double Share, double Width)
{
    public const double WidestWidth = 2;

    /// <summary>Nobody's trade-off differs by topic: beliefs are over one lambda, to the last bit.</summary>
    public static TopicSpread None => default;

    /// <summary>Before a population has been observed; chosen on training rows alone, of users with and without topics.</summary>
    public static TopicSpread Guessed { get; } = new(0.2, 1.2);

    public bool IsNone => !(Share > 0 && Width > 0);

    public bool IsValid => Share is >= 0 and <= 1 && Width is >= 0 and <= WidestWidth;
}
