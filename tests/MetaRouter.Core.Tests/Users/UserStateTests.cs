using FsCheck;
using FsCheck.Fluent;
using MetaRouter.Core.MetaLearning;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;
using Outcome = MetaRouter.Core.Routing.Outcome;
using static MetaRouter.Core.Tests.Users.SomeSignals;

namespace MetaRouter.Core.Tests.Users;

public class UserStateTests
{
    private static readonly RoutingPool s_pool = RoutingPool.OfSnapshot(Snapshot.Default);

    [Fact]
    public void Add_NewSignal_IsCountedAndFound()
    {
        var state = UserState.Empty.Add(Thumb(), out var outcome);

        outcome.ShouldBe(AddOutcome.Counted);
        state.TryFind(Thumb().Key, out _).ShouldBeTrue();
        state.TryFind(Thumb().Key, out var found).ShouldBeTrue();
        found.ShouldBe(state.Signals.Single());
        UserState.Empty.Signals.ShouldBeEmpty();
    }

    [Fact]
    public void Add_SameSignalTwice_IsARepeatAndTheSameInstance()
    {
        var once = UserState.Empty.Add(Thumb());

        once.Add(Thumb(), out var outcome).ShouldBeSameAs(once);
        outcome.ShouldBe(AddOutcome.Repeat);
    }

    [Fact]
    public void Add_LaterWordOnTheSameDecision_ReplacesTheEarlier()
    {
        var state = UserState.Empty.Add(Thumb(value: 1, saidAfterMs: 1_000)).Add(Thumb(value: 0, saidAfterMs: 1_100), out var outcome);

        outcome.ShouldBe(AddOutcome.Replaced);
        state.Signals.Single().Value.ShouldBe((byte)0);
    }

    [Fact]
    public void Add_EarlierWordThatArrivesLate_IsSuperseded()
    {
        var state = UserState.Empty.Add(Thumb(value: 0, saidAfterMs: 2_000));

        state.Add(Thumb(value: 1, saidAfterMs: 1_000), out var outcome).ShouldBeSameAs(state);
        outcome.ShouldBe(AddOutcome.Superseded);
    }

    [Fact]
    public void Add_Withdrawal_KeepsTheSlotAndKeepsTheRepeatOut()
    {
        var withdrawn = UserState.Empty.Add(Thumb(saidAfterMs: 1_000)).Add(Thumb(saidAfterMs: 9_000, withdrawn: true), out var outcome);

        outcome.ShouldBe(AddOutcome.Withdrawn);
        withdrawn.Signals.Single().Withdrawn.ShouldBeTrue();
        withdrawn.Add(Thumb(saidAfterMs: 1_000)).ShouldBeSameAs(withdrawn);
    }

    [Fact]
    public void Add_WithdrawalAtTheSameInstant_WinsInEitherOrder()
    {
        Signal[] both = [Thumb(), Thumb(withdrawn: true)];

        State(both).Signals.Single().Withdrawn.ShouldBeTrue();
        State(both.Reverse()).Signals.Single().Withdrawn.ShouldBeTrue();
    }

    [Fact]
    public void Add_ToAFullWindow_DropsTheLeastKeyAndRefusesWhatIsBelowIt()
    {
        var full = State(Enumerable.Range(1, UserState.Window).Select(i => Thumb(Start + (i * 1_000))));

        full.Add(Thumb(Start), out var below).ShouldBeSameAs(full);
        below.ShouldBe(AddOutcome.BelowFloor);

        var moved = full.Add(Thumb(Start + 1_500), out var counted);
        counted.ShouldBe(AddOutcome.Counted);
        moved.Signals.Length.ShouldBe(UserState.Window);
        moved.TryFind(Thumb(Start + 1_000).Key, out _).ShouldBeFalse();
        moved.Signals[0].Key.ShouldBe(Thumb(Start + 1_500).Key);
        moved.Signals[^1].Key.ShouldBe(full.Signals[^1].Key);
    }

    [Fact]
    public void Add_WordOnQualityAlone_TakesNoPlaceOfOneThatSpeaksAndMakesRoomForIt()
    {
        var full = State(Enumerable.Range(0, UserState.Window).Select(i => Thumb(Start + i)));

        full.Add(Rating(Start + Day), out var refused).ShouldBeSameAs(full);
        refused.ShouldBe(AddOutcome.BelowFloor);

        var mixed = State([.. full.Signals.Skip(2), Rating(Start + Day), Rating(Start + Day + 1)]);
        mixed.Count.ShouldBe(UserState.Window);
        mixed.Add(full.Signals[0], out var counted).Signals.ShouldBe([full.Signals[0], .. full.Signals.Skip(2), mixed.Signals[^1]]);
        counted.ShouldBe(AddOutcome.Counted);
        mixed.Merge(full).Signals.ShouldBe(full.Signals);
    }

    /// <summary>Any number of them, of any time, in any order.</summary>
    [Fact]
    public void Add_WordsOnQualityAlone_LeaveTheBeliefAndThePopulationsEvidenceToTheLastBit() =>
        Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new Random(seed);
            var speaking = Spread(random, random.Next(100), days: 30, latestMs: Day).Where(s => !s.Key.Kind.IsOfQualityAlone()).Select(s => s with { Topic = (byte)random.Next(4) }).ToArray();
            var quality = Enumerable.Range(0, random.Next(200)).Select(_ => Rating(Start - Day + (long)(random.NextDouble() * 40 * Day), random) with { Topic = (byte)random.Next(4) });
            Signal[] all = [.. speaking, .. quality];
            random.Shuffle(all);
            var (alone, beside) = (new UserModel(s_pool, State(speaking)), new UserModel(s_pool, State(all)));
            return beside.State.Signals.Where(s => !s.Key.Kind.IsOfQualityAlone()).SequenceEqual(alone.State.Signals)
                && beside.Belief.Joint.SequenceEqual(alone.Belief.Joint) && beside.ActingLambda == alone.ActingLambda
                && beside.Summarise() is var summary && summary.Signals == alone.Summarise().Signals && summary.LogLikelihood.SequenceEqual(alone.Summarise().LogLikelihood);
        }));

    [Fact]
    public void Add_KeepsSignalsAscendingByKey()
    {
        var random = new Random(1);
        var state = UserState.Empty;
        for (var i = 0; i < 500; i++)
        {
            state = state.Add(Colliding(random));
            state.Signals.Zip(state.Signals.Skip(1)).ShouldAllBe(pair => pair.First.Key < pair.Second.Key);
        }

        state.Signals.Length.ShouldBe(UserState.Window);
    }

    [Fact]
    public void Add_ClientClockBehindTheRouters_CountsAsTheDecisionsTime() =>
        UserState.Empty.Add(Thumb(saidAfterMs: -60_000)).Signals.Single().ClientTimeMs.ShouldBe(Start);

    [Fact]
    public void Add_WhatIsInMemory_IsWhatTheRecordStores()
    {
        var random = new Random(2);
        for (var i = 0; i < 200; i++)
        {
            var state = State(Spread(random, random.Next(1, 80), days: 60, latestMs: Day, withLatency: i % 2 == 0));
            UserState.Read(state.ToBytes()).Signals.ShouldBe(state.Signals);
            State(state.Signals).Signals.ShouldBe(state.Signals);
        }
    }

    [Fact]
    public void Add_RoundsWithinTheStatedSteps()
    {
        var random = new Random(3);
        foreach (var signal in Spread(random, 300, days: 60, latestMs: Day))
        {
            var kept = UserState.Empty.Add(signal).Signals.Single();
            kept.First.Quality.ShouldBe(signal.First.Quality, 0.5 / 255 + 1e-6);
            (signal.ClientTimeMs - kept.ClientTimeMs).ShouldBeInRange(0, 99);
            (kept.First.CostUsd == 0).ShouldBe(signal.First.CostUsd == 0);
            if (signal.First.CostUsd is >= 1e-7f and <= 10)
            {
                (kept.First.CostUsd / signal.First.CostUsd).ShouldBe(1, 0.038);
            }

            if (signal.First.LatencySeconds is >= 0.05f and <= 120)
            {
                (kept.First.LatencySeconds / signal.First.LatencySeconds).ShouldBeInRange(0.75f, 1.33f);
            }
        }
    }

    public static TheoryData<string, Signal> Invalid() => new()
    {
        { "quality", Thumb() with { First = new Outcome(float.NaN, 0, 0) } },
        { "quality", Thumb() with { Second = new Outcome(1.01f, 0, 0) } },
        { "cost", Thumb() with { First = new Outcome(1, -1e-9f, 0) } },
        { "latency", Thumb() with { First = new Outcome(1, 0, float.PositiveInfinity) } },
        { "nonce", Thumb(nonce: SignalKey.MaxNonce + 1) },
        { "decision time", Thumb(decisionTimeMs: -1) },
        { "decision time", Thumb(decisionTimeMs: SignalKey.MaxDecisionTimeMs + 1) },
        { "0 to 1", Thumb(value: 2) },
        { "1 to 5", Thumb(value: 0) with { Key = new SignalKey(Start, 1, FeedbackKind.Rating) } },
        { "no kind", Thumb() with { Key = new SignalKey(Start, 1, (FeedbackKind)9) } },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Add_InvalidSignal_IsRefusedByName(string named, Signal signal) =>
        Should.Throw<ArgumentException>(() => UserState.Empty.Add(signal)).Message.ShouldContain(named);

    [Fact]
    public void Merge_AnyOrder_SameBytes() => ForAnySignals((signals, random) =>
    {
        var shuffled = signals.ToArray();
        random.Shuffle(shuffled);
        return Same(State(signals), State(shuffled));
    });

    [Fact]
    public void Merge_AnyRepetition_SameBytes() => ForAnySignals((signals, random) =>
    {
        var repeated = signals.Concat(random.GetItems(signals, signals.Length)).ToArray();
        random.Shuffle(repeated);
        return Same(State(signals), State(repeated));
    });

    [Fact]
    public void Merge_AnyTree_SameBytes() => ForAnySignals((signals, random) =>
    {
        // Parts overlap, so that every join sees the same key from both sides.
        var parts = Enumerable.Range(0, 6).Select(_ => State(random.GetItems(signals, signals.Length / 2))).Append(State(signals)).ToList();
        while (parts.Count > 1)
        {
            var (i, j) = (random.Next(parts.Count), random.Next(parts.Count - 1));
            var taken = parts[i];
            parts.RemoveAt(i);
            parts[j] = random.Next(2) == 0 ? parts[j].Merge(taken) : taken.Merge(parts[j]);
        }

        return Same(State(signals), parts[0]);
    });

    [Fact]
    public void Merge_OfThree_IsAssociativeCommutativeAndIdempotent() => ForAnySignals((signals, random) =>
    {
        var (a, b, c) = (Some(), Some(), Some());
        var both = a.Merge(b);
        return Same(both.Merge(c), a.Merge(b.Merge(c))) && Same(both, b.Merge(a)) && ReferenceEquals(a.Merge(a), a) && ReferenceEquals(both.Merge(b).Merge(a), both);

        UserState Some() => State(random.GetItems(signals, random.Next(signals.Length + 1)));
    });

    [Fact]
    public void Merge_WithNothingNew_IsTheSameInstance()
    {
        var all = State(Enumerable.Range(0, 10).Select(i => Thumb(Start + i)));
        var some = State(Enumerable.Range(0, 5).Select(i => Thumb(Start + i)));

        all.Merge(some).ShouldBeSameAs(all);
        some.Merge(all).ShouldBeSameAs(all);
        all.Merge(UserState.Empty).ShouldBeSameAs(all);
    }

    private static Signal Rating(long decisionTimeMs, Random? random = null) => Thumb(decisionTimeMs, value: 1, withdrawn: random?.Next(9) == 0) with
    {
        Key = new SignalKey(decisionTimeMs, (uint)(random?.Next(1_000) ?? 0), random?.Next(2) == 0 ? FeedbackKind.TaskSuccess : FeedbackKind.Rating),
    };

    private static void ForAnySignals(Func<Signal[], Random, bool> claim) =>
        Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new Random(seed);
            return claim([.. Enumerable.Range(0, random.Next(1, 250)).Select(_ => Colliding(random))], random);
        }));

    private static bool Same(UserState left, UserState right) => left.ToBytes().AsSpan().SequenceEqual(right.ToBytes());
}
