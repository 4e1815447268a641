using System.Numerics.Tensors;

namespace MetaRouter.Evaluation.Baselines.Learning;

/// <summary>Lloyd's k-means from k-means++ seeds on <see cref="TextVectors.Dense"/>. O(rounds n k d). Sources: Lloyd 1982; Arthur and Vassilvitskii 2007.</summary>
internal sealed class KMeans
{
    private const int Rounds = 25;

    private readonly double[] _centres;
    private readonly double[] _halfSquares;

    private KMeans(double[] centres)
    {
        _centres = centres;
        _halfSquares = [.. Enumerable.Range(0, Count).Select(c => .5 * TensorPrimitives.SumOfSquares<double>(Centre(c)))];
    }

    public int Count => _centres.Length / TextVectors.Directions;

    public ReadOnlySpan<double> Centre(int cluster) => _centres.AsSpan(cluster * TextVectors.Directions, TextVectors.Directions);

    /// <param name="rows">The rows of <paramref name="text"/> to learn from; at least one.</param>
    /// <param name="clusters">At most this many; fewer rows make fewer.</param>
    public static KMeans Fit(TextVectors text, int[] rows, int clusters, int seed, CancellationToken cancellationToken)
    {
        const int d = TextVectors.Directions;
        clusters = Math.Min(clusters, rows.Length);
        var means = new KMeans(Seeds(text, rows, clusters, new Random(seed)));
        var of = new int[rows.Length];
        Array.Fill(of, -1);
        for (var round = 0; round < Rounds; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var moved = 0;
            var (sums, counts) = (new double[clusters * d], new int[clusters]);
            for (var i = 0; i < rows.Length; i++)
            {
                var x = text.Dense(rows[i]);
                var nearest = means.Nearest(x);
                moved += nearest == of[i] ? 0 : 1;
                of[i] = nearest;
                counts[nearest]++;
                var sum = sums.AsSpan(nearest * d, d);
                TensorPrimitives.Add(sum, x, sum);
            }

            for (var c = 0; c < clusters; c++)
            {
                // An empty cluster stays where it is.
                if (counts[c] > 0)
                {
                    TensorPrimitives.Divide(sums.AsSpan(c * d, d), (double)counts[c], sums.AsSpan(c * d, d));
                }
                else
                {
                    means.Centre(c).CopyTo(sums.AsSpan(c * d, d));
                }
            }

            means = new KMeans(sums);
            if (moved == 0)
            {
                break;
            }
        }

        return means;
    }

    public int Nearest(ReadOnlySpan<double> x)
    {
        var best = (Distance: double.PositiveInfinity, Cluster: 0);
        for (var c = 0; c < Count; c++)
        {
            var distance = HalfDistance(x, c);
            best = distance < best.Distance ? (distance, c) : best;
        }

        return best.Cluster;
    }

    /// <summary>Half the squared distance less half of x's own square, which is the same for all clusters.</summary>
    public double HalfDistance(ReadOnlySpan<double> x, int cluster) => _halfSquares[cluster] - TensorPrimitives.Dot(x, Centre(cluster));

    private static double[] Seeds(TextVectors text, int[] rows, int clusters, Random random)
    {
        const int d = TextVectors.Directions;
        var centres = new double[clusters * d];
        var nearest = new double[rows.Length];
        Array.Fill(nearest, double.PositiveInfinity);
        var next = random.Next(rows.Length);
        for (var c = 0; c < clusters; c++)
        {
            var centre = text.Dense(rows[next]);
            centre.CopyTo(centres.AsSpan(c * d));
            var total = 0.0;
            for (var i = 0; i < rows.Length; i++)
            {
                var distance = TensorPrimitives.Distance(text.Dense(rows[i]), centre);
                nearest[i] = Math.Min(nearest[i], distance * distance);
                total += nearest[i];
            }

            var at = random.NextDouble() * total;
            for (next = 0; next < rows.Length - 1 && at >= nearest[next]; next++)
            {
                at -= nearest[next];
            }
        }

        return centres;
    }
}
