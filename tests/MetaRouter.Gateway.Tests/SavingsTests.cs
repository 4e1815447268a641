using System.Text.Json;
using MetaRouter.Core.Catalog;
using MetaRouter.Core.Traffic;
using MetaRouter.Gateway.Http;
using MetaRouter.Gateway.Router;

namespace MetaRouter.Gateway.Tests;

/// <summary>A report reads a whole log, which grows for months: who asks again and again must not keep the gateway reading.</summary>
public sealed class SavingsTests
{
    private readonly StillTime _time = new();
    private int _reads;

    [Fact]
    public async Task Report_AskedForByManyAtOnce_IsMadeOnce()
    {
        var (reports, go) = (new SavingsReports(_time), new TaskCompletionSource());

        var asked = Enumerable.Range(0, 20).Select(_ => reports.GetAsync("t", () => MakeAsync(go.Task), CancellationToken.None)).ToArray();
        go.SetResult();

        (await Task.WhenAll(asked)).Distinct().Count().ShouldBe(1);
        _reads.ShouldBe(1);
    }

    [Fact]
    public async Task Report_IsGivenAgainForTenTimesAsLongAsItTook_AndIsEachTenantsOwn()
    {
        var reports = new SavingsReports(_time);
        var first = await AskAsync("t", seconds: 3);

        (await AskAsync("other", seconds: 0)).ShouldNotBeSameAs(first);
        _time.Ahead += TimeSpan.FromSeconds(29.9);
        (await AskAsync("t", seconds: 0)).ShouldBeSameAs(first);
        _time.Ahead += TimeSpan.FromSeconds(0.2);
        (await AskAsync("t", seconds: 0)).ShouldNotBeSameAs(first);
        _reads.ShouldBe(3);

        Task<SavingsReport> AskAsync(string tenant, int seconds) => reports.GetAsync(tenant, () =>
        {
            _time.Ahead += TimeSpan.FromSeconds(seconds);
            return MakeAsync(Task.CompletedTask);
        }, CancellationToken.None);
    }

    [Fact]
    public async Task Report_ThatFails_IsMadeAnew_AndWhoLeavesEndsItForNobodyElse()
    {
        var (reports, go) = (new SavingsReports(_time), new TaskCompletionSource());
        await Should.ThrowAsync<IOException>(() => reports.GetAsync("t", () => throw new IOException(), CancellationToken.None));
        await Should.ThrowAsync<IOException>(() => reports.GetAsync("t", () => Task.FromException<SavingsReport>(new IOException()), CancellationToken.None));

        using var leaves = new CancellationTokenSource();
        var (left, stays) = (reports.GetAsync("t", () => MakeAsync(go.Task), leaves.Token), reports.GetAsync("t", () => MakeAsync(go.Task), CancellationToken.None));
        await leaves.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => left);
        go.SetResult();

        (await stays).Requests.ShouldBe(0);
        _reads.ShouldBe(1);
    }

    [Theory]
    [InlineData(0, """{"requests":0,"spent_usd":0,"method":""")]
    [InlineData(1, """{"requests":1,"spent_usd":2,"would_have_spent_usd":{"value":0.5},"saved_share":{"value":0.75},"quality_change":{"value":-0.25},"method":""")]
    [InlineData(2, """{"requests":2,"spent_usd":4,"would_have_spent_usd":{"value":1,"low":1,"high":1},"saved_share":{"value":0.75,"low":0.75,"high":0.75},"quality_change":{"value":-0.25,"low":-0.25,"high":-0.25},"method":""")]
    public void Report_OfFewerRequestsThanAnIntervalIsOver_HasNone(int requests, string told)
    {
        var report = SavingsReport.Of([.. Enumerable.Repeat(new UnfollowedRequest(2, 0.5, -0.25), requests)]);

        JsonSerializer.Serialize(report, GatewayJson.Default).ShouldStartWith(told);
    }

    /// <summary>The served model cost twice what was predicted of it, so the chosen one would have too.</summary>
    [Fact]
    public async Task Report_OfTheLog_CountsWhatTheChosenModelWouldHaveCostAndGiven()
    {
        const string candidates = """ "candidates":[{"model":"cheap","quality":0.5,"cost_usd":0.5},{"model":"dear","quality":0.75,"cost_usd":2}]} """;
        string[] log = ["""{"mode":"observe","served":"dear","chosen":"cheap","cost_usd":4,""" + candidates, """{"mode":"apply","served":"dear","chosen":"dear","cost_usd":9,""" + candidates, """{"mode":"observe","served":"de"""];

        var report = await SavingsReport.ReadAsync(log.ToAsyncEnumerable(), new HashSet<ModelId>());

        (report.Requests, report.SpentUsd, report.WouldHaveSpentUsd?.Value, report.SavedShare?.Value, report.QualityChange?.Value).ShouldBe((1, 4, 1, 0.75, -0.25));
    }

    private async Task<SavingsReport> MakeAsync(Task until)
    {
        Interlocked.Increment(ref _reads);
        await until;
        return SavingsReport.Of([]);
    }

    /// <summary>Nothing takes time but what is said to.</summary>
    private sealed class StillTime : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override long GetTimestamp() => (long)(Ahead.TotalSeconds * TimestampFrequency);
    }
}
