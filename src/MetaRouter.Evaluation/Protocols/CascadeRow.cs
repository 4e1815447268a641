namespace MetaRouter.Evaluation.Protocols;

/// <summary>A row of the cascade's table: means over the splits' test halves.</summary>
/// <param name="Delta">Promised: at most this share of requests gets a bad cheap answer.</param>
/// <param name="Bad">The share that really did.</param>
/// <param name="Broken">Share of splits in which it was more than promised; the promise allows a tenth.</param>
/// <param name="CheapShare">Requests that the cheap model answered.</param>
/// <param name="Quality">Mean score.</param>
/// <param name="Cost">Mean cost over that of the strong model alone, where the cheap answer is made first and paid for in vain when escalated.</param>
/// <param name="CostBefore">The same where the confidence, which needs no answer, decides before any call.</param>
public sealed record CascadeRow(double Delta, double Bad, double Broken, double CheapShare, double Quality, double Cost, double CostBefore);
