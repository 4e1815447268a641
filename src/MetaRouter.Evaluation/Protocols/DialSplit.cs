using MetaRouter.Core.Prediction;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>One half-and-half split of a pool.</summary>
/// <param name="TestRows">The test rows' numbers in the pool's table.</param>
/// <param name="Tau">US dollars: the dearest model's mean cost on the training rows; costs are told in units of it.</param>
internal sealed record DialSplit(OutcomeTable Train, OutcomeTable Test, int[] TestRows, double Tau)
{
    /// <summary>The lambdas of the table and of the dial, in one list.</summary>
    public static IReadOnlyList<double> Positions { get; } = [.. P2.Lambdas, .. P2.Dial];

    public static DialSplit Of(OutcomeTable table, int seed)
    {
        var (train, test) = Split.Halves(table.Ids, seed);
        var trainTable = table.Take(train);
        var dearest = ColumnMeans.Of(trainTable).CostUsd.Max();
        // A pool of free models has no dear one; any unit will do.
        return new DialSplit(trainTable, table.Take(test), test, dearest > 0 ? dearest : 1);
    }
}
