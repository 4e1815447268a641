using System.Numerics.Tensors;
using MetaRouter.Evaluation.Baselines.Personal;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>What one learner earned in one split and direction, by reported number of comparisons: sums over users of means over scoring rows.</summary>
/// <param name="Utility">Reported x replicates, each with its own counts of rows and users; the last one is the data as they are.</param>
/// <param name="Covered">Users whose lambda lay in the believed 90 % interval; null: no belief.</param>
internal sealed record LearnerRun(double[][] Utility, double[] Quality, double[] Cost, int[]? Covered)
{
    /// <param name="half">The half to interact on; the other one is scored.</param>
    /// <param name="counts">By replicate: how often each scoring row and each user was drawn.</param>
    /// <param name="start">What <see cref="IPreferenceLearner.Fit"/> gave.</param>
    public static LearnerRun Of(
        Func<double, Random, IUserLearner> start,
        bool isPooled,
        PreferenceSplit split,
        int half,
        int seed,
        IReadOnlyList<SimulatedUser> users,
        IReadOnlyList<(float[] Rows, float[] Users)> counts,
        CancellationToken cancellationToken)
    {
        var scene = new Scene(split, half, users, counts, [.. users.Select((_, u) => new Random((seed * 1_000_003) + (half * 500_009) + u))]);
        var earned = isPooled
            ? Together(scene, start(double.NaN, new Random((seed * 7_001) + half)), cancellationToken)
            : Apart(scene, u => start(users[u].Lambda, new Random((seed * 7_001) + (half * 3_001) + u)), cancellationToken);
        return Sum(earned, counts);
    }

    /// <param name="Half">The half to interact on; the other one is scored.</param>
    /// <param name="Meetings">By user, chance of the meeting apart from the learner's own: every learner is to meet the same requests.</param>
    private sealed record Scene(PreferenceSplit Split, int Half, IReadOnlyList<SimulatedUser> Users, IReadOnlyList<(float[] Rows, float[] Users)> Counts, Random[] Meetings)
    {
        public int Scored => 1 - Half;
    }

    /// <summary>Everybody teaches one learner, in rounds of a question a user.</summary>
    /// <returns>User x reported.</returns>
    private static Earned[][] Together(Scene scene, IUserLearner everybody, CancellationToken cancellationToken)
    {
        var earned = scene.Users.Select(_ => new Earned[P3.Reported.Count]).ToArray();
        var n = 0;
        for (var t = 0; t < P3.Reported.Count; t++)
        {
            for (; n < P3.Reported[t]; n++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (var u = 0; u < scene.Users.Count; u++)
                {
                    Meet(everybody, scene, u);
                }
            }

            var models = Choose(everybody, scene);
            Parallel.For(0, scene.Users.Count, u => earned[u][t] = Earned.Of(scene, u, models, everybody.Interval));
        }

        return earned;
    }

    /// <summary>Each user teaches a learner of their own.</summary>
    /// <returns>User x reported.</returns>
    private static Earned[][] Apart(Scene scene, Func<int, IUserLearner> start, CancellationToken cancellationToken)
    {
        var earned = scene.Users.Select(_ => new Earned[P3.Reported.Count]).ToArray();
        Parallel.For(0, scene.Users.Count, new ParallelOptions { CancellationToken = cancellationToken }, u =>
        {
            var (own, n, asks, served) = (start(u), 0, true, Array.Empty<byte>());
            for (var t = 0; t < P3.Reported.Count; t++)
            {
                for (; n < P3.Reported[t] && asks; n++)
                {
                    asks = Meet(own, scene, u);
                }

                var models = Choose(own, scene);
                // Scoring is the dear part, and a learner often stays where it was.
                earned[u][t] = t > 0 && models.AsSpan().SequenceEqual(served)
                    ? earned[u][t - 1] with { IsInside = Earned.Inside(scene.Users[u], own.Interval) }
                    : Earned.Of(scene, u, models, own.Interval);
                served = models;
            }
        });
        return earned;
    }

    /// <returns>False: it asks nothing.</returns>
    private static bool Meet(IUserLearner learner, Scene scene, int user)
    {
        var (split, random) = (scene.Split, scene.Meetings[user]);
        var rows = split.Half(scene.Half);
        Span<int> looked = stackalloc int[P3.Looked];
        foreach (ref var row in looked)
        {
            row = rows[random.Next(rows.Length)];
        }

        if (learner.Ask(looked) is not { } question)
        {
            return false;
        }

        learner.Learn(question, scene.Users[user].PrefersFirst(split.Realised(question.Row, question.First), split.Realised(question.Row, question.Second), split.Pool.CostScaleUsd, random));
        return true;
    }

    private static byte[] Choose(IUserLearner learner, Scene scene)
    {
        var rows = scene.Split.Half(scene.Scored);
        var models = new byte[rows.Length];
        learner.Choose(rows, models);
        return models;
    }

    /// <summary>In the users' order, so that the sums do not depend on the threads.</summary>
    private static LearnerRun Sum(Earned[][] earned, IReadOnlyList<(float[] Rows, float[] Users)> counts)
    {
        var reported = P3.Reported.Count;
        var run = new LearnerRun([.. Enumerable.Range(0, reported).Select(_ => new double[counts.Count])], new double[reported], new double[reported], earned[0][0].IsInside is null ? null : new int[reported]);
        for (var u = 0; u < earned.Length; u++)
        {
            for (var t = 0; t < reported; t++)
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
        /// <param name="models">Served on each scoring row.</param>
        public static Earned Of(Scene scene, int user, byte[] models, (double Low, double High)? interval)
        {
            var (split, lambda) = (scene.Split, scene.Users[user].Lambda);
            var rows = split.Half(scene.Scored);
            var n = (double)rows.Length;
            var utility = new float[rows.Length];
            var (quality, cost) = (0.0, 0.0);
            for (var i = 0; i < rows.Length; i++)
            {
                var outcome = split.Realised(rows[i], models[i]);
                var c = outcome.CostUsd / split.Pool.CostScaleUsd;
                (quality, cost) = (quality + outcome.Quality, cost + c);
                utility[i] = (float)((outcome.Quality - (lambda * c)) / (1 + lambda));
            }

            return new Earned([.. scene.Counts.Select(c => TensorPrimitives.Dot<float>(utility, c.Rows) / n)], quality / n, cost / n, Inside(scene.Users[user], interval));
        }

        public static bool? Inside(SimulatedUser user, (double Low, double High)? interval) => interval is { } i ? user.Lambda >= i.Low && user.Lambda <= i.High : null;
    }
}
