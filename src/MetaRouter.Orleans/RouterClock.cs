namespace MetaRouter.Orleans;

/// <summary>The clock for the times of decisions and feedback; the cluster's own timers use the system's.</summary>
internal sealed record RouterClock(TimeProvider Time);
