using System.Collections.Concurrent;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Users;
using MetaRouter.Evaluation.Baselines.Learning;
using MetaRouter.Evaluation.Protocols;

namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>
/// MetaRouter as its paper has it (arXiv:2606.06178): a context encoder turns a user's comparisons into a latent preference, a policy conditioned on it scores each model with
/// a shared head; both are trained together over many users, with noise on the latent and an entropy bonus, and nothing is fitted to the user at test time.
/// </summary>
/// <remarks>
/// The paper's body and sizes are not public here. A comparison is what was predicted of winner and loser; encoder 8 - 32 - 32, summed over the comparisons, to a latent of two numbers
/// in (-1, 1); head 6 - 24 - 1; loss -sum_k pi_k u_k - bonus H(pi), u realised (full information). Users are drawn as the protocol draws them, their requests and predictions are the
/// snapshot's cross-fitted calibration sample, and their comparisons random pairs. The noise makes neighbouring latents act alike, so acts are computed on a lattice of them.
/// </remarks>
/// <param name="ourQuestions">Asks what the shipped belief would ask, instead of random pairs.</param>
internal sealed class AmortisedEncoder(bool ourQuestions) : IPreferenceLearner
{
    // With a tenth of them it recovers half as much after 20 comparisons on mmlu-pro-8, and less the more it is told.
    private const int Tasks = 200_000, Batch = 16;

    // Positions of each latent number's lattice.
    private const int Lattice = 33;

    // The two forms differ in what they ask, not in what they learned.
    private static readonly ConditionalWeakTable<PreferenceSplit, Trained> s_trained = [];

    public string Name => ourQuestions ? "amortised encoder, our questions" : "amortised encoder";

    public Func<double, Random, IUserLearner> Fit(PreferenceSplit split, int seed, CancellationToken cancellationToken)
    {
        var trained = s_trained.GetValue(split, s =>
        {
            var network = new AmortisedNetwork(new AmortisedSample(s.Pool), seed);
            return new Trained(network, Descent.Run(network, [.. Enumerable.Range(0, Tasks)], new Descent.Options(1, 2e-3, [0], Batch), 1, 0, seed, null, cancellationToken), []);
        });
        return (_, random) => new User(split, trained.Network, trained.Weights, trained.Acts, ourQuestions, random);
    }

    /// <param name="Acts">Of every test row, by cell of the lattice.</param>
    private sealed record Trained(AmortisedNetwork Network, double[] Weights, ConcurrentDictionary<int, byte[]> Acts);

    private sealed class User(PreferenceSplit split, AmortisedNetwork network, double[] weights, ConcurrentDictionary<int, byte[]> acts, bool ourQuestions, Random random) : IUserLearner
    {
        private readonly List<double> _context = [];
        private UserState _state = UserState.Empty;
        private int _asked;

        public Question? Ask(ReadOnlySpan<int> looked) => ourQuestions
            ? BeliefLearner.BestQuestion(split, PreferenceBelief.From(split.Pool.Snapshot.Prior, split.Pool.Context, _state.Signals.AsSpan()), looked)
            : Questions.Random(looked, split.Models, random);

        public void Learn(in Question question, bool prefersFirst)
        {
            _state = _state.Add(BeliefLearner.SignalOf(split, question, prefersFirst, _asked++));
            var (first, second) = (Model(question.Row, question.First), Model(question.Row, question.Second));
            Span<double> features = stackalloc double[AmortisedNetwork.Comparison];
            AmortisedNetwork.Compare(prefersFirst ? first : second, prefersFirst ? second : first, features);
            _context.AddRange(features);
        }

        public void Choose(ReadOnlySpan<int> rows, Span<byte> models)
        {
            Span<double> latent = stackalloc double[AmortisedNetwork.Latent];
            network.Encode(weights, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_context), latent);
            var cell = 0;
            for (var j = 0; j < latent.Length; j++)
            {
                var at = (int)Math.Round((latent[j] + 1) / 2 * (Lattice - 1));
                latent[j] = (2.0 * at / (Lattice - 1)) - 1;
                cell = (cell * Lattice) + at;
            }

            var snapped = latent.ToArray();
            var act = acts.GetOrAdd(cell, _ => Act(snapped));
            for (var i = 0; i < rows.Length; i++)
            {
                models[i] = act[rows[i]];
            }
        }

        private Point Model(int row, int model) => Point.Of(split.Predicted(row)[model], split.Pool.CostScaleUsd);

        private byte[] Act(double[] latent)
        {
            var act = new byte[split.Test.Rows];
            Span<double> odds = stackalloc double[split.Models];
            Span<Point> models = stackalloc Point[split.Models];
            for (var row = 0; row < act.Length; row++)
            {
                for (var m = 0; m < models.Length; m++)
                {
                    models[m] = Model(row, m);
                }

                network.Decide(weights, models, latent, odds);
                act[row] = (byte)TensorPrimitives.IndexOfMax<double>(odds);
            }

            return act;
        }
    }
}
