using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Prediction;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Evaluation.Baselines;
using MetaRouter.Evaluation.Data;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// One split of a pool for P3: a snapshot of the training half, and the test half predicted, with its own halves for interaction and for scoring.
/// What an act earns is kept by row, so that rows can be resampled.
/// </summary>
internal sealed class PreferenceSplit
{
    private readonly OutcomeTable _test;
    private readonly Outcome[] _predicted, _counted;
    private readonly int[][] _halves;
    private readonly int[] _rows; // in the pool's table
    private readonly byte[] _topics;
    private readonly Lazy<byte[]> _trainTopics;

    private readonly (double Quality, double Cost)[] _trainMeans;

    private PreferenceSplit(RoutingPool pool, OutcomeTable train, OutcomeTable test, Outcome[] predicted, Outcome[] counted, int[] rows, int[][] halves)
    {
        Pool = pool;
        Train = train;
        _test = test;
        _predicted = predicted;
        _counted = counted;
        _rows = rows;
        _halves = halves;
        _topics = TopicsOf(pool, test);
        _trainTopics = new(() => TopicsOf(pool, train));
        var (quality, cost) = ColumnMeans.Of(train);
        _trainMeans = [.. quality.Zip(cost, (q, c) => (q, c / pool.CostScaleUsd))];
    }

    public RoutingPool Pool { get; }

    public OutcomeTable Train { get; }

    /// <summary>For learners that read the requests' texts; what users were answered is asked of <see cref="Realised"/>.</summary>
    public OutcomeTable Test => _test;

    public int Models => _test.ModelCount;

    public static PreferenceSplit Of(OutcomeTable table, int seed, CancellationToken cancellationToken)
    {
        var (train, testRows) = Split.Halves(table.Ids, seed);
        var test = table.Take(testRows);
        var trainTable = table.Take(train);
        var pool = RoutingPool.OfSnapshot(SnapshotCodec.Read(SnapshotCodec.Write(SnapshotTrainer.Train(trainTable, new TrainingOptions { Seed = seed + 1 }, null, cancellationToken))));
        var predictions = MetaRouterModel.Predict(pool, test);
        var predicted = predictions.Quality.Zip(predictions.CostUsd, (q, c) => new Outcome(q, (float)c, 0)).ToArray();
        var counted = predicted.Zip(predictions.Counted, (o, q) => o with { Quality = q }).ToArray();
        var (first, second) = Split.Halves(test.Ids, seed + 1000);
        return new PreferenceSplit(pool, trainTable, test, predicted, counted, testRows, [first, second]);
    }

    /// <summary>What a request is about, as a decision finds it and its receipt carries it.</summary>
    public byte Topic(int row) => _topics[row];

    /// <summary>The same of the training rows.</summary>
    public IReadOnlyList<byte> TrainTopics => _trainTopics.Value;

    private static byte[] TopicsOf(RoutingPool pool, OutcomeTable table)
    {
        var topics = new byte[table.Rows];
        Parallel.For(0, table.Rows, () => new RequestEncoding(), (row, _, scratch) =>
        {
            pool.Snapshot.Encoder.Encode(table.Queries[row], scratch);
            topics[row] = scratch.Topic;
            return scratch;
        }, _ => { });
        return topics;
    }

    /// <summary>In US dollars, of every model on training rows.</summary>
    public IReadOnlyList<double> MeanCosts => [.. _trainMeans.Select(m => m.Cost * Pool.CostScaleUsd)];

    /// <summary>The rows of half 0 or 1 of the test half.</summary>
    public ReadOnlySpan<int> Half(int half) => _halves[half];

    /// <summary>The same rows, as numbers of the pool's table.</summary>
    public int[] PoolRows(int half) => [.. _halves[half].Select(row => _rows[row])];

    public ReadOnlySpan<Outcome> Predicted(int row) => _predicted.AsSpan(row * Models, Models);

    /// <summary>As predicted, with the quality that the choice of who answers counts.</summary>
    public ReadOnlySpan<Outcome> Counted(int row) => _counted.AsSpan(row * Models, Models);

    public Outcome Realised(int row, int model) => new(_test.Score[(row * Models) + model], (float)_test.CostUsd[(row * Models) + model], 0);

    /// <summary>The model of greatest predicted utility at a lambda.</summary>
    public int Argmax(int row, double lambda)
    {
        var predicted = Counted(row);
        var best = 0;
        for (var k = 1; k < predicted.Length; k++)
        {
            if (Value(predicted[k]) > Value(predicted[best]))
            {
                best = k;
            }
        }

        return best;

        double Value(in Outcome o) => o.Quality - (lambda * o.CostUsd / Pool.CostScaleUsd);
    }

    /// <summary>The single model that earned most on training rows for a population.</summary>
    public int BestSingle(IReadOnlyList<double> lambdas)
    {
        var share = lambdas.Average(l => l / (1 + l));
        return Enumerable.Range(0, Models).MaxBy(k => (_trainMeans[k].Quality * (1 - share)) - (_trainMeans[k].Cost * share));
    }

    /// <summary>The dial position that earned most on training rows for a population.</summary>
    public int StaticPosition(IReadOnlyList<double> lambdas)
    {
        var share = lambdas.Average(l => l / (1 + l));
        return Pool.Values.Best(share);
    }
}
