namespace MetaRouter.Orleans;

/// <summary>The clock for the times of decisions and feedback; the cluster's own timers use the system's.</summary>
public sealed record RouterClock(TimeProvider Time);
