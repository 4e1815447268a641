using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.Users;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.Preferences;

public class PreferenceBeliefTests
{
    /// <summary>With topics and without, of who minds waiting and who does not.</summary>
    [Fact]
    public void FromOn_AnyTopic_IsTheWholeBeliefsToTheLastBit()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var prior = new PopulationPrior([new(1, random.NextDouble() - 1, 1 + random.NextDouble())], [0.3, 0.4, 0.3], 0.05, null, seed % 3 == 0 ? TopicSpread.None : new TopicSpread(0.1 + (0.8 * random.NextDouble()), 0.2 + (1.8 * random.NextDouble())), seed % 4 == 0 ? LatencySpread.None : new LatencySpread(0.3, 0.01));
            var context = new ChoiceContext(0.01, 0.3f, 0.5f);
            var signals = SomeSignals.State(SomeSignals.Spread(random, random.Next(30), days: 2, latestMs: 1000, withLatency: seed % 5 > 1).Select(s => s with { Topic = (byte)(seed % 7 == 0 ? 0 : random.Next(4)) })).Signals.AsSpan();
            var whole = PreferenceBelief.From(prior, context, signals);
            for (byte topic = 0; topic < 5; topic++)
            {
                var (one, alone) = (whole.On(topic), PreferenceBelief.FromOn(topic, prior, context, signals));

                alone.Joint.SequenceEqual(one.Joint).ShouldBeTrue($"seed {seed}, topic {topic}");
                (alone.CostShare, alone.Signals, alone.Latency.Price).ShouldBe((one.CostShare, one.Signals, one.Latency.Price));
            }
        }
    }

    private const float Rho = 0.3f;
    private static readonly ChoiceContext Context = new(CostScaleUsd: 0.04, Correlation: Rho);
    private static readonly Outcome Cheap = new(0.6f, 0.004f, 0);
    private static readonly Outcome Dear = new(0.6f, 0.04f, 0);

    [Fact]
    public void FromPrior_Default_IsThePrior()
    {
        var belief = PreferenceBelief.FromPrior(PopulationPrior.Default);
        var density = new double[PreferenceGrid.Length];
        PopulationPrior.Default.Density(density);
        belief.Marginal.ToArray().Select(p => (double)p).ToArray().ShouldBe(density, 1e-6);
        belief.Signals.ShouldBe(0);
        Belief([]).Joint.ToArray().ShouldBe(belief.Joint.ToArray());
    }

    [Fact]
    public void From_OneSignal_IsBayesRule()
    {
        var signal = Compare(0, Cheap, Dear, firstPreferred: true);
        var p = new float[ChoiceModel.Hypotheses];
        ChoiceModel.Likelihood(Cheap, Dear, new ChoiceContext(0.04, Rho), new(1, 0.05f), p);
        var prior = PreferenceBelief.FromPrior(PopulationPrior.Default);
        var evidence = prior.Joint.ToArray().Zip(p).Sum(t => (double)t.First * t.Second);
        var posterior = prior.Joint.ToArray().Zip(p).Select(t => (float)(t.First * t.Second / evidence)).ToArray();

        Belief([signal]).Joint.ToArray().ShouldBe(posterior, 1e-6);
    }

    [Fact]
    public void From_Switches_MoveTheBeliefTowardsWhereTheUserWent()
    {
        var middle = new Outcome(0.7f, 0.01f, 0);
        var (cheap, dear) = (new Outcome(0.5f, 0.001f, 0), new Outcome(0.9f, 0.03f, 0));
        var before = Belief([]).CostShare;
        Belief([Switch(dear, toCheaper: true)]).CostShare.ShouldBeGreaterThan(before);
        Belief([Switch(cheap, toCheaper: false)]).CostShare.ShouldBeLessThan(before);

        // Already on that side of the middle: the switch says nothing that could be measured.
        Belief([Switch(dear, toCheaper: false)]).CostShare.ShouldBe(before);
        Belief([Switch(cheap, toCheaper: true)]).CostShare.ShouldBe(before);

        Signal Switch(Outcome served, bool toCheaper) => new(new SignalKey(1, 0, FeedbackKind.SwitchModel), 2, toCheaper ? (byte)1 : (byte)0, false, served, middle);
    }

    /// <summary>The words in the order in which they were said, and the one that is heard; "!": taken back.</summary>
    [Theory]
    [InlineData("down regenerate", "down")]
    [InlineData("regenerate down", "down")]
    [InlineData("up accept", "up")]
    [InlineData("abandon edit regenerate", "regenerate")]
    [InlineData("edit abandon", "edit")]
    [InlineData("edit abandon down", "down")]
    [InlineData("up regenerate edit abandon", "up")] // what was said outright is heard over what was done
    [InlineData("accept edit", "edit")] // of deeds the last
    [InlineData("edit accept", "accept")]
    [InlineData("edit accept abandon", "edit")] // which says the same as the last, more sharply
    [InlineData("!down regenerate", "regenerate")]
    [InlineData("!down !regenerate edit", "edit")]
    [InlineData("rating down tasksuccess edit", "down")]
    public void From_SeveralWordsOnOneAnswer_AreHeardAsOne(string said, string heard)
    {
        Signal[] words = [.. said.Split(' ').Select((word, i) => Word(word, i)).OrderBy(s => s.Key)];
        var alone = Belief([words.Single(w => w.Key == Word(heard, 0).Key)]);

        Belief(words).Signals.ShouldBe(1);
        Belief(words).Joint.ToArray().ShouldBe(alone.Joint.ToArray());
    }

    [Fact]
    public void From_WordsOnSeveralAnswersAndComparisons_AreAllHeard()
    {
        Belief([Word("down", 0), Word("edit", 0) with { Key = new SignalKey(SomeSignals.Start, 8, FeedbackKind.Edit) }]).Signals.ShouldBe(2);
        Belief([Word("down", 0), Word("edit", 0) with { Key = new SignalKey(SomeSignals.Start + 1, 7, FeedbackKind.Edit) }]).Signals.ShouldBe(2);
        Belief([Word("comparison", 0), Word("down", 0), Word("edit", 0)]).Signals.ShouldBe(2);
        Belief([Word("down", 0), Word("switchmodel", 0)]).Signals.ShouldBe(2);
    }

    /// <summary>A kind to which a prior does not listen takes no word from another.</summary>
    [Fact]
    public void From_ThumbBesideARegenerateUnderAPriorDeafToThumbs_HearsTheRegenerate()
    {
        var prior = PopulationPrior.Default;
        prior = new PopulationPrior(prior.Components, prior.BetaWeights, prior.Lapse, prior.Speech.SetItem((int)FeedbackKind.Thumb, default));

        PreferenceBelief.From(prior, Context, [Word("down", 0), Word("regenerate", 1)]).Signals.ShouldBe(1);
    }

    private static Signal Word(string word, int at)
    {
        var isWithdrawn = word[0] == '!';
        var (kind, value) = word.TrimStart('!') switch { "up" => (FeedbackKind.Thumb, 1), "down" => (FeedbackKind.Thumb, 0), "accept" => (FeedbackKind.Accept, 1), "rating" => (FeedbackKind.Rating, 3), var other => (Enum.Parse<FeedbackKind>(other, ignoreCase: true), 0) };
        return new Signal(new SignalKey(SomeSignals.Start, 7, kind), SomeSignals.Start + (1_000 * at), (byte)value, isWithdrawn, Cheap, Dear);
    }

    [Fact]
    public void From_AnySignals_IsADistribution()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            var belief = Belief(SomeSignals.State(SomeSignals.Spread(random, random.Next(80), 30, 1000)).Signals.AsSpan());
            belief.Marginal.ToArray().Sum().ShouldBe(1, 1e-4f);
            belief.Joint.ToArray().Sum().ShouldBe(1, 1e-4f);
            belief.Joint.ToArray().ShouldAllBe(p => p >= 0);
            belief.CostShare.ShouldBeInRange(0, 1);
            belief.Quantile(0.05).ShouldBeLessThanOrEqualTo(belief.Quantile(0.5));
            belief.Quantile(0.5).ShouldBeLessThanOrEqualTo(belief.Quantile(0.95));
        }
    }

    [Fact]
    public void From_RepeatedChoiceOfTheCheaper_RaisesTheCostShare()
    {
        var last = PreferenceBelief.FromPrior(PopulationPrior.Default).CostShare;
        for (var n = 1; n <= 8; n++)
        {
            var share = Belief([.. Enumerable.Range(0, n).Select(i => Compare(i, Cheap, Dear, firstPreferred: true))]).CostShare;
            share.ShouldBeGreaterThan(last, $"after {n}");
            last = share;
        }
    }

    [Fact]
    public void From_RepeatedChoiceOfTheDearerAndBetter_LowersTheCostShare()
    {
        var (good, poor) = (new Outcome(0.9f, 0.04f, 0), new Outcome(0.3f, 0.004f, 0));
        Belief([.. Enumerable.Range(0, 8).Select(i => Compare(i, poor, good, firstPreferred: false))]).CostShare.ShouldBeLessThan(PreferenceBelief.FromPrior(PopulationPrior.Default).CostShare * .6);
    }

    [Fact]
    public void From_SidesSwapped_IsTheSameEvidence() =>
        Belief([Compare(0, Cheap, Dear, firstPreferred: true)]).Joint.ToArray().ShouldBe(Belief([Compare(0, Dear, Cheap, firstPreferred: false)]).Joint.ToArray(), 1e-5);

    [Fact]
    public void From_WithdrawnSignal_SaysNothing()
    {
        var kept = Compare(1, Cheap, Dear, firstPreferred: true);
        var withdrawn = Compare(0, Cheap, Dear, firstPreferred: true) with { Withdrawn = true };
        var belief = Belief([withdrawn, kept]);
        belief.Signals.ShouldBe(1);
        belief.Joint.ToArray().ShouldBe(Belief([kept]).Joint.ToArray());
        Belief([withdrawn with { Value = 0, First = new(1, 0, 0), Key = withdrawn.Key with { Kind = FeedbackKind.Thumb } }, kept]).Joint.ToArray().ShouldBe(belief.Joint.ToArray());
        Belief([withdrawn]).Joint.ToArray().ShouldBe(PreferenceBelief.FromPrior(PopulationPrior.Default).Joint.ToArray());
    }

    [Theory]
    [InlineData(FeedbackKind.Rating, 5)]
    [InlineData(FeedbackKind.TaskSuccess, 1)]
    public void From_SignalsOfQualityAlone_SayNothingOfTheTradeOff(FeedbackKind kind, byte value) =>
        Belief([Said(kind, value)]).Joint.ToArray().ShouldBe(PreferenceBelief.FromPrior(PopulationPrior.Default).Joint.ToArray());

    [Theory]
    [InlineData(FeedbackKind.Thumb, 1, true)]
    [InlineData(FeedbackKind.Thumb, 0, false)]
    [InlineData(FeedbackKind.Accept, 1, true)]
    [InlineData(FeedbackKind.Regenerate, 0, false)]
    [InlineData(FeedbackKind.SwitchModel, 0, false)]
    [InlineData(FeedbackKind.Edit, 0, false)]
    [InlineData(FeedbackKind.Abandon, 0, false)]
    public void From_EveryKind_SpeaksForTheSideItMeans(FeedbackKind kind, byte value, bool firstPreferred)
    {
        // The first is the cheaper, so to speak for it raises lambda.
        var (prior, belief) = (PreferenceBelief.FromPrior(PopulationPrior.Default), Belief([Said(kind, value)]));
        belief.Signals.ShouldBe(1);
        ((belief.CostShare - prior.CostShare) * (firstPreferred ? 1 : -1)).ShouldBeGreaterThan(0.001);
    }

    /// <summary>What a host never sees the contrary of says no more the more of it there is.</summary>
    [Theory]
    [InlineData("regenerate", "regenerate")]
    [InlineData("edit", "abandon")]
    [InlineData("accept", "accept")]
    public void From_DeedsOfOneSideAlone_WeighTogetherAsOne(string word, string others)
    {
        var once = Belief([OnAnswer(0, word)]);
        var often = Belief([.. Enumerable.Range(0, 40).Select(i => OnAnswer(i, i % 2 == 0 ? word : others))]);

        Math.Abs(often.CostShare - Prior.CostShare).ShouldBeLessThanOrEqualTo(Math.Abs(once.CostShare - Prior.CostShare) + 1e-6);
        Math.Abs(often.CostShare - Prior.CostShare).ShouldBeGreaterThan(.001);
        often.Signals.ShouldBe(40);
    }

    [Fact]
    public void From_DeedsOfBothSides_WeighInFull()
    {
        Signal[] complaints = [.. Enumerable.Range(1, 10).Select(i => OnAnswer(i, "regenerate"))];
        Moved(Belief([OnAnswer(0, "accept"), .. complaints])).ShouldBeGreaterThan(1.5 * Moved(Belief(complaints)));
        Moved(Belief([.. complaints, OnAnswer(11, "!accept")])).ShouldBe(Moved(Belief(complaints)), 1e-6, "praise that was taken back is none");

        static double Moved(PreferenceBelief belief) => Math.Abs(belief.CostShare - Prior.CostShare);
    }

    [Fact]
    public void From_ThumbsOfOneSideAlone_WeighInFull()
    {
        // Either thumb can come, so that only one does is the user's word.
        var (once, often) = (Belief([OnAnswer(0, "down")]), Belief([.. Enumerable.Range(0, 10).Select(i => OnAnswer(i, "down"))]));
        Math.Abs(often.CostShare - Prior.CostShare).ShouldBeGreaterThan(1.5 * Math.Abs(once.CostShare - Prior.CostShare));
    }

    private static PreferenceBelief Prior => PreferenceBelief.FromPrior(PopulationPrior.Default);

    private static Signal OnAnswer(int answer, string word) => Word(word, 0) with { Key = Word(word, 0).Key with { DecisionTimeMs = SomeSignals.Start + answer } };

    [Fact]
    public void From_OlderSignal_CountsLess()
    {
        var (cheap, dear) = (Compare(0, Cheap, Dear, firstPreferred: true), Compare(1, Cheap, Dear, firstPreferred: false));
        var (dearLast, cheapLast) = (Belief([cheap, dear]), Belief([dear with { Key = cheap.Key }, cheap with { Key = dear.Key }]));
        cheapLast.CostShare.ShouldBeGreaterThan(dearLast.CostShare);
    }

    [Fact]
    public void From_EqualWindows_AreTheSameBitsInAnyOrderOfArrival()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var signals = SomeSignals.Spread(random, 90, 30, 1000);
            var one = SomeSignals.State(signals);
            random.Shuffle(signals);
            var other = SomeSignals.State(signals.Concat(signals.Take(20)));
            Belief(other.Signals.AsSpan()).Joint.ToArray().ShouldBe(Belief(one.Signals.AsSpan()).Joint.ToArray());
        }
    }

    [Fact]
    public void From_PriorWithoutLapse_SurvivesWhatItHeldImpossible()
    {
        // A cost of 100,000 scales: without lapses to prefer the dearer of equals has a probability that rounds to 0 under every hypothesis.
        var certain = new PopulationPrior([new(1, 0, 1)], [1 / 3.0, 1 / 3.0, 1 / 3.0], lapse: 0);
        var (free, ruinous) = (new Outcome(0.5f, 0, 0), new Outcome(0.5f, 4000, 0));
        foreach (var signal in new[] { Compare(0, ruinous, free, firstPreferred: true), Compare(0, free, ruinous, firstPreferred: false) })
        {
            var belief = PreferenceBelief.From(certain, Context, [signal]);
            belief.Joint.ToArray().ShouldAllBe(p => float.IsFinite(p) && p >= 0);
            belief.Marginal.ToArray().Sum().ShouldBe(1, 1e-4f);
        }
    }

    [Fact]
    public void Quantile_ByHand_InterpolatesWithinACell()
    {
        // All belief in one cell: its middle is the median, its borders the ends.
        var belief = SomeBeliefs.Of((10, 1));
        var half = (PreferenceGrid.LogLambda[11] - PreferenceGrid.LogLambda[10]) / 2;
        Math.Log(belief.Quantile(0.5)).ShouldBe(PreferenceGrid.LogLambda[10], 1e-6);
        Math.Log(belief.Quantile(1e-9)).ShouldBe(PreferenceGrid.LogLambda[10] - half, 1e-6);
        Math.Log(belief.Quantile(0.999999)).ShouldBe(PreferenceGrid.LogLambda[10] + half, 1e-5);
        belief.CostShare.ShouldBe(PreferenceGrid.CostShare[10], 1e-5);
        Math.Log(SomeBeliefs.Of((10, 0.6), (11, 0.4)).Quantile(0.7)).ShouldBe(PreferenceGrid.LogLambda[11] - (half / 2), 1e-5); // a quarter of the second cell
    }

    [Fact]
    public void From_SimulatedUsers_CoversTheirLambdaAndGrowsSurer()
    {
        const int Users = 200, Answers = 40;
        var (covered, prior) = (0, PreferenceBelief.FromPrior(PopulationPrior.Default));
        var entropy = new double[Answers + 1];
        var (error, blind) = (0.0, 0.0);
        for (var user = 0; user < Users; user++)
        {
            var random = new Random(user);
            var simulated = new SimulatedUser(Math.Exp(Math.Log(0.01) + (random.NextDouble() * Math.Log(1000))), ChoiceModel.Betas[random.Next(3)], 0.05, random);
            Signal[] signals = [.. Enumerable.Range(0, Answers).Select(i => simulated.Answer(i))];
            foreach (var n in new[] { 0, 5, 20, Answers })
            {
                entropy[n] += Entropy(Belief(signals.AsSpan(0, n))) / Users;
            }

            var belief = Belief(signals);
            covered += belief.Quantile(0.05) <= simulated.Lambda && simulated.Lambda <= belief.Quantile(0.95) ? 1 : 0;
            error += Math.Abs(belief.CostShare - (simulated.Lambda / (1 + simulated.Lambda)));
            blind += Math.Abs(prior.CostShare - (simulated.Lambda / (1 + simulated.Lambda)));
        }

        (covered / (double)Users).ShouldBeInRange(0.80, 0.97);
        entropy[5].ShouldBeLessThan(entropy[0] - 0.05);
        entropy[20].ShouldBeLessThan(entropy[5] - 0.1);
        entropy[Answers].ShouldBeLessThan(entropy[20] - 0.05);
        error.ShouldBeLessThan(blind * 0.6);
    }

    /// <summary>Judges answers that came out right or wrong; the router sees only how probable that was.</summary>
    private sealed record SimulatedUser(double Lambda, double Beta, double Lapse, Random Random)
    {
        public Signal Answer(int at)
        {
            var (first, second) = (Any(), Any());
            var both = Math.Min((first.Quality * second.Quality) + (Rho * Math.Sqrt(first.Quality * (1 - first.Quality) * second.Quality * (1 - second.Quality))), Math.Min(first.Quality, second.Quality));
            var draw = Random.NextDouble();
            var difference = draw < first.Quality - both ? 1 : draw < first.Quality + second.Quality - (2 * both) ? -1 : 0;
            var utility = (difference - (Lambda * (first.CostUsd - second.CostUsd) / Context.CostScaleUsd)) / (1 + Lambda);
            var preferred = Random.NextDouble() < Lapse ? Random.Next(2) == 0 : Random.NextDouble() < 1 / (1 + Math.Exp(-Beta * utility));
            return Compare(at, first, second, preferred);
        }

        private Outcome Any() => new(0.1f + (0.8f * Random.NextSingle()), (float)(Context.CostScaleUsd * Math.Pow(10, -2.5 * Random.NextDouble())), 0);
    }

    /// <summary>In nats.</summary>
    private static double Entropy(PreferenceBelief belief) => -belief.Marginal.ToArray().Where(p => p > 0).Sum(p => p * Math.Log(p));

    private static PreferenceBelief Belief(ReadOnlySpan<Signal> signals) => PreferenceBelief.From(PopulationPrior.Default, Context, signals);

    private static Signal Compare(int at, Outcome first, Outcome second, bool firstPreferred) =>
        new(new SignalKey(SomeSignals.Start + at, 1, FeedbackKind.Comparison), SomeSignals.Start + at, (byte)(firstPreferred ? 1 : 0), false, first, second);

    private static Signal Said(FeedbackKind kind, byte value) => new(new SignalKey(SomeSignals.Start, 1, kind), SomeSignals.Start, value, false, Cheap, Dear);
}
