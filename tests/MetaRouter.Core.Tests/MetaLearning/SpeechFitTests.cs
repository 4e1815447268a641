using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using MetaRouter.Core.Tests.Users;
using static MetaRouter.Core.Tests.MetaLearning.SomeSnapshots;

namespace MetaRouter.Core.Tests.MetaLearning;

/// <summary>How kinds of feedback speak, learned back from simulated users for whom it is known.</summary>
public class SpeechFitTests
{
    private static readonly FeedbackKind[] s_kinds = [FeedbackKind.Comparison, FeedbackKind.Thumb, FeedbackKind.Regenerate, FeedbackKind.SwitchModel, FeedbackKind.Accept];

    [Fact]
    public void Step_SimulatedUsers_RecoversWhatTheyWereDrawnWith()
    {
        var truth = Speaking((FeedbackKind.Thumb, 2, .1), (FeedbackKind.Regenerate, .2, .02), (FeedbackKind.SwitchModel, 1.4, .05), (FeedbackKind.Accept, .7, .05));
        var pool = RoutingPool.OfSnapshot(ByHand([new("a", .5f, 1), new("b", .6f, 2)]));
        var prior = Settled(pool, Users(250, truth, seed: 1, pool.CostScaleUsd));

        foreach (var kind in s_kinds)
        {
            Steps(SpeechFit.Strengths, prior.SpeechOf(kind).Strength, truth.SpeechOf(kind).Strength).ShouldBeLessThanOrEqualTo(1, $"{kind}: {prior.SpeechOf(kind)}");
        }

        prior.SpeechOf(FeedbackKind.Thumb).Lapse.ShouldBeInRange(.05, .2);
        prior.SpeechOf(FeedbackKind.Comparison).Strength.ShouldBe(1);
        prior.SpeechOf(FeedbackKind.Abandon).ShouldBe(PopulationPrior.Default.SpeechOf(FeedbackKind.Abandon), "nobody abandoned");
        prior.SpeechOf(FeedbackKind.Rating).Strength.ShouldBe(0);
        SnapshotCodec.Read(SnapshotCodec.Write(pool.Snapshot.WithPrior(prior))).Prior.Speech.ShouldBe(prior.Speech);
    }

    [Theory]
    [InlineData(1, .7)]
    [InlineData(.7, 1)]
    [InlineData(.1, .05)]
    public void Step_UsersWhoEditAndAbandon_RecoversHowSharplyEachSpeaks(double edit, double abandon)
    {
        // Two steps of the ladder from what is guessed, or three.
        var truth = Speaking((FeedbackKind.Edit, edit, .05), (FeedbackKind.Abandon, abandon, .05));
        Steps(SpeechFit.Strengths, edit, PopulationPrior.Default.SpeechOf(FeedbackKind.Edit).Strength).ShouldBeGreaterThan(1);
        Steps(SpeechFit.Strengths, abandon, PopulationPrior.Default.SpeechOf(FeedbackKind.Abandon).Strength).ShouldBeGreaterThan(1);
        var pool = RoutingPool.OfSnapshot(ByHand([new("a", .5f, 1), new("b", .6f, 2)]));
        var prior = Settled(pool, Users(250, truth, seed: 5, pool.CostScaleUsd, [FeedbackKind.Comparison, FeedbackKind.Accept, FeedbackKind.Edit, FeedbackKind.Abandon]));

        Steps(SpeechFit.Strengths, prior.SpeechOf(FeedbackKind.Edit).Strength, edit).ShouldBeLessThanOrEqualTo(1, $"{prior.SpeechOf(FeedbackKind.Edit)}");
        Steps(SpeechFit.Strengths, prior.SpeechOf(FeedbackKind.Abandon).Strength, abandon).ShouldBeLessThanOrEqualTo(1, $"{prior.SpeechOf(FeedbackKind.Abandon)}");
        prior.SpeechOf(FeedbackKind.Regenerate).ShouldBe(PopulationPrior.Default.SpeechOf(FeedbackKind.Regenerate), "nobody asked again");
    }

    [Fact]
    public void Step_FewUsersOfAKind_StaysAsGuessed()
    {
        var pool = RoutingPool.OfSnapshot(ByHand([new("a", .5f, 1), new("b", .6f, 2)]));
        var windows = Users(MetaLearner.SmallestCohort - 1, Speaking((FeedbackKind.Thumb, 3, .01)), seed: 2, pool.CostScaleUsd);

        SpeechFit.Step(PopulationPrior.Default, SpeechFit.Evidence(pool, PopulationPrior.Default, windows)).Speech.ShouldBe(PopulationPrior.Default.Speech);
    }

    [Fact]
    public void Step_UsersWhoNeverCompare_StaysAsGuessed()
    {
        var pool = RoutingPool.OfSnapshot(ByHand([new("a", .5f, 1), new("b", .6f, 2)]));
        var windows = Users(250, Speaking((FeedbackKind.Thumb, 2, .1)), seed: 4, pool.CostScaleUsd)
            .Select(u => SomeSignals.State(u.Signals.Where(s => s.Key.Kind != FeedbackKind.Comparison))).ToArray();

        SpeechFit.Step(PopulationPrior.Default, SpeechFit.Evidence(pool, PopulationPrior.Default, windows)).Speech
            .ShouldBe(PopulationPrior.Default.Speech, "who never compares shows how sharp a thumb times the user is, not how sharp a thumb is");
    }

    [Fact]
    public void Evidence_TwoPlaces_AddsUp()
    {
        var pool = RoutingPool.OfSnapshot(ByHand([new("a", .5f, 1), new("b", .6f, 2)]));
        var windows = Users(30, PopulationPrior.Default, seed: 3, pool.CostScaleUsd);

        var (all, first, second) = (Evidence(windows), Evidence(windows[..11]), Evidence(windows[11..]));

        all.ShouldBe([.. first.Zip(second, (a, b) => a + b)], 1e-6);
        double[] Evidence(UserState[] of) => SpeechFit.Evidence(pool, PopulationPrior.Default, of);
    }

    [Fact]
    public void New_SpeechOfAnotherLengthOrAStrongerComparison_IsRefused()
    {
        var prior = PopulationPrior.Default;
        Should.Throw<ArgumentException>(() => new PopulationPrior(prior.Components, prior.BetaWeights, prior.Lapse, [new(1, prior.Lapse)])).Message.ShouldContain("9 kinds");
        Should.Throw<ArgumentException>(() => new PopulationPrior(prior.Components, prior.BetaWeights, prior.Lapse, prior.Speech.SetItem(0, new(2, prior.Lapse)))).Message.ShouldContain("strength 1");
    }

    private static PopulationPrior Speaking(params (FeedbackKind Kind, double Strength, double Lapse)[] learned)
    {
        var speech = PopulationPrior.Default.Speech;
        foreach (var (kind, strength, lapse) in learned)
        {
            speech = speech.SetItem((int)kind, new(strength, lapse));
        }

        return new PopulationPrior(PopulationPrior.Default.Components, PopulationPrior.Default.BetaWeights, PopulationPrior.Default.Lapse, speech);
    }

    /// <summary>From what is guessed, step by step, until nothing moves.</summary>
    private static PopulationPrior Settled(RoutingPool pool, UserState[] windows)
    {
        var (prior, settled) = (PopulationPrior.Default, false);
        for (var refresh = 0; refresh < 10 && !settled; refresh++)
        {
            var next = SpeechFit.Step(prior, SpeechFit.Evidence(pool, prior, windows));
            (settled, prior) = (next.Speech.AsSpan().SequenceEqual(prior.Speech.AsSpan()), next);
        }

        settled.ShouldBeTrue();
        return prior;
    }

    /// <summary>Forty signals each, of every kind in turn, about answers whose quality is known: right or wrong.</summary>
    private static UserState[] Users(int count, PopulationPrior truth, int seed, double scale, FeedbackKind[]? kinds = null)
    {
        kinds ??= s_kinds;
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            var (preference, beta, state) = (new Preference(Math.Pow(10, (3 * random.NextDouble()) - 2)), ChoiceModel.Betas[random.Next(ChoiceModel.BetaCount)], UserState.Empty);
            for (var i = 0; i < 40; i++)
            {
                var kind = kinds[i % kinds.Length];
                var speech = truth.SpeechOf(kind);
                var (first, second) = (Answer(), Answer());
                var x = speech.Strength * beta * (Utility.Of(first, preference, scale) - Utility.Of(second, preference, scale));
                var liked = random.NextDouble() < ((1 - speech.Lapse) / (1 + Math.Exp(-x))) + (speech.Lapse / 2);
                // Some kinds are only heard when the answer was liked, or was not: silence is no signal, and the answer is drawn again.
                if (kind switch { FeedbackKind.Accept => !liked, FeedbackKind.Regenerate or FeedbackKind.SwitchModel or FeedbackKind.Edit or FeedbackKind.Abandon => liked, _ => false })
                {
                    (first, second) = (second, first);
                }

                byte value = kind switch { FeedbackKind.Accept => 1, FeedbackKind.Regenerate or FeedbackKind.Edit or FeedbackKind.Abandon => 0, FeedbackKind.SwitchModel => second.CostUsd < first.CostUsd ? (byte)1 : (byte)0, _ => liked ? (byte)1 : (byte)0 };
                state = state.Add(new Signal(new SignalKey(i, 0, kind), i, value, false, first, second));
            }

            return state;
        })];

        Outcome Answer() => new(random.Next(2), (float)(scale * random.NextDouble()), 0);
    }

    private static int Steps(IReadOnlyList<double> ladder, double a, double b) => Math.Abs(Place(ladder, a) - Place(ladder, b));

    private static int Place(IReadOnlyList<double> ladder, double value) => Enumerable.Range(0, ladder.Count).MinBy(i => Math.Abs(ladder[i] - value));
}
