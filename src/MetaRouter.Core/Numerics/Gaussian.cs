namespace MetaRouter.Core.Numerics;

/// <summary>Standard normal numbers. Source: Box and Muller 1958.</summary>
public static class Gaussian
{
    public static double Draw(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
