namespace MetaRouter.Core.Preferences;

/// <summary>How differently a user is believed to weigh cost on one topic.</summary>
/// <param name="Mean">Of ln lambda there minus ln lambda of the user; above 0: firmer on cost than elsewhere.</param>
/// <param name="Deviation">Standard deviation of the same; 0 or more.</param>
/// <param name="Firmer">The probability that cost weighs more there, 0 to 1.</param>
/// <param name="Freer">The probability that it weighs less, 0 to 1; what is left: the same.</param>
public readonly record struct TopicOffset(double Mean, double Deviation, double Firmer, double Freer);
