using MetaRouter.Core.Prediction;

namespace MetaRouter.Evaluation.Baselines;

/// <summary>
/// What each setting of a method's own trade-off earned on rows whose outcomes are known, so that a method whose setting is not the protocol's price of quality is given,
/// for each price, the setting that earned most there: the comparison is then of what methods know, and not of scales.
/// </summary>
internal sealed class PlayedSettings
{
    private readonly (double Setting, double Quality, double CostUsd)[] _played;

    private PlayedSettings((double Setting, double Quality, double CostUsd)[] played) => _played = played;

    /// <param name="worth">Of a row and a model, under a setting; the greatest is served.</param>
    public static PlayedSettings Play(OutcomeTable table, IEnumerable<double> settings, Func<int, int, double, double> worth) => new([.. settings.Select(s => Play(table, s, worth))]);

    /// <summary>The setting that earned most.</summary>
    /// <param name="price">The quality that a dollar is worth, 0 or more.</param>
    public double Best(double price) => _played.MaxBy(p => p.Quality - (price * p.CostUsd)).Setting;

    private static (double Setting, double Quality, double CostUsd) Play(OutcomeTable table, double setting, Func<int, int, double, double> worth)
    {
        var (k, quality, cost, rows) = (table.ModelCount, 0.0, 0.0, 0);
        for (var row = 0; row < table.Rows; row++)
        {
            var (best, most) = (0, worth(row, 0, setting));
            for (var m = 1; m < k; m++)
            {
                var here = worth(row, m, setting);
                (best, most) = here > most ? (m, here) : (best, most);
            }

            if (table.Score[(row * k) + best] is var q && !float.IsNaN(q) && table.CostUsd[(row * k) + best] is var c && !double.IsNaN(c))
            {
                (quality, cost, rows) = (quality + q, cost + c, rows + 1);
            }
        }

        return rows == 0 ? (setting, 0, 0) : (setting, quality / rows, cost / rows);
    }
}
