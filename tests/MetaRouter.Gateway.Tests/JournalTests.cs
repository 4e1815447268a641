using System.Runtime.CompilerServices;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Traffic;
using MetaRouter.Core.Users;
using MetaRouter.Gateway.WebConsole;
using MetaRouter.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace MetaRouter.Gateway.Tests;

public sealed class JournalTests
{
    [Fact]
    public void Entries_TakeWhatTheDocumentsSay()
    {
        (Unsafe.SizeOf<JournalRecord>() + sizeof(ushort)).ShouldBe(90);
        Unsafe.SizeOf<JournalCandidate>().ShouldBe(24);
    }

    [Fact]
    public void Add_BeyondTheMemory_DropsTheOldest()
    {
        var journal = new Journal(1_000_000, 1_000_000);
        for (var i = 1; i <= 20_000; i++)
        {
            Add(journal, i);
        }

        var kept = journal.NewestFirst().Select(e => e.Record.TimeMs).ToArray();

        kept[0].ShouldBe(20_000);
        kept.ShouldBe(Enumerable.Range(0, kept.Length).Select(i => 20_000L - i));
        ((double)kept.Length * (90 + (8 * 24))).ShouldBeInRange(850_000, 1_000_000);
    }

    [Fact]
    public void Add_ToAFullOne_TakesNoMemoryAndNothingFromWhoReads()
    {
        var journal = new Journal(1_000_000, 1_000_000);
        var i = 0;
        AddMany(20_000);
        AddMany(20_000).ShouldBe(0);

        using (var reading = journal.NewestFirst().GetEnumerator())
        {
            reading.MoveNext();
            AddMany(20_000).ShouldBeGreaterThan(1_000_000);
            for (var expected = 40_000L; expected > 37_000; expected--, reading.MoveNext())
            {
                reading.Current.Record.TimeMs.ShouldBe(expected);
            }
        }

        AddMany(20_000).ShouldBe(0);
        journal.NewestFirst().First().Record.TimeMs.ShouldBe(80_000);

        long AddMany(int count)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var last = i + count; i < last;)
            {
                Add(journal, ++i);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public async Task Read_WhileOthersWrite_SeesWholeEntriesInOrder()
    {
        var journal = new Journal(5_000, 64_000_000);
        using var done = new CancellationTokenSource();
        var writing = Task.Run(() =>
        {
            for (var i = 1; !done.IsCancellationRequested; i++)
            {
                Add(journal, i);
            }
        });
        for (var round = 0; round < 200; round++)
        {
            var (last, count) = (long.MaxValue, 0);
            foreach (var entry in journal.NewestFirst())
            {
                var time = entry.Record.TimeMs;
                time.ShouldBeLessThan(last);
                entry.Record.Sequence.ShouldBe(time);
                entry.Candidates.Length.ShouldBe(8);
                entry.Candidates[7].Utility.ShouldBe(time);
                (last, count) = (time, count + 1);
            }

            count.ShouldBeLessThanOrEqualTo(5_000);
        }

        await done.CancelAsync();
        await writing;
    }

    [Fact]
    public async Task Decided_AllocatesLittleMoreThanItsEntry()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var (recorder, router) = (gateway.App.Services.GetRequiredService<ConsoleRecorder>(), gateway.App.Services.GetRequiredService<IEdgeRouter>());
        var decision = await router.RouteAsync("default", "ada", new RouteRequest("hello"));
        var allocated = Measure(1_000);
        allocated = Measure(10_000);

        allocated.ShouldBeLessThan(500); // 282 bytes of entry, its segment's index, and now and then a tally

        double Measure(int times)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < times; i++)
            {
                recorder.Decided("default", decision);
            }

            return (double)(GC.GetAllocatedBytesForCurrentThread() - before) / times;
        }
    }

    [Fact]
    public void Said_MoreThanItHolds_KeepsTheLatestOfEachDecision()
    {
        var said = new FeedbackJournal(10);
        for (var i = 0; i < 25; i++)
        {
            said.Add(new JournalFeedback(1, 7, i / 5, 0, FeedbackKind.Thumb, (byte)(i % 2), false, i % 5 != 0, i));
        }

        said.Of(1, 4, 0).Select(s => s.AtMs).ShouldBe([20, 21, 22, 23, 24]);
        said.Of(1, 3, 0).Select(s => s.AtMs).ShouldBe([15, 16, 17, 18, 19]);
        said.Of(1, 2, 0).ShouldBeEmpty();
        said.Of(2, 4, 0).ShouldBeEmpty();
        said.CountByUser(1)[7].ShouldBe(8);
        said.Forget(1, 7, 0);
        said.CountByUser(1).GetValueOrDefault(7ul).ShouldBe(0);
    }

    [Fact]
    public async Task Forget_WhatWasUnderWayThen_IsNobodysToo()
    {
        await using var gateway = await RunningGateway.StartAsync();
        var (recorder, router) = (gateway.App.Services.GetRequiredService<ConsoleRecorder>(), gateway.App.Services.GetRequiredService<IEdgeRouter>());
        var underWay = await router.RouteAsync("default", "ada", new RouteRequest("hello"));
        var feedback = new Feedback(underWay.Token, FeedbackKind.Thumb, 1);
        var learned = await router.LearnAsync("default", "ada", feedback);
        await router.EraseAsync("default", "ada");
        recorder.Forget("default", "ada");
        var served = new ServedCall("apply", underWay.Model, false) { LatencySeconds = 60 };
        recorder.Called("default", underWay, served, 200, secondUsd: null);
        recorder.FeedbackGiven("default", "ada", feedback, learned);
        recorder.Unrouted("default", "ada", underWay.Model, isAuto: false, served, 200);
        recorder.Decided("default", await router.RouteAsync("default", "bob", new RouteRequest("hello")));

        var (entries, number) = (recorder.Journal.NewestFirst().Select(e => e.Record.User).ToArray(), recorder.Of("default").Number);
        entries.Length.ShouldBe(3);
        entries[0].ShouldNotBe(0ul);
        entries[1..].ShouldAllBe(user => user == 0);
        recorder.Feedback.CountByUser(number).Keys.ShouldBe([0ul]);

        // Whoever comes back is somebody again.
        gateway.Time.Ahead += TimeSpan.FromMinutes(1);
        recorder.Decided("default", await router.RouteAsync("default", "ada", new RouteRequest("hello")));
        recorder.Unrouted("default", "ada", underWay.Model, isAuto: false, served with { LatencySeconds = 1 }, 200);
        recorder.Journal.NewestFirst().Select(e => e.Record.User).Take(2).ShouldAllBe(user => user == underWay.Receipt.UserHash);
    }

    [Fact]
    public void Forget_TwiceInADay_HoldsADayFromTheLast()
    {
        const long day = 24 * 3_600_000L;
        var erasures = new RecentErasures();
        erasures.Add(1, 7, 0);
        erasures.Add(1, 7, day - 1);

        erasures.Add(1, 8, day + 1);

        (erasures.UserOf(1, 7, day - 2), erasures.UserOf(1, 7, day), erasures.UserOf(2, 7, 0)).ShouldBe((0UL, 7UL, 7UL));
    }

    [Fact]
    public void Traffic_OfLongAgo_DoesNotTakeThePlaceOfNow()
    {
        var traffic = new TenantTraffic(1, 2);
        const long now = 1_767_225_600_000;
        var call = new TrafficCall { Served = 0, Offered = -1, Strongest = -1, SpentUsd = 1, LatencyMs = 1 };
        traffic.Add(now, now, call);
        for (var hours = 1; hours < 72; hours++)
        {
            traffic.Add(now - (hours * 3_600_000L) - 5_000, now, call); // a call that took so long
        }

        Sum(60).ShouldBe(1);
        Sum(TenantTraffic.LongestMinutes).ShouldBe(24);

        long Sum(int minutes) => traffic.Last(minutes, now).Buckets.Sum(b => b.Requests);
    }

    [Fact]
    public void Traffic_ClockADayAheadAndSetBack_CountsNow()
    {
        var traffic = new TenantTraffic(1, 2);
        const long now = 1_767_225_600_000, day = 24 * 3_600_000L;
        var call = new TrafficCall { Served = 0, Offered = -1, Strongest = -1, SpentUsd = 1, LatencyMs = 1 };
        for (var t = 0L; t < day; t += 5_000)
        {
            traffic.Add(now + day + t, now + day + t, call);
        }

        for (var t = now; t < now + 600_000; t += 5_000)
        {
            traffic.Add(t, t, call);
        }

        Sum(60).ShouldBe(120);
        Sum(TenantTraffic.LongestMinutes).ShouldBe(120);

        long Sum(int minutes) => traffic.Last(minutes, now + 599_999).Buckets.Sum(b => b.Requests);
    }

    private static void Add(Journal journal, int i)
    {
        var record = new JournalRecord { TimeMs = i, Tenant = 1, Chosen = 0, Offered = -1 };
        Span<JournalCandidate> candidates = stackalloc JournalCandidate[8];
        candidates[7].Utility = i;
        journal.Add(ref record, candidates, i);
    }
}
