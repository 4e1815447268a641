using MetaRouter.Core.Routing;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>
/// A point of the plane that personal bandits work in: a model's features on a request are its predicted quality and its predicted cost over tau; a user's are
/// what each of them is worth.
/// </summary>
internal readonly record struct Point(double Quality, double Cost)
{
    public static Point Of(in Outcome predicted, double costScaleUsd) => new(predicted.Quality, predicted.CostUsd / costScaleUsd);

    public double Dot(Point other) => (Quality * other.Quality) + (Cost * other.Cost);

    public static Point operator -(Point a, Point b) => new(a.Quality - b.Quality, a.Cost - b.Cost);

    public static Point operator +(Point a, Point b) => new(a.Quality + b.Quality, a.Cost + b.Cost);

    public static Point operator *(double s, Point a) => new(s * a.Quality, s * a.Cost);
}

/// <summary>A Gaussian over what quality and cost are worth to a user, by its precision matrix (qq, qc, cc) and its mean.</summary>
internal readonly record struct Normal(double Qq, double Qc, double Cc, Point Mean)
{
    // Standard deviation of lambda / (1 + lambda) over the protocol's users.
    private const double Spread = .31;

    /// <summary>All that a bandit without a population knows: the mean user of the protocol, quality and cost uncertain apart from each other.</summary>
    public static Normal Start { get; } = new(1 / (Spread * Spread), 0, 1 / (Spread * Spread), new Point(1 - SimulatedUser.MeanCostShare, -SimulatedUser.MeanCostShare));

    private double Determinant => (Qq * Cc) - (Qc * Qc);

    /// <summary>Standard deviation of a direction's worth.</summary>
    public double Deviation(Point x) => Math.Sqrt(Math.Max(x.Dot(Solve(x)), 0));

    /// <summary>The precision's inverse times a vector.</summary>
    public Point Solve(Point x) => new(((Cc * x.Quality) - (Qc * x.Cost)) / Determinant, ((Qq * x.Cost) - (Qc * x.Quality)) / Determinant);

    /// <summary>The precision times a vector.</summary>
    public Point Times(Point x) => new((Qq * x.Quality) + (Qc * x.Cost), (Qc * x.Quality) + (Cc * x.Cost));

    public Normal Sharpened(Point x, double weight) => this with { Qq = Qq + (weight * x.Quality * x.Quality), Qc = Qc + (weight * x.Quality * x.Cost), Cc = Cc + (weight * x.Cost * x.Cost) };

    public Point Draw(Random random)
    {
        // The transpose of the precision's Cholesky factor, solved for two standard normal numbers.
        var l11 = Math.Sqrt(Qq);
        var l21 = Qc / l11;
        var l22 = Math.Sqrt(Math.Max(Cc - (l21 * l21), 1e-12));
        var radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
        var angle = 2 * Math.PI * random.NextDouble();
        var cost = radius * Math.Sin(angle) / l22;
        return Mean + new Point(((radius * Math.Cos(angle)) - (l21 * cost)) / l11, cost);
    }
}
