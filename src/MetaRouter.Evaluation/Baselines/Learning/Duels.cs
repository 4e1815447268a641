using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Baselines.Learning;

/// <summary>Outcomes as RouteLLM's routers see them: on each request every pair of models is a battle that the better score has won; equal scores are half a win each.</summary>
internal static class Duels
{
    public static int Pairs(int models) => models * (models - 1) / 2;

    /// <summary>1: a won; 0: b won; .5: a draw; NaN: one of them is unknown.</summary>
    public static double Won(OutcomeTable table, int row, int a, int b)
    {
        var (x, y) = (table.Score[(row * table.ModelCount) + a], table.Score[(row * table.ModelCount) + b]);
        return float.IsNaN(x) || float.IsNaN(y) ? double.NaN : x > y ? 1 : x < y ? 0 : .5;
    }
}
