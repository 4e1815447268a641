using System.Numerics.Tensors;
using MetaRouter.Evaluation.Baselines.Personal;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>What one learner earned in one split and direction, by told number of comparisons: sums over users of means over scoring rows.</summary>
/// <param name="Utility">Told x replicates, each with its own counts of rows and users; the last one is the data as they are.</param>
/// <param name="Covered">Users whose lambda lay in the believed 90 % interval; null: no belief.</param>
internal sealed record LearnerRun(double[][] Utility, double[] Quality, double[] Cost, int[]? Covered)
{
    /// <param name="half">The half to interact on; the other one is scored.</param>
    /// <param name="counts">By replicate: how often each scoring row and each user was drawn.</param>
    /// <param name="start">What <see cref="IPreferenceLearner.Fit"/> gave.</param>
    public static LearnerRun Of(Func<double, Random, IUserLearner> start, bool isPooled, PreferenceSplit split, int half, int seed, IReadOnlyList<SimulatedUser> users, IReadOnlyList<(float[] Rows, float[] Users)> counts, CancellationToken cancellationToken)
    {
        var earned = users.Select(_ => new Earned[P3.Told.Count]).ToArray();
        // Chance of the meeting apart from the learner's own: every learner is to meet the same requests.
        Random[] meetings = [.. users.Select((_, u) => new Random((seed * 1_000_003) + (half * 500_009) + u))];
        if (isPooled)
        {
            var everybody = start(double.NaN, new Random((seed * 7_001) + half));
            var n = 0;
            for (var t = 0; t < P3.Told.Count; t++)
            {
                for (; n < P3.Told[t]; n++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    for (var u = 0; u < users.Count; u++)
                    {
                        Meet(everybody, split, half, users[u], meetings[u]);
                    }
                }

                var models = Choose(everybody, split, 1 - half);
                Parallel.For(0, users.Count, u => earned[u][t] = Earned.Of(split, 1 - half, users[u], models, everybody.Interval, counts));
            }
        }
        else
        {
            Parallel.For(0, users.Count, new ParallelOptions { CancellationToken = cancellationToken }, u =>
            {
                var own = start(users[u].Lambda, new Random((seed * 7_001) + (half * 3_001) + u));
                var (n, asks, served) = (0, true, Array.Empty<byte>());
                for (var t = 0; t < P3.Told.Count; t++)
                {
                    for (; n < P3.Told[t] && asks; n++)
                    {
                        asks = Meet(own, split, half, users[u], meetings[u]);
                    }

                    var models = Choose(own, split, 1 - half);
                    // Scoring is the dear part, and a learner often stays where it was.
                    earned[u][t] = t > 0 && models.AsSpan().SequenceEqual(served)
                        ? earned[u][t - 1] with { IsInside = Earned.Inside(users[u], own.Interval) }
                        : Earned.Of(split, 1 - half, users[u], models, own.Interval, counts);
                    served = models;
                }
            });
        }

        return Sum(earned, counts);
    }

    private static bool Meet(IUserLearner learner, PreferenceSplit split, int half, SimulatedUser user, Random random)
    {
        var rows = split.Half(half);
        Span<int> looked = stackalloc int[P3.Looked];
        foreach (ref var row in looked)
        {
            row = rows[random.Next(rows.Length)];
        }

        if (learner.Ask(looked) is not { } question)
        {
            return false;
        }

        learner.Learn(question, user.PrefersFirst(split.Realised(question.Row, question.First), split.Realised(question.Row, question.Second), split.Pool.CostScaleUsd, random));
        return true;
    }

    private static byte[] Choose(IUserLearner learner, PreferenceSplit split, int half)
    {
        var models = new byte[split.Half(half).Length];
        learner.Choose(split.Half(half), models);
        return models;
    }

    /// <summary>In the users' order, so that the sums do not depend on the threads.</summary>
    private static LearnerRun Sum(Earned[][] earned, IReadOnlyList<(float[] Rows, float[] Users)> counts)
    {
        var told = P3.Told.Count;
        var run = new LearnerRun([.. Enumerable.Range(0, told).Select(_ => new double[counts.Count])], new double[told], new double[told], earned[0][0].IsInside is null ? null : new int[told]);
        for (var u = 0; u < earned.Length; u++)
        {
            for (var t = 0; t < told; t++)
            {
                var e = earned[u][t];
                for (var b = 0; b < counts.Count; b++)
                {
                    run.Utility[t][b] += counts[b].Users[u] * e.Utility[b];
                }

                run.Quality[t] += e.Quality;
                run.Cost[t] += e.Cost;
                if (run.Covered is { } covered)
                {
                    covered[t] += e.IsInside == true ? 1 : 0;
                }
            }
        }

        return run;
    }

    /// <summary>Of one user at one time; utilities by replicate.</summary>
    private readonly record struct Earned(double[] Utility, double Quality, double Cost, bool? IsInside)
    {
        public static Earned Of(PreferenceSplit split, int half, SimulatedUser user, byte[] models, (double Low, double High)? interval, IReadOnlyList<(float[] Rows, float[] Users)> counts)
        {
            var rows = split.Half(half);
            var n = (double)rows.Length;
            var utility = new float[rows.Length];
            var (quality, cost) = (0.0, 0.0);
            for (var i = 0; i < rows.Length; i++)
            {
                var outcome = split.Realised(rows[i], models[i]);
                var c = outcome.CostUsd / split.Pool.CostScaleUsd;
                (quality, cost) = (quality + outcome.Quality, cost + c);
                utility[i] = (float)((outcome.Quality - (user.Lambda * c)) / (1 + user.Lambda));
            }

            return new Earned([.. counts.Select(c => TensorPrimitives.Dot<float>(utility, c.Rows) / n)], quality / n, cost / n, Inside(user, interval));
        }

        public static bool? Inside(SimulatedUser user, (double Low, double High)? interval) => interval is { } i ? user.Lambda >= i.Low && user.Lambda <= i.High : null;
    }
}
