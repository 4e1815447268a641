using MetaRouter.Core.Numerics;

namespace MetaRouter.Evaluation.Baselines.Personal;

/// <summary>
/// FGTS.CDB (arXiv:2510.00841), dueling Thompson sampling: the logistic likelihood of the answers is tempered by eta = .25, and the best models at two independent draws of
/// theta are shown, on that row of those looked at where the draws differ most about the answer (<see cref="PersonalBandit.Arms.Widest"/>; in the paper the request is given). Without
/// the feel-good term, which was found to change nothing at small weights. O(rows K + answers) a question.
/// </summary>
/// <remarks>The posterior is Laplace's: a Gaussian at the mode, found by Newton's method, with the curvature there.</remarks>
internal sealed class DuelingThompson(bool isPooled) : PersonalBandit(isPooled)
{
    private const double Eta = .25;
    private const int NewtonSteps = 8;

    protected override string Method => "fgts.cdb";

    internal override User Start(Arms arms, Random random) => new Dueller(arms, random);

    /// <param name="won">Of each answer the winner's features less the loser's.</param>
    /// <param name="from">Where the search for the mode begins.</param>
    internal static Normal Posterior(IReadOnlyList<Point> won, Point from)
    {
        var (mode, curved) = (from, Normal.Start);
        for (var step = 0; step < NewtonSteps; step++)
        {
            var slope = Normal.Start.Times(Normal.Start.Mean - mode);
            curved = Normal.Start;
            foreach (var d in won)
            {
                var missed = Logistic.Sigmoid(-Beta * mode.Dot(d));
                slope += Eta * Beta * missed * d;
                curved = curved.Sharpened(d, Eta * Beta * Beta * missed * (1 - missed));
            }

            mode += curved.Solve(slope);
        }

        return curved with { Mean = mode };
    }

    private sealed class Dueller(Arms arms, Random random) : User(arms)
    {
        private readonly List<Point> _won = []; // the winner's features less the loser's

        public override Question? Ask(ReadOnlySpan<int> looked) => Arms.Widest(looked, Belief.Draw(random), Belief.Draw(random));

        public override void Learn(in Question question, bool prefersFirst)
        {
            var x = Arms.Of(question.Row, question.First) - Arms.Of(question.Row, question.Second);
            _won.Add(prefersFirst ? x : -1 * x);
            Belief = Posterior(_won, Belief.Mean);
        }
    }
}
