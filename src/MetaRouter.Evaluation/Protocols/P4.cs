using System.Globalization;
using System.Numerics.Tensors;
using MetaRouter.Core.Numerics;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Users;
using MetaRouter.Evaluation.Data;
using MetaRouter.Evaluation.Metrics;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>
/// New users after a drift: 500 users teach the prior what people now want, 500 others start from it. Nobody compares; there are thumbs and regenerates alone
/// (<see cref="ThumbLife"/>). Before the drift ln lambda is normal(-1.5, 1), after it normal(0.5, 0.7).
/// </summary>
public static class P4
{
    public const int Users = 500;

    /// <summary>Requests that regret is averaged over.</summary>
    public const int First = 10;

    /// <summary>Requests that are shown.</summary>
    public const int Shown = 30;

    /// <summary>Requests of each user who teaches: about 30 thumbs.</summary>
    public const int Taught = 100;

    private const int Replicates = 1000;
    private const int Learned = 0;

    private static readonly string[] Priors = ["learned", "flat", "before the drift", "told the population"];

    /// <exception cref="DataFileException">The pool's file cannot be used or has too few rows.</exception>
    public static ProtocolReport<NewUserRow> Run(string dataFolder, Pool pool, int seeds, IProgress<ProtocolProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentOutOfRangeException.ThrowIfLessThan(seeds, 1);
        var file = pool.Read(dataFolder, Split.LeastRows);
        var runs = new Followers[seeds * 2];
        ProtocolJobs.Run(seeds, .9, seed =>
        {
            var split = PreferenceSplit.Of(file.Table, seed, cancellationToken);
            for (var half = 0; half < 2; half++)
            {
                runs[(seed * 2) + half] = Followers.Of(split, half, seed, cancellationToken);
            }

            return $"{pool.Name}: split {seed + 1} of {seeds}";
        }, progress, cancellationToken);
        progress?.Report(new ProtocolProgress(.95, $"{pool.Name}: intervals"));
        var note = string.Create(
            CultureInfo.InvariantCulture,
            $"{Users} users teach with {Taught} requests each, {Users} others follow; ln lambda normal(-1.5, 1) before the drift, normal(0.5, 0.7) after it; "
                + $"thumbs on 30 % of the answers. Regret: utility lost a request against knowing the trade-off, the first {First} requests; "
                + $"exploring is not counted. told the population: the prior that the followers are drawn from.");
        return new ProtocolReport<NewUserRow>("P4", pool.Name, seeds, Rows(file.Table.Rows, runs), note, file.Warnings);
    }

    private static NewUserRow[] Rows(int poolRows, Followers[] runs)
    {
        var bootstrap = new Bootstrap(23, Replicates);
        // Replicate x prior x request; the last one is the data as they are.
        var regret = new double[Replicates + 1][][];
        Parallel.For(0, regret.Length, b =>
        {
            var drawn = runs.Select((run, i) => run.Regret(RunCounts.Of(bootstrap, b, i, poolRows, run.Scored, Users))).ToArray();
            regret[b] = [.. Priors.Select((_, p) => Enumerable.Range(0, Shown).Select(t => drawn.Average(d => d[p][t])).ToArray())];
        });
        double Mean(int b, int prior) => regret[b][prior].Take(First).Average();
        double Saved(int b, int prior) => 1 - Earnings.ShareOf(Mean(b, Learned), Mean(b, prior));
        Interval Of(Func<int, double> figure) => bootstrap.Percentiles([.. Enumerable.Range(0, Replicates).Select(figure)]);
        return [.. Priors.Select((name, p) => new NewUserRow(
            name, Mean(Replicates, p), Of(b => Mean(b, p)), Saved(Replicates, p),
            P3.IntervalOf(Saved(Replicates, p), bootstrap, [.. Enumerable.Range(0, Replicates).Select(b => Saved(b, p))]), regret[Replicates][p]))];
    }

    /// <summary>One split and direction: what new users were served under each prior, and what it is worth on rows they did not ask about.</summary>
    private sealed class Followers
    {
        private readonly double[] _lambda = new double[Users];
        private readonly byte[][][] _act = [.. Priors.Select(_ => new byte[Users][])]; // prior x user x request: dial position
        private readonly (float[] Quality, float[] Price)[] _dial;
        private readonly (float[] Quality, float[] Price)[] _known = new (float[], float[])[Users];

        private Followers((float[] Quality, float[] Price)[] dial, int[] scored) => (_dial, Scored) = (dial, scored);

        /// <summary>The scoring rows, as numbers of the pool's table.</summary>
        public int[] Scored { get; }

        public static Followers Of(PreferenceSplit split, int half, int seed, CancellationToken cancellationToken)
        {
            var world = new UserWorld(split, PreferenceVariant.Plain);
            var random = new Random((seed * 7919) + half);
            SimulatedUser[] Draw(double mean, double deviation) => [.. Enumerable.Range(0, Users).Select(_ => new SimulatedUser(Math.Exp(mean + (deviation * Gaussian.Draw(random)))))];
            var (before, after, followers) = (Draw(-1.5, 1), Draw(.5, .7), Draw(.5, .7));
            var old = Teach(world, half, before, PopulationPrior.Default, (seed * 1_000_003) + half, cancellationToken);
            var learned = Teach(world, half, after, old, (seed * 1_000_003) + half + 50_000, cancellationToken);
            PopulationPrior[] priors = [learned, PopulationPrior.Default, old, new([new(1, .5, .7)], PopulationPrior.Default.BetaWeights, PopulationPrior.Default.Lapse)];

            var run = new Followers([.. PreferenceGrid.Lambda.ToArray().Select(l => world.Realise(1 - half, row => split.Argmax(row, l)))], split.PoolRows(1 - half));
            Parallel.For(0, Users, new ParallelOptions { CancellationToken = cancellationToken }, u =>
            {
                run._lambda[u] = followers[u].Lambda;
                run._known[u] = world.Realise(1 - half, world.Known(followers[u].Lambda, half, []));
                for (var p = 0; p < priors.Length; p++)
                {
                    // The same requests and the same moods under every prior.
                    var life = new ThumbLife.Life(world, half, followers[u], priors[p], new Random((seed * 2_000_003) + (half * 500_009) + u));
                    run._act[p][u] = new byte[Shown];
                    for (var t = 0; t < Shown; t++)
                    {
                        run._act[p][u][t] = (byte)life.Position;
                        life.Step();
                    }
                }
            });
            return run;
        }

        /// <summary>The prior that a population teaches, served meanwhile by another.</summary>
        private static PopulationPrior Teach(UserWorld world, int half, SimulatedUser[] users, PopulationPrior serving, int seed, CancellationToken cancellationToken)
        {
            var states = new UserState[users.Length];
            Parallel.For(0, users.Length, new ParallelOptions { CancellationToken = cancellationToken }, u =>
            {
                var life = new ThumbLife.Life(world, half, users[u], serving, new Random((seed * 31) + u));
                for (var t = 0; t < Taught; t++)
                {
                    life.Step();
                }

                states[u] = life.State;
            });
            return TaughtBy.Prior(world.Split.Pool.With(serving), states);
        }

        /// <summary>Prior x request: the mean over users.</summary>
        public double[][] Regret((float[] Rows, float[] Users) counts)
        {
            var dial = _dial.Select(d => Mean(d, counts.Rows)).ToArray();
            var known = _known.Select(d => Mean(d, counts.Rows)).ToArray();
            return [.. _act.Select(byUser => Enumerable.Range(0, Shown).Select(t =>
            {
                var sum = 0.0;
                for (var u = 0; u < Users; u++)
                {
                    sum += counts.Users[u] * (Worth(known[u], _lambda[u]) - Worth(dial[byUser[u][t]], _lambda[u]));
                }

                return sum / Users;
            }).ToArray())];
        }

        private static double Worth((double Quality, double Price) mean, double lambda) => (mean.Quality - (lambda * mean.Price)) / (1 + lambda);

        private static (double Quality, double Price) Mean((float[] Quality, float[] Price) byRow, float[] counts) =>
            (TensorPrimitives.Dot<float>(byRow.Quality, counts) / counts.Length, TensorPrimitives.Dot<float>(byRow.Price, counts) / counts.Length);
    }
}
