namespace MetaRouter.Core.Preferences;

/// <summary>How one user trades quality against cost and waiting: z of the papers, in words a person understands.</summary>
/// <param name="LambdaCost">Quality given up to avoid spending one cost scale (the pool's dearest mean cost); 0 or more. 0: only quality counts; 1: a sure
/// right answer is worth one cost scale.</param>
/// <param name="LambdaLatency">Quality given up to avoid one second of waiting; 0 or more.</param>
public readonly record struct Preference(double LambdaCost, double LambdaLatency = 0);
