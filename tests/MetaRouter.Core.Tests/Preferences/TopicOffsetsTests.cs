using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.MetaLearning;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Preferences;

/// <summary>Trade-offs that differ by topic.</summary>
public class TopicOffsetsTests
{
    private const byte Law = 16, Maths = 20;
    private static readonly ChoiceContext Context = new(CostScaleUsd: 1, Correlation: 0.3f);
    private static readonly Outcome Cheap = new(0.5f, 0.05f, 0);
    private static readonly Outcome Dear = new(0.8f, 0.9f, 0);
    private static readonly double[] s_nodes = [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2];

    [Fact]
    public void From_ThreeTopics_IsTheSumOverEveryOffsetByHand()
    {
        var prior = With(new(0.4, 1.1));
        Signal[] signals = [Compare(1, false, Law), Compare(2, true, Maths), Compare(3, false, 0), Compare(4, true, Maths), Compare(5, false, Law)];
        var belief = PreferenceBelief.From(prior, Context, signals);

        // Every combination of lambda, sharpness, alike or not and both topics' offsets, one by one and in double precision.
        var (joint, law, mass, freer) = (new double[ChoiceModel.Hypotheses], new double[ChoiceModel.Hypotheses], 0.0, 0.0);
        var step = PreferenceGrid.LogLambda[1] - PreferenceGrid.LogLambda[0];
        int[] shifts = [.. s_nodes.Select(z => (int)Math.Round(z * 1.1 / step))];
        double[] weights = [.. s_nodes.Select(z => Math.Exp(-z * z / 2))];
        for (var h = 0; h < joint.Length; h++)
        {
            Add(h, 0, 0, 0.6 * Math.Exp(prior.LogWeights[h]), differs: false);
            for (var a = 0; a < shifts.Length; a++)
            {
                for (var b = 0; b < shifts.Length; b++)
                {
                    Add(h, shifts[a], shifts[b], 0.4 * Math.Exp(prior.LogWeights[h]) * weights[a] * weights[b] / (weights.Sum() * weights.Sum()));
                }
            }
        }

        belief.Joint.ToArray().Select(p => (double)p).ToArray().ShouldBe([.. joint.Select(p => p / mass)], 1e-5);
        belief.On(Law).Joint.ToArray().Select(p => (double)p).ToArray().ShouldBe([.. law.Select(p => p / mass)], 1e-5);
        belief.Topics.Single(t => t.Code == Law).Offset.Freer.ShouldBe(freer / mass, 1e-4);
        belief.Signals.ShouldBe(5);

        void Add(int h, int onLaw, int onMath, double p, bool differs = true)
        {
            p *= Math.Pow(P(At(h, onLaw), false), 1 + Math.Pow(WindowLikelihood.Fade, 4)) * Math.Pow(P(At(h, onMath), true), WindowLikelihood.Fade + Math.Pow(WindowLikelihood.Fade, 3)) * Math.Pow(P(h, false), Math.Pow(WindowLikelihood.Fade, 2));
            joint[h] += p;
            law[At(h, onLaw)] += p;
            mass += p;
            freer += differs ? onLaw < 0 ? p : onLaw == 0 ? p / 2 : 0 : 0;
        }

        static int At(int h, int shift) => (Math.Clamp((h / ChoiceModel.BetaCount) + shift, 0, PreferenceGrid.Length - 1) * ChoiceModel.BetaCount) + (h % ChoiceModel.BetaCount);
    }

    [Fact]
    public void From_NoTopicSaid_IsTheBeliefOverOneLambdaToTheLastBit()
    {
        Signal[] signals = [Compare(1, false, 0), Compare(2, true, 0), Compare(3, false, 0)];
        var (one, some) = (PreferenceBelief.From(With(TopicSpread.None), Context, signals), PreferenceBelief.From(With(new(0.5, 1.5)), Context, signals));

        some.Joint.ToArray().ShouldBe(one.Joint.ToArray());
        some.Topics.ShouldBeEmpty();
        some.On(Law).ShouldBeSameAs(some);
    }

    [Fact]
    public void From_SpreadOfNone_IsTheBeliefOverOneLambdaToTheLastBit()
    {
        Signal[] plain = [Compare(1, false, 0), Compare(2, true, 0), Compare(3, false, 0)];
        Signal[] told = [Compare(1, false, Law), Compare(2, true, Maths), Compare(3, false, Law)];
        foreach (var none in (TopicSpread[])[TopicSpread.None, new(0.5, 0), new(0, 1)])
        {
            var belief = PreferenceBelief.From(With(none), Context, told);
            belief.Joint.ToArray().ShouldBe(PreferenceBelief.From(With(none), Context, plain).Joint.ToArray());
            belief.On(Law).ShouldBeSameAs(belief);
        }
    }

    [Fact]
    public void From_DearerOnLawCheaperOnMaths_TellsThemApart()
    {
        var belief = PreferenceBelief.From(With(TopicSpread.Guessed), Context, [.. Enumerable.Range(0, 40).Select(i => Compare(i, i % 2 == 0, i % 2 == 0 ? Maths : Law))]);
        var (law, maths) = (belief.Topics.Single(t => t.Code == Law), belief.Topics.Single(t => t.Code == Maths));

        law.Offset.Freer.ShouldBeGreaterThan(0.8);
        maths.Offset.Firmer.ShouldBeGreaterThan(0.8);
        law.Belief.CostShare.ShouldBeLessThan(belief.CostShare);
        maths.Belief.CostShare.ShouldBeGreaterThan(belief.CostShare);
        belief.Elsewhere.CostShare.ShouldBeInRange(law.Belief.CostShare, maths.Belief.CostShare);
        foreach (var of in (PreferenceBelief[])[belief, law.Belief, maths.Belief, belief.Elsewhere])
        {
            of.Joint.ToArray().Sum().ShouldBe(1, 1e-4);
        }
    }

    [Fact]
    public void From_UsersWithKnownOffsets_CoversAndFindsThem()
    {
        var prior = With(new(0.5, 1.2));
        var (inside, asked, product, square) = (0, 0, 0.0, 0.0);
        foreach (var (state, lambda) in Users(150, 0.5, 1.2, seed: 3))
        {
            var belief = PreferenceBelief.From(prior, Context, state.Signals.AsSpan());
            foreach (var topic in belief.Topics)
            {
                asked++;
                inside += lambda[topic.Code] >= topic.Belief.Quantile(.05) && lambda[topic.Code] <= topic.Belief.Quantile(.95) ? 1 : 0;
                product += topic.Offset.Mean * Math.Log(lambda[topic.Code] / lambda[0]);
                square += topic.Offset.Mean * topic.Offset.Mean;
            }
        }

        asked.ShouldBe(450);
        ((double)inside / asked).ShouldBeInRange(.85, .95);
        (product / square).ShouldBeInRange(.6, 1.4, "believed offsets are the true ones on average");
        (square / asked).ShouldBeGreaterThan(.02, "and not all near zero");
    }

    [Theory]
    [InlineData(0.9, 1.6)]
    [InlineData(0, 0)]
    public void Step_SimulatedUsers_RecoversHowManyDiffer(double share, double width)
    {
        var pool = RoutingPool.OfSnapshot(SomeSnapshots.ByHand([new("a", .5f, 1), new("b", .6f, 2)]));
        UserState[] windows = [.. Users(100, share, width, seed: 4, pool.CostScaleUsd).Select(u => u.State)];
        var prior = PopulationPrior.Default;
        for (var refresh = 0; refresh < 3; refresh++)
        {
            prior = SpeechFit.Step(prior, SpeechFit.Evidence(pool, prior, windows));
        }

        if (share > 0)
        {
            prior.Topics.Share.ShouldBeGreaterThanOrEqualTo(0.5, $"{prior.Topics}");
            prior.Topics.Width.ShouldBeInRange(1.2, 2);
        }
        else
        {
            (prior.Topics.Share < PopulationPrior.Default.Topics.Share).ShouldBeTrue($"{prior.Topics}");
        }

        SnapshotCodec.Read(SnapshotCodec.Write(pool.Snapshot.WithPrior(prior))).Prior.Topics.ShouldBe(prior.Topics);
    }

    [Theory]
    [InlineData(0.9, 1.6)]
    [InlineData(0, 0)]
    public void Learn_SimulatedUsers_FindsHowManyDifferAtOnce_WhoeverWasThereBefore(double share, double width)
    {
        var pool = RoutingPool.OfSnapshot(SomeSnapshots.ByHand([new("a", .5f, 1), new("b", .6f, 2)]));
        UserState[] windows = [.. Users(100, share, width, seed: 5, pool.CostScaleUsd).Select(u => u.State)];
        PopulationPrior LearnOn(RoutingPool on)
        {
            var cohort = new Cohort(windows.Length);
            for (var u = 0; u < windows.Length; u++)
            {
                cohort.Put(((ulong)u * 5) + 1, new UserModel(pool, windows[u]).Summarise());
            }

            return MetaLearner.Learn(on, p => cohort.Expect(p, CohortPart.Taught), windows);
        }

        var learned = LearnOn(pool);

        if (share > 0)
        {
            learned.Topics.Share.ShouldBeGreaterThanOrEqualTo(.7, $"{learned.Topics}");
            learned.Topics.Width.ShouldBeInRange(1.2, 2);
        }
        else
        {
            (learned.Topics.Share * learned.Topics.Width * learned.Topics.Width).ShouldBeLessThan(.05, $"{learned.Topics}: a small share of any width, or any share of a small one, is nearly none");
        }

        // What is in service does not count: a refresh after an erasure is as if the erased had never been.
        var again = LearnOn(pool.With(learned.With(new TopicSpread(.5, 2))));
        again.IsHeardAs(learned).ShouldBeTrue($"{again.Topics}");
        again.Components.ShouldBe(learned.Components);
    }

    [Fact]
    public void New_SpreadOutOfRange_IsRefused()
    {
        foreach (var bad in (TopicSpread[])[new(1.1, 1), new(-.1, 1), new(.5, 3), new(double.NaN, 1), new(.5, double.NaN)])
        {
            Should.Throw<ArgumentException>(() => With(bad)).Message.ShouldContain("width of their offsets");
        }
    }

    private static PopulationPrior With(TopicSpread topics) => new(PopulationPrior.Default.Components, PopulationPrior.Default.BetaWeights, PopulationPrior.Default.Lapse, null, topics);

    private static Signal Compare(long time, bool cheap, byte topic) => new(new SignalKey(time, 0, FeedbackKind.Comparison), time, cheap ? (byte)1 : (byte)0, false, Cheap, Dear) { Topic = topic };

    private static double P(int h, bool cheap)
    {
        var p = new float[ChoiceModel.Hypotheses];
        ChoiceModel.Likelihood(Cheap, Dear, new ChoiceContext(1, 0.3f), new(1, 0.05f), p);
        return cheap ? p[h] : 1 - p[h];
    }

    /// <summary>Forty-eight comparisons on three topics each, of answers whose quality is known; lambda by topic, at 0 the user's own.</summary>
    private static IEnumerable<(UserState State, double[] Lambda)> Users(int count, double share, double width, int seed, double scale = 1)
    {
        byte[] topics = [3, Law, Maths];
        var random = new Random(seed);
        for (var u = 0; u < count; u++)
        {
            var (lambda, beta, state) = (new double[64], ChoiceModel.Betas[random.Next(ChoiceModel.BetaCount)], UserState.Empty);
            lambda[0] = Math.Pow(10, (2 * random.NextDouble()) - 1.5);
            var differs = random.NextDouble() < share;
            foreach (var topic in topics)
            {
                lambda[topic] = lambda[0] * Math.Exp(differs ? width * Normal() : 0);
            }

            for (var i = 0; i < 48; i++)
            {
                var topic = topics[i % topics.Length];
                var (first, second) = (Answer(), Answer());
                var x = beta * (Utility.Of(first, new(lambda[topic]), scale) - Utility.Of(second, new(lambda[topic]), scale));
                var preferred = random.NextDouble() < (.95 / (1 + Math.Exp(-x))) + .025;
                state = state.Add(new Signal(new SignalKey(i, 0, FeedbackKind.Comparison), i, preferred ? (byte)1 : (byte)0, false, first, second) { Topic = topic });
            }

            yield return (state, lambda);
        }

        Outcome Answer() => new(random.Next(2), (float)(scale * random.NextDouble()), 0);

        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }
}
