using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.MetaLearning;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Preferences;

/// <summary>What users give up for a faster answer.</summary>
public class LatencyBeliefTests
{
    private const byte Law = 16, Maths = 20;
    private static readonly ChoiceContext Context = new(CostScaleUsd: 1, Correlation: 0.3f);
    private static readonly LatencySpread Some = new(0.4, 0.02);

    [Fact]
    public void From_FastAgainstSlow_IsTheSumOverEveryPriceByHand()
    {
        // Right answers against wrong ones, so that nothing is averaged over: (first quality, cost, seconds), (second ...), first preferred.
        (Outcome First, Outcome Second, bool Preferred)[] said =
        [
            (new(1, 0.2f, 12), new(0, 0.1f, 2), false),
            (new(1, 0.5f, 3), new(1, 0.5f, 9), true),
            (new(0, 0.1f, 0), new(1, 0.9f, 4), true), // seconds of the first not known: nothing about waiting
        ];
        var prior = With(Some);
        var belief = PreferenceBelief.From(prior, Context, [.. said.Select((s, i) => Compare(i, s.First, s.Second, s.Preferred))]);

        var (joint, prices, p) = (new double[ChoiceModel.Hypotheses], new double[LatencyBelief.Prices.Length], prior.Waiting.Probability.ToArray());
        for (var g = 0; g < prices.Length; g++)
        {
            for (var h = 0; h < joint.Length; h++)
            {
                double lambda = PreferenceGrid.Lambda[h / ChoiceModel.BetaCount], beta = ChoiceModel.Betas[h % ChoiceModel.BetaCount], mass = p[g] * Math.Exp(prior.LogWeights[h]);
                for (var i = 0; i < said.Length; i++)
                {
                    var (first, second, preferred) = said[i];
                    var seconds = first.LatencySeconds > 0 ? first.LatencySeconds - second.LatencySeconds : 0;
                    var utility = (first.Quality - second.Quality - (lambda * (first.CostUsd - second.CostUsd)) - (LatencyBelief.Prices[g] * seconds)) / (1 + lambda);
                    var likes = (0.95 / (1 + Math.Exp(-beta * utility))) + 0.025;
                    mass *= Math.Pow(preferred ? likes : 1 - likes, Math.Pow(WindowLikelihood.Fade, said.Length - 1 - i));
                }

                joint[h] += mass;
                prices[g] += mass;
            }
        }

        belief.Latency.Probability.ToArray().ShouldBe([.. prices.Select(x => x / prices.Sum())], 1e-5);
        belief.Joint.ToArray().Select(x => (double)x).ToArray().ShouldBe([.. joint.Select(x => x / joint.Sum())], 1e-5);
        belief.Latency.Minds.ShouldBeGreaterThan(prior.Waiting.Minds, "a right answer was left for a faster one");

        // What the meta-learner is told has the price summed out.
        var told = new float[ChoiceModel.Hypotheses];
        WindowLikelihood.Add(prior, Context, [.. said.Select((s, i) => Compare(i, s.First, s.Second, s.Preferred))], told).ShouldBe(3);
        var posterior = told.Zip(prior.LogWeights.ToArray(), (l, w) => Math.Exp(l + w)).ToArray();
        posterior.Select(x => x / posterior.Sum()).ToArray().ShouldBe([.. joint.Select(x => x / joint.Sum())], 1e-5);
    }

    [Fact]
    public void From_NothingSaidOfWaiting_IsTheBeliefWithoutItToTheLastBit()
    {
        foreach (var (first, second) in ((float, float)[])[(0, 0), (0, 8), (8, 0), (5, 5)])
        {
            Signal[] signals = [.. Enumerable.Range(0, 12).Select(i => Compare(i, new(0.6f, 0.1f, first), new(0.8f, 0.9f, second), i % 3 == 0, i % 2 == 0 ? Law : Maths))];
            var (with, without) = (PreferenceBelief.From(With(Some), Context, signals), PreferenceBelief.From(With(LatencySpread.None), Context, signals));
            ShouldBeEqual(with, without);
            with.Latency.Probability.ToArray().ShouldBe(With(Some).Waiting.Probability.ToArray());
        }
    }

    [Fact]
    public void From_NobodyMinds_IsTheBeliefOfSignalsWithoutLatencyToTheLastBit()
    {
        Signal[] timed = [.. Enumerable.Range(0, 12).Select(i => Compare(i, new(0.6f, 0.1f, 2), new(0.8f, 0.9f, 20), i % 3 == 0, i % 2 == 0 ? Law : Maths))];
        var plain = timed.Select(s => s with { First = s.First with { LatencySeconds = 0 }, Second = s.Second with { LatencySeconds = 0 } }).ToArray();
        var belief = PreferenceBelief.From(With(LatencySpread.None), Context, timed);
        ShouldBeEqual(belief, PreferenceBelief.From(With(LatencySpread.None), Context, plain));
        belief.Latency.Price.ShouldBe(0);
        belief.Latency.Minds.ShouldBe(0);
    }

    [Fact]
    public void From_TopicsAndWaiting_BelievesBothAtOnce()
    {
        // Dear on law, cheap on maths, and the faster of two equal answers each time.
        Signal[] signals = [.. Enumerable.Range(0, 48).Select(i => i % 3 == 2
            ? Compare(i, new(0.7f, 0.3f, 2), new(0.75f, 0.3f, 20), true)
            : Compare(i, new(0.5f, 0.05f, 4), new(0.8f, 0.9f, 5), i % 3 == 0, i % 3 == 0 ? Maths : Law))];
        var belief = PreferenceBelief.From(PopulationPrior.Default, Context, signals);
        belief.Latency.Minds.ShouldBeGreaterThan(0.9);
        belief.On(Law).CostShare.ShouldBeLessThan(belief.On(Maths).CostShare);
        foreach (var of in (PreferenceBelief[])[belief, belief.On(Law), belief.On(Maths), belief.Elsewhere])
        {
            of.Joint.ToArray().Sum().ShouldBe(1, 1e-4);
            of.Latency.ShouldBeSameAs(belief.Latency);
        }

        PreferenceBelief[] given = [.. LatencyBelief.Prices.Select(price => PreferenceBelief.From(With(LatencySpread.None), Context with { SecondPrice = price }, signals))];
        for (var k = 0; k < belief.Topics.Count; k++)
        {
            var (offset, mean, variance) = (belief.Topics[k].Offset, Mean(o => o.Mean), Mean(o => (o.Mean * o.Mean) + (o.Deviation * o.Deviation)) - Math.Pow(Mean(o => o.Mean), 2));
            (offset.Mean, offset.Deviation, offset.Firmer, offset.Freer).ShouldSatisfyAllConditions(o => o.Mean.ShouldBe(mean, 1e-9), o => o.Deviation.ShouldBe(Math.Sqrt(variance), 1e-9), o => o.Firmer.ShouldBe(Mean(p => p.Firmer), 1e-9), o => o.Freer.ShouldBe(Mean(p => p.Freer), 1e-9));

            double Mean(Func<TopicOffset, double> of) => given.Select((b, g) => belief.Latency.Probability[g] * of(b.Topics[k].Offset)).Sum();
        }
    }

    [Fact]
    public void From_UsersWithKnownPrices_CoversAndFindsThem()
    {
        var spread = new LatencySpread(0.5, 0.02);
        var prior = With(spread);
        var (users, inside, insideLambda, minding, found) = (0, 0, 0, 0, 0);
        double expected = 0, logs = 0, trues = 0, product = 0, square = 0;
        foreach (var (state, lambda, price) in Users(300, spread, seed: 5))
        {
            var belief = PreferenceBelief.From(prior, Context, state.Signals.AsSpan());
            users++;
            inside += price >= belief.Latency.Quantile(0.05) && price <= belief.Latency.Quantile(0.95) ? 1 : 0;
            insideLambda += lambda >= belief.Quantile(0.05) && lambda <= belief.Quantile(0.95) ? 1 : 0;
            expected += belief.Latency.Minds;
            minding += price > 0 ? 1 : 0;
            found += (belief.Latency.Minds > 0.5) == (price > 0) ? 1 : 0;
            (product, square) = (product + (belief.Latency.Mean * price), square + (belief.Latency.Mean * belief.Latency.Mean));
            if (price > 0 && belief.Latency.Quantile(0.5) > 0)
            {
                (logs, trues) = (logs + Math.Log(belief.Latency.Quantile(0.5)), trues + Math.Log(price));
            }
        }

        var told = FormattableString.Invariant($"inside {(double)inside / users:0.000}, lambda inside {(double)insideLambda / users:0.000}, minds {expected / users:0.000} of {(double)minding / users:0.000}, told apart {(double)found / users:0.000}, slope {product / square:0.000}, log bias {(logs - trues) / minding:0.000}");
        if (Environment.GetEnvironmentVariable("METAROUTER_FIGURES") == "1")
        {
            Console.WriteLine(told);
        }

        ((double)inside / users).ShouldBeInRange(.85, .97, told); // the mass at 0 is a point, which an interval holds whole or not at all
        ((double)insideLambda / users).ShouldBeInRange(.85, .97, told);
        (expected / users).ShouldBe((double)minding / users, 0.05, told);
        ((double)found / users).ShouldBeGreaterThan(.75, told);
        (product / square).ShouldBeInRange(.8, 1.2, told);
    }

    [Theory]
    [InlineData(0.9, 0.04)]
    [InlineData(0, 0)]
    public void Step_SimulatedUsers_RecoversHowManyMind(double share, double price)
    {
        var pool = RoutingPool.OfSnapshot(SomeSnapshots.ByHand([new("a", .5f, 1), new("b", .6f, 2)]));
        UserState[] windows = [.. Users(100, new(share, price), seed: 6, pool.CostScaleUsd).Select(u => u.State)];
        var prior = PopulationPrior.Default;
        for (var refresh = 0; refresh < 4; refresh++)
        {
            prior = SpeechFit.Step(prior, SpeechFit.Evidence(pool, prior, windows));
        }

        if (share > 0)
        {
            prior.Latency.Share.ShouldBeGreaterThanOrEqualTo(0.7, $"{prior.Latency}");
            prior.Latency.Price.ShouldBeInRange(0.02, 0.08, $"{prior.Latency}");
        }
        else
        {
            prior.Latency.Share.ShouldBeLessThan(LatencySpread.Guessed.Share, $"{prior.Latency}");
        }

        var read = SnapshotCodec.Read(SnapshotCodec.Write(pool.Snapshot.WithPrior(prior)));
        read.Prior.Latency.ShouldBe(prior.Latency);
        read.Prior.Topics.ShouldBe(prior.Topics);
        read.Prior.Speech.ShouldBe(prior.Speech);
    }

    [Fact]
    public void Quantile_InterpolatesBetweenPricesAndIsZeroWithinTheMassAtZero()
    {
        var belief = LatencyBelief.Of(new(0.6, 0.008));
        belief.Minds.ShouldBe(0.6, 1e-9);
        belief.Quantile(0.4).ShouldBe(0);
        belief.Quantile(0.4001).ShouldBeGreaterThan(0);
        belief.Price.ShouldBe(belief.Mean);
        belief.Price.ShouldBe(belief.Probability.ToArray().Zip(LatencyBelief.Prices, (p, x) => p * x).Sum(), 1e-12);
        belief.Quantile(0.95).ShouldBeGreaterThan(belief.Price);
        LatencyBelief.Of(LatencySpread.Guessed).Price.ShouldBe(0, "nobody is charged before a word of theirs");
        LatencyBelief.Of(LatencySpread.None).Quantile(1).ShouldBe(0);

        // Half of a price's share lies below it, and a quarter below a fourth of the way down to the next.
        var below = belief.Probability[0] + belief.Probability[1];
        belief.Quantile(below + (belief.Probability[2] / 2)).ShouldBe(LatencyBelief.Prices[2], 1e-9);
        belief.Quantile(below + (belief.Probability[2] / 4)).ShouldBe(LatencyBelief.Prices[2] / Math.Pow(10, 0.125), 1e-9);
        belief.Quantile(1).ShouldBe(LatencyBelief.Prices[^1] * Math.Pow(10, 0.25), 1e-6);
    }

    [Fact]
    public void New_SpreadOutOfRange_IsRefused()
    {
        foreach (var bad in (LatencySpread[])[new(1.1, 0.01), new(-.1, 0.01), new(.5, 0), new(.5, 1), new(double.NaN, 0.01), new(.5, double.NaN)])
        {
            Should.Throw<ArgumentException>(() => With(bad)).Message.ShouldContain("who mind waiting");
        }
    }

    private static void ShouldBeEqual(PreferenceBelief one, PreferenceBelief other)
    {
        one.Joint.ToArray().ShouldBe(other.Joint.ToArray());
        one.Elsewhere.Joint.ToArray().ShouldBe(other.Elsewhere.Joint.ToArray());
        one.Topics.Select(t => (t.Code, t.Offset)).ShouldBe(other.Topics.Select(t => (t.Code, t.Offset)));
        one.On(Law).Joint.ToArray().ShouldBe(other.On(Law).Joint.ToArray());
    }

    private static PopulationPrior With(LatencySpread latency) => PopulationPrior.Default.With(latency);

    private static Signal Compare(long time, Outcome first, Outcome second, bool preferred, byte topic = 0) =>
        new(new SignalKey(time, 0, FeedbackKind.Comparison), time, preferred ? (byte)1 : (byte)0, false, first, second) { Topic = topic };

    /// <summary>Forty-eight comparisons each, of answers whose quality is known and that took 0.5 to 30 seconds; price 0: does not mind.</summary>
    private static IEnumerable<(UserState State, double Lambda, double Price)> Users(int count, LatencySpread spread, int seed, double scale = 1)
    {
        var random = new Random(seed);
        for (var u = 0; u < count; u++)
        {
            var (lambda, beta, state) = (Math.Pow(10, (2 * random.NextDouble()) - 1.5), ChoiceModel.Betas[random.Next(ChoiceModel.BetaCount)], UserState.Empty);
            var price = random.NextDouble() < spread.Share ? spread.Price * Math.Exp(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())) : 0;
            for (var i = 0; i < 48; i++)
            {
                var (first, second) = (Answer(), Answer());
                var x = beta * (Utility.Of(first, new(lambda, price), scale) - Utility.Of(second, new(lambda, price), scale));
                state = state.Add(Compare(i, first, second, random.NextDouble() < (.95 / (1 + Math.Exp(-x))) + .025));
            }

            yield return (state, lambda, price);
        }

        Outcome Answer() => new(random.Next(2), (float)(scale * random.NextDouble()), (float)(0.5 * Math.Pow(60, random.NextDouble())));
    }
}
