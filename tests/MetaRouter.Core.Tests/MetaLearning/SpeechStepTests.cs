using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Preferences;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Tests.Users;
using MetaRouter.Core.Users;

namespace MetaRouter.Core.Tests.MetaLearning;

/// <summary>Steps of <see cref="SpeechFit"/> by evidence made by hand: what a step must be worth, and how many users it must rest on.</summary>
public class SpeechStepTests
{
    private static readonly PopulationPrior Guessed = PopulationPrior.Default;
    private static readonly SpeechNeighbours Near = new(Guessed);

    [Theory]
    [InlineData(20, 0.9, false)]
    [InlineData(20, 1.1, true)]
    [InlineData(19, 9, false)]
    public void Step_ANatForANumber_IsWhatItMustBeWorth(int users, double nats, bool moves)
    {
        var now = Guessed.SpeechOf(FeedbackKind.Thumb);
        foreach (var (to, numbers) in (ReadOnlySpan<(SignalSpeech, int)>)[(now with { Strength = 1.4 }, 1), (now with { Lapse = 0.075 }, 1), (new(0.7, 0.035), 2)])
        {
            var evidence = Evidence();
            evidence[Near.UsersOf(FeedbackKind.Thumb)] = users;
            evidence[Near.Kinds.Index().Single(k => k.Item == (FeedbackKind.Thumb, to)).Index] = numbers * nats;

            SpeechFit.Step(Guessed, evidence).Speech.ShouldBe(Guessed.Speech.SetItem((int)FeedbackKind.Thumb, moves ? to : now));
        }
    }

    [Fact]
    public void Step_ALapseOfComparisons_IsThePriorsToo()
    {
        var evidence = Evidence();
        evidence[Near.UsersOf(FeedbackKind.Comparison)] = 20;
        evidence[Near.Kinds.Index().Single(k => k.Item == (FeedbackKind.Comparison, new SignalSpeech(1, 0.075))).Index] = 2;

        SpeechFit.Step(Guessed, evidence).Lapse.ShouldBe(0.075);
    }

    /// <summary>Shares of .2, a rung below at .1 and a rung above at .3; a width of 1.2 and a price of .01 stay unless another is worth a nat.</summary>
    [Theory]
    [InlineData(20, 0.2, 1.1, 0.2)] // a rung more than .1 must be worth a nat
    [InlineData(20, 0.2, 0.9, 0.1)]
    [InlineData(20, 0.3, 2.1, 0.3)]
    [InlineData(20, 0.3, 1.9, 0.1)]
    [InlineData(19, 0.3, 9, 0.2)]
    public void Step_EachRungOfAShare_MustBeWorthANat(int users, double likelier, double nats, double share)
    {
        var evidence = Evidence();
        (evidence[Near.UsersOfTopics], evidence[Near.UsersOfWaiting]) = (users, users);
        evidence[Near.OfTopics + Near.Topics.Index().Single(t => t.Item == new TopicSpread(likelier, 1.2)).Index] = nats;
        evidence[Near.OfWaiting + Near.Waits.Index().Single(w => w.Item.Spread == new LatencySpread(likelier, 0.01)).Index] = nats;

        var next = SpeechFit.Step(Guessed, evidence);

        next.Topics.ShouldBe(new TopicSpread(share, 1.2));
        next.Latency.ShouldBe(new LatencySpread(share, 0.01));
    }

    [Theory]
    [InlineData(0.02, 0.4, new[] { 0.02, 0.05 }, new[] { 0.4, 0.8 })]
    [InlineData(0.2, 1.2, new[] { 0.1, 0.2, 0.3 }, new[] { 0.8, 1.2, 1.6 })]
    [InlineData(0.9, 2, new[] { 0.7, 0.9 }, new[] { 1.6, 2 })]
    public void Neighbours_AtTheEndsAndBetween_AreARungAwayAtMost(double share, double width, double[] shares, double[] widths)
    {
        var topics = new SpeechNeighbours(Guessed.With(new TopicSpread(share, width))).Topics;

        topics[0].ShouldBe(new TopicSpread(share, width), "of equals the first stays");
        topics.Count.ShouldBe(shares.Length * widths.Length);
        topics.Select(t => t.Share).Distinct().Order().ShouldBe(shares);
        topics.Select(t => t.Width).Distinct().Order().ShouldBe(widths);
    }

    [Fact]
    public void Evidence_OfUsers_CountsThoseWhoSaidSomethingOfIt()
    {
        var pool = RoutingPool.OfSnapshot(SomeSnapshots.ByHand([new("a", .5f, 1), new("b", .6f, 2)]));

        var evidence = SpeechFit.Evidence(pool, Guessed, [
            State(Compare(1, 3), Compare(2, 3)), // one topic
            State(Compare(1, 3), Compare(2, 4)), // two
            State(Compare(1, 0, 2, 5)), // a slower answer against a faster one
            State(Compare(1, 0, 0, 5)), // how slow is not known
            State(SomeSignals.Thumb()), // no comparison to measure the thumb by
            State(Compare(1, 0), SomeSignals.Thumb() with { First = new(.5f, .1f, 0) }),
        ]);

        evidence[Near.UsersOf(FeedbackKind.Comparison)].ShouldBe(5);
        evidence[Near.UsersOf(FeedbackKind.Thumb)].ShouldBe(1);
        evidence[Near.UsersOfTopics].ShouldBe(1);
        evidence[Near.UsersOfWaiting].ShouldBe(1);

        static UserState State(params Signal[] signals) => SomeSignals.State(signals);

        static Signal Compare(int at, byte topic, float first = 0, float second = 0) =>
            new(new SignalKey(at, 0, FeedbackKind.Comparison), at, 1, false, new(.5f, .1f, first), new(.6f, .2f, second)) { Topic = topic };
    }

    private static double[] Evidence() => new double[Near.Length];
}
