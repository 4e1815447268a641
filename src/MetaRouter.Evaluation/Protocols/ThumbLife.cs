using System.Numerics.Tensors;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Evaluation.Simulation;

namespace MetaRouter.Evaluation.Protocols;

/// <summary>The story of a user who never compares: single answers, served as a host serves them, exploring included, with now and then a thumb and a regenerate.</summary>
internal static class ThumbLife
{
    /// <summary>The share of answers that get a thumb.</summary>
    public const double ThumbShare = .3;

    /// <summary>The share of thumbs down after which the answer is asked for again.</summary>
    public const double RegenerateShare = .5;

    /// <summary>As comparisons have to, a word pays off within 1,000 later requests (<see cref="ComparisonBudget.Horizon"/>).</summary>
    private static readonly ExplorationPolicy s_learning = new(new ExplorationOptions { Horizon = ThumbShare * ComparisonBudget.Horizon });

    /// <summary>The dial position that the belief serves after each reported number of signals; answers are chosen for what a word on them would teach, too.</summary>
    /// <param name="outcomesSeen">The learner is told what the answer and the middle of the pool turned out to be.</param>
    /// <returns>And over all requests until then, how many there were and the utility that exploring gave up.</returns>
    public static (TopicDial[] Acts, int Requests, double Lost) Live(UserWorld world, int half, SimulatedUser user, bool outcomesSeen, PopulationPrior prior, Random random)
    {
        var reported = world.Variant.Reported;
        var acts = new TopicDial[reported.Count];
        var life = new Life(world, half, user, prior, random) { OutcomesSeen = outcomesSeen, ByTopic = true, Exploration = s_learning };
        for (var t = 0; t < acts.Length; t++)
        {
            while (life.Signals < reported[t])
            {
                life.Step();
            }

            acts[t] = life.Act;
        }

        return (acts, life.Requests, life.Lost);
    }

    /// <summary>One user's, request by request.</summary>
    internal sealed class Life(UserWorld world, int half, SimulatedUser user, PopulationPrior prior, Random random)
    {
        private static readonly ExplorationPolicy s_default = new();

        private readonly PreferenceSplit _split = world.Split;
        private UserState _state = UserState.Empty;
        private PreferenceBelief _belief = PreferenceBelief.FromPrior(prior);

        /// <summary>As a host explores by default.</summary>
        public ExplorationPolicy Exploration { get; init; } = s_default;

        /// <summary>See <see cref="Live"/>.</summary>
        public bool OutcomesSeen { get; init; }

        /// <summary>Whether signals carry what their requests are about.</summary>
        public bool ByTopic { get; init; }

        public int Requests { get; private set; }

        /// <summary>Utility, as the user has it, that exploring gave up against serving the best of the belief; below 0: gained.</summary>
        public double Lost { get; private set; }

        public int Signals => _state.Count;

        /// <summary>The dial position that the belief serves now.</summary>
        public int Position => Act.Own.Position;

        /// <summary>The dial positions that the belief serves now, by topic.</summary>
        public TopicDial Act { get; private set; } = new(PreferenceBelief.FromPrior(prior), world.Split.Pool.Values);

        public UserState State => _state;

        /// <summary>One request, and what the user says of it.</summary>
        public void Step()
        {
            var rows = _split.Half(half);
            var row = rows[random.Next(rows.Length)];
            var served = Serve(row, random.NextDouble());
            var minute = Requests++;
            if (random.NextDouble() >= ThumbShare)
            {
                return;
            }

            var praises = world.Praises(row, served, user, random);
            var (first, middle) = Seen(row, served);
            _state = _state.Add(SimulatedSignal.Of(FeedbackKind.Thumb, minute, praises, first, middle, Topic(row)));
            if (!praises && random.NextDouble() < RegenerateShare)
            {
                _state = _state.Add(SimulatedSignal.Of(FeedbackKind.Regenerate, minute, isYes: false, first, middle, Topic(row)));
            }

            var context = _split.Pool.Context;
            _belief = PreferenceBelief.From(prior, OutcomesSeen ? context with { CostSpread = 0 } : context, _state.Signals.AsSpan());
            Act = new TopicDial(_belief, _split.Pool.Values);
        }

        private byte Topic(int row) => ByTopic ? _split.Topic(row) : (byte)0;

        private int Serve(int row, double draw)
        {
            var predicted = _split.Predicted(row);
            var counted = _split.Counted(row);
            var act = Act.On(Topic(row));
            Span<double> utility = stackalloc double[predicted.Length];
            Span<double> propensity = stackalloc double[predicted.Length];
            for (var k = 0; k < utility.Length; k++)
            {
                utility[k] = Utility.Of(counted[k], new Preference(PreferenceGrid.Lambda[act.Position]), _split.Pool.CostScaleUsd);
            }

            var best = utility.IndexOf(TensorPrimitives.Max<double>(utility));
            if (Exploration.Horizon > 0)
            {
                Span<double> taught = stackalloc double[predicted.Length];
                new ComparisonSelector(_belief.On(Topic(row)), _split.Pool).Teach(predicted, taught);
                TensorPrimitives.MultiplyAdd(taught, Exploration.Horizon, utility, utility);
            }

            var served = Exploration.Choose(utility, act.Regret, draw, propensity).Index;
            Lost += world.Worth(row, _split.Realised(row, best), user.Lambda) - world.Worth(row, _split.Realised(row, served), user.Lambda);
            return served;
        }

        private (Outcome First, Outcome Middle) Seen(int row, int served)
        {
            Outcome[] outcomes = OutcomesSeen ? [.. Enumerable.Range(0, _split.Models).Select(k => _split.Realised(row, k))] : _split.Predicted(row).ToArray();
            return (outcomes[served], Outcome.Middle(outcomes));
        }
    }
}
