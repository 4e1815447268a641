using System.Collections.Immutable;
using MetaRouter.Core.Users;

namespace MetaRouter.Faults.Tests;

/// <summary>The checker sees every kind of mistake, and nothing where there is none.</summary>
public sealed class HistoryCheckerTests
{
    private static readonly SignalKey Key = new(1000, 1, FeedbackKind.Thumb), Other = new(2000, 2, FeedbackKind.Thumb);
    private readonly History _history = new();

    [Fact]
    public void Acknowledged_AndThere_IsClean() => Check(() => Say(Key, 1, Reply.Counted), Signal(Key, 1)).IsClean.ShouldBeTrue();

    [Fact]
    public void Acknowledged_AndGone_IsLost() => Check(() => Say(Key, 1, Reply.Counted)).Lost.ShouldBe(1);

    [Fact]
    public void Known_AndGone_IsLost() => Check(() =>
    {
        Say(Key, 1, Reply.Unknown);
        Say(Key, 1, Reply.Known);
    }).Lost.ShouldBe(1);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Unknown_MayBeThereOrNot(bool isThere) => Check(() => Say(Key, 1, Reply.Unknown), isThere ? [Signal(Key, 1)] : []).IsClean.ShouldBeTrue();

    [Fact]
    public void There_Twice_IsDoubled() => Check(() => Say(Key, 1, Reply.Counted), Signal(Key, 1), Signal(Key, 1)).Doubled.ShouldBe(1);

    [Fact]
    public void SameWord_CountedTwice_IsDoubled() => Check(() =>
    {
        Say(Key, 1, Reply.Counted);
        Say(Key, 1, Reply.Counted);
    }, Signal(Key, 1)).Doubled.ShouldBe(1);

    [Fact]
    public void LaterWord_Overwritten_IsLost() => Check(() =>
    {
        Say(Key, 1, Reply.Counted, 10);
        Say(Key, 0, Reply.Counted, 20);
    }, Signal(Key, 1)).Lost.ShouldBe(1);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void NeverSaidOrRefused_AndThere_IsWrong(bool isRefused) => Check(() =>
    {
        if (isRefused)
        {
            Say(Key, 1, Reply.Refused);
        }
    }, Signal(Key, 1)).Wrong.ShouldBe(1);

    [Fact]
    public void AnotherValue_IsWrong() => Check(() => Say(Key, 1, Reply.Counted), Signal(Key, 0)).Wrong.ShouldBe(1);

    [Fact]
    public void Known_ThoughNeverSaidBefore_IsWrong() => Check(() => Say(Key, 1, Reply.Known), Signal(Key, 1)).Wrong.ShouldBe(1);

    [Fact]
    public void Erased_AndBack_IsWrong() => Check(() =>
    {
        Say(Key, 1, Reply.Counted);
        Erase();
    }, Signal(Key, 1)).Wrong.ShouldBe(1);

    [Fact]
    public void Erased_AndGone_IsCleanAndWhatWasDecidedAfterwardsStays() => Check(() =>
    {
        Say(Key, 1, Reply.Counted);
        Erase();
        Say(Other, 1, Reply.Counted);
    }).Lost.ShouldBe(1);

    [Theory]
    [InlineData(Reply.Counted, 1)]
    [InlineData(Reply.Known, 0)]
    [InlineData(Reply.Refused, 0)]
    [InlineData(Reply.Unknown, 0)]
    public void SaidAgainAfterTheErasure_AndCounted_IsWrong_ThoughErasedAgain(object reply, int wrong) => Check(() =>
    {
        Say(Key, 1, Reply.Counted);
        Erase();
        Say(Key, 1, (Reply)reply, 20);
        Erase();
    }).Wrong.ShouldBe(wrong);

    [Fact]
    public void AcknowledgedByANode_AndNotShownByIt_IsWrong() => Check(() =>
    {
        Say(Key, 1, Reply.Counted);
        _history.Add(new Seen("u", 0, _history.Next(), ImmutableHashSet<SignalKey>.Empty));
        _history.Add(new Seen("u", 1, _history.Next(), ImmutableHashSet<SignalKey>.Empty)); // another may be late
    }, Signal(Key, 1)).Wrong.ShouldBe(1);

    [Theory]
    [InlineData(Reply.Counted, 1)]
    [InlineData(Reply.Known, 0)] // by a gateway that had it in memory
    public void SaidAfterTheStoreWasDestroyed_AndGone_IsLostIfItWasCounted(object reply, int lost) => Check(() =>
    {
        Say(Key, 1, Reply.Counted);
        Destroy();
        Say(Key, 1, (Reply)reply);
    }).Lost.ShouldBe(lost);

    [Fact]
    public void SaidFirstAfterTheStoreWasDestroyed_AndKnown_AndGone_IsLost() => Check(() =>
    {
        Destroy();
        Say(Key, 1, Reply.Unknown);
        Say(Key, 1, Reply.Known);
    }).Lost.ShouldBe(1);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void CountedBeforeTheStoreWasDestroyed_MayBeThereOrNot(bool isThere) => Check(() =>
    {
        Say(Key, 1, Reply.Counted);
        Destroy();
    }, isThere ? [Signal(Key, 1)] : []).IsClean.ShouldBeTrue();

    [Fact]
    public void CountedBeforeAndAfterTheStoreWasDestroyed_IsClean_AndTwiceAfterIt_IsDoubled()
    {
        Check(() =>
        {
            Say(Key, 1, Reply.Counted);
            Destroy();
            Say(Key, 1, Reply.Counted);
        }, Signal(Key, 1)).IsClean.ShouldBeTrue();
        Check(() => Say(Key, 1, Reply.Counted), Signal(Key, 1)).Doubled.ShouldBe(1);
    }

    private static Signal Signal(SignalKey key, byte value) => new(key, 10, value, false, default, default);

    private Verdict Check(Action act, params Signal[] final)
    {
        act();
        return HistoryChecker.Check(_history, new Dictionary<string, IReadOnlyList<Signal>> { ["u"] = final });
    }

    private void Say(SignalKey key, byte value, Reply reply, long saidMs = 10) => _history.Add(new Said("u", 0, _history.Next(), key, value, false, saidMs, _history.Next(), _history.Next(), reply));

    private void Destroy() => _history.Add(new Destroyed(_history.Next(), _history.Next()));

    private void Erase() => _history.Add(new Erased("u", _history.Next(), _history.Next()));
}
