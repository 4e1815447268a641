namespace MetaRouter.Orleans.Scale;

/// <summary>What so many users are assumed to do. Change it and run again: everything the page says follows.</summary>
internal sealed record Activity(double Users)
{
    /// <summary>Share of the users who come on a day.</summary>
    public const double Daily = 0.2;

    /// <summary>Requests of such a user on that day.</summary>
    public const double Requests = 20;

    /// <summary>Signals of such a user on that day.</summary>
    public const double Signals = 2;

    /// <summary>Share of a day's traffic in its busiest hour.</summary>
    public const double BusiestHour = 0.1;

    /// <summary>Requests in one sitting, after which a user leaves memory.</summary>
    public const double RequestsASitting = 5;

    /// <summary>Minutes a sitting lasts.</summary>
    public const double SittingMinutes = 10;

    private const double Hour = 3_600;

    public double Decisions => Users * Daily * Requests * BusiestHour / Hour;

    public double Feedback => Users * Daily * Signals * BusiestHour / Hour;

    /// <summary>Users who come into memory a second.</summary>
    public double Activations => Decisions / RequestsASitting;

    public double InMemory(double idleMinutes) => Activations * 60 * (SittingMinutes + idleMinutes);
}
