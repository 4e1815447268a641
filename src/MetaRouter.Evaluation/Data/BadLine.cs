namespace MetaRouter.Evaluation.Data;

/// <summary>A line that was skipped, and why. Lines count from 1.</summary>
public readonly record struct BadLine(int Line, string Problem)
{
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"line {Line}: {Problem}");
}
