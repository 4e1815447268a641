namespace MetaRouter.Core.Routing;

/// <summary>How long feedback on a decision is accepted.</summary>
public sealed record ReceiptOptions
{
    /// <value>
    /// How long after its decision a receipt is accepted. Default 7 days; 1 minute to 30 days, because a signal keeps the user's delay up to 38 days
    /// and an erased user's tombstone must outlive every receipt.
    /// </value>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(7);

    /// <value>How far the clocks of two nodes may differ: a receipt from further ahead is refused. Default 5 minutes; 0 to 1 hour.</value>
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromMinutes(5);

    /// <exception cref="ArgumentException">An option is outside its range; every problem is named.</exception>
    public void Validate()
    {
        var problems = new List<string>();
        if (Lifetime < TimeSpan.FromMinutes(1) || Lifetime > TimeSpan.FromDays(30))
        {
            problems.Add($"{nameof(Lifetime)} is {Lifetime}; set 1 minute to 30 days, the span that signals can keep and tombstones outlive");
        }

        if (ClockSkew < TimeSpan.Zero || ClockSkew > TimeSpan.FromHours(1))
        {
            problems.Add($"{nameof(ClockSkew)} is {ClockSkew}; set 0 to 1 hour, or synchronise the clocks");
        }

        if (problems.Count > 0)
        {
            throw new ArgumentException("The receipt options cannot be used: " + string.Join("; ", problems) + ".");
        }
    }
}
