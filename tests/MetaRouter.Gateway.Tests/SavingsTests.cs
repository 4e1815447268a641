using MetaRouter.Gateway.Router;

namespace MetaRouter.Gateway.Tests;

/// <summary>A report reads a whole log, which grows for months: who asks again and again must not keep the gateway reading.</summary>
public sealed class SavingsTests
{
    private readonly MovableTime _time = new();
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
        _time.Ahead += TimeSpan.FromSeconds(29);
        (await AskAsync("t", seconds: 0)).ShouldBeSameAs(first);
        _time.Ahead += TimeSpan.FromSeconds(5);
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

    private async Task<SavingsReport> MakeAsync(Task until)
    {
        Interlocked.Increment(ref _reads);
        await until;
        return SavingsReport.Of([]);
    }
}
