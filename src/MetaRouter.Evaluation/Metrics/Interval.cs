namespace MetaRouter.Evaluation.Metrics;

/// <summary>A confidence interval; NaN at both ends where there is none.</summary>
public readonly record struct Interval(double Low, double High)
{
    public bool Contains(double value) => value >= Low && value <= High;
}
