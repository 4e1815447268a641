using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;

namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>Requests whose outcomes are known, with what a predictor not fitted on them expected: features and utilities of the training tasks.</summary>
internal sealed class AmortisedSample
{
    private readonly Point[][] _expected, _realised;

    public AmortisedSample(RoutingPool pool)
    {
        var sample = pool.Snapshot.Calibration;
        var models = pool.Catalog.Models;
        (_expected, _realised) = (new Point[sample.Rows][], new Point[sample.Rows][]);
        for (var row = 0; row < sample.Rows; row++)
        {
            int[] cells = [.. Enumerable.Range(sample.Start[row], sample.Start[row + 1] - sample.Start[row])];
            _expected[row] = [.. cells.Select(c => new Point(sample.Quality[c], Cost(sample, c, sample.ExpectedTokens[c])))];
            _realised[row] = [.. cells.Select(c => new Point(sample.Score[c], Cost(sample, c, sample.OutputTokens[c])))];
        }

        double Cost(CalibrationSample s, int cell, float tokens) => models[s.Model[cell]].CostUsd(s.InputTokens[cell], tokens) / pool.CostScaleUsd;
    }

    public int Rows => _expected.Length;

    public ReadOnlySpan<Point> Expected(int row) => _expected[row];

    public ReadOnlySpan<Point> Realised(int row) => _realised[row];
}
