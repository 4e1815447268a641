namespace MetaRouter.Orleans;

/// <summary>The time decisions and feedback are stamped with; the cluster's own timers keep to the system's.</summary>
public sealed record RouterClock(TimeProvider Time);
