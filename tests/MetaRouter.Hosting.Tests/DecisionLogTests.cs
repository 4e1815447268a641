using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Text;
using MetaRouter.Core.Users;

namespace MetaRouter.Hosting.Tests;

// That a line has the propensities and neither text nor identity is part of the contract.
public sealed class DecisionLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RouterMetrics _metrics = new();
    private readonly ConcurrentQueue<string> _errors = [];

    public void Dispose()
    {
        _folder.Dispose();
        _metrics.Dispose();
    }

    [Fact]
    public async Task Offer_ToAFullQueue_DropsAndCountsEachExactly()
    {
        using var log = new DecisionLog(_folder.File("log"), 100, _metrics, new ErrorLog<DecisionLog>(_errors));
        var decision = Decide();

        // Nobody reads yet.
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                log.Offer(decision);
            }
        })));
        log.Dropped.ShouldBe(80_000 - 100);

        await log.StartAsync(default);
        await log.StopAsync(default);
        (await File.ReadAllLinesAsync(_folder.File("log"))).Length.ShouldBe(100);
    }

    [Fact]
    public async Task UnwritablePath_IsReportedOnceAndStopsNobody()
    {
        using var log = new DecisionLog(_folder.Path, 100, _metrics, new ErrorLog<DecisionLog>(_errors)); // a folder
        await log.StartAsync(default);
        for (var i = 0; _errors.IsEmpty && i < 500; i++)
        {
            await Task.Delay(10);
        }

        for (var i = 0; i < 500; i++)
        {
            log.Offer(Decide());
        }

        log.Dropped.ShouldBe(400);
        _errors.ShouldHaveSingleItem().ShouldContain(_folder.Path);
        await log.StopAsync(default);
        log.Dropped.ShouldBe(500);
        _errors.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Pipe_IsSaidToBeNoFile()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // whose pipes have no path
        }

        using (var made = Process.Start("mkfifo", [_folder.File("log")]))
        {
            await made.WaitForExitAsync();
        }

        using var log = new DecisionLog(_folder.File("log"), 100, _metrics, new ErrorLog<DecisionLog>(_errors));
        await log.StartAsync(default);
        await UntilAsync(() => !_errors.IsEmpty);
        await log.StopAsync(default);

        _errors.ShouldHaveSingleItem().ShouldContain("a pipe or a device");
    }

    [Fact]
    public async Task PathThatCannotBeWrittenForAWhile_GoesOnByItselfAndSaysBothOnce()
    {
        var folder = _folder.File("logs");
        await File.WriteAllTextAsync(folder, "a file where the log's folder belongs");
        using var log = new DecisionLog(Path.Combine(folder, "log"), 100, _metrics, new ErrorLog<DecisionLog>(_errors));
        await log.StartAsync(default);
        for (var i = 0; i < 120; i++)
        {
            log.Offer(Decide());
        }

        await UntilAsync(() => !_errors.IsEmpty);
        File.Delete(folder);
        Directory.CreateDirectory(folder);
        await UntilAsync(() => _errors.Count > 1);

        log.Offer(Decide());
        await log.StopAsync(default);
        (await File.ReadAllLinesAsync(Path.Combine(folder, "log"))).Length.ShouldBe(101);
        log.Dropped.ShouldBe(20);
        _errors.Count.ShouldBe(2);
        _errors.Last().ShouldContain("again");
    }

    [MountFact]
    public async Task FullDisk_WithRoomAgain_HasEveryLineOnceAndWhole()
    {
        using var disk = new SmallDisk(256);
        using var log = new DecisionLog(disk.File("log"), 1000, _metrics, new ErrorLog<DecisionLog>(_errors));
        await File.WriteAllBytesAsync(disk.File("filler"), new byte[200 << 10]);
        await log.StartAsync(default);
        var (receipt, thumb, offered) = (Decide().Receipt, new Feedback("", FeedbackKind.Thumb, 1), 0u);
        for (var round = 1; round <= 2; round++)
        {
            await UntilAsync(() =>
            {
                for (var i = 0; i < 10; i++)
                {
                    log.Offer(receipt with { Nonce = ++offered }, thumb);
                }

                return _errors.Count == (2 * round) - 1;
            });
            File.Delete(disk.File("filler"));
            await UntilAsync(() => _errors.Count == 2 * round);
            if (round == 1)
            {
                await File.WriteAllBytesAsync(disk.File("filler"), new byte[64 << 10]);
            }
        }

        await log.StopAsync(default);
        var lines = await File.ReadAllLinesAsync(disk.File("log"));
        var nonces = lines.Select(l => JsonSerializer.Deserialize<JsonElement>(l).GetProperty("nonce").GetInt32()).ToArray();
        nonces.ShouldBeUnique();
        nonces.ShouldBeInOrder();
        (nonces.Length + log.Dropped).ShouldBe(offered);
        _errors.Count.ShouldBe(4);
    }

    [Fact]
    public async Task Rotated_ByEachOfTheWaysThatLogsAre_GoesOnInANewFileWithoutLossOrHoles()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // which moves no open file
        }

        var (path, earlier) = (_folder.File("log"), _folder.File("log.1"));
        using var log = new DecisionLog(path, 100, _metrics, new ErrorLog<DecisionLog>(_errors));
        await log.StartAsync(default);
        var (receipt, thumb) = (Decide().Receipt, new Feedback("", FeedbackKind.Thumb, 1));
        await WriteAsync(1);

        File.Move(path, earlier);
        await WriteAsync(2);
        File.Delete(path);
        await WriteAsync(3);
        await using (var emptied = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
        {
            emptied.SetLength(0); // copytruncate
        }

        await WriteAsync(4);
        await log.StopAsync(default);
        (await File.ReadAllLinesAsync(earlier)).ShouldHaveSingleItem();
        _errors.ShouldBeEmpty();

        async Task WriteAsync(uint nonce)
        {
            log.Offer(receipt with { Nonce = nonce }, thumb);
            await UntilAsync(() => File.Exists(path) && File.ReadAllLines(path) is [var line] && line.Contains($"\"nonce\":{nonce},", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Log_ThroughALink_IsWritten()
    {
        await File.WriteAllTextAsync(_folder.File("target"), "");
        File.CreateSymbolicLink(_folder.File("log"), _folder.File("target"));
        using var log = new DecisionLog(_folder.File("log"), 100, _metrics, new ErrorLog<DecisionLog>(_errors));
        await log.StartAsync(default);
        for (var lines = 1; lines <= 2; lines++)
        {
            log.Offer(Decide());
            await UntilAsync(() => File.ReadAllLines(_folder.File("target")).Length == lines);
        }

        await log.StopAsync(default);
        _errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Start_AfterADeathWithinALine_BeginsALineOfItsOwn()
    {
        await File.WriteAllTextAsync(_folder.File("log"), "{\"whole\":1}\n{\"torn\":");
        using var log = new DecisionLog(_folder.File("log"), 100, _metrics, new ErrorLog<DecisionLog>(_errors));
        log.Offer(Decide());
        await log.StartAsync(default);
        await log.StopAsync(default);

        var lines = await File.ReadAllLinesAsync(_folder.File("log"));
        lines.Length.ShouldBe(3);
        using var json = JsonDocument.Parse(lines[2]);
        json.RootElement.GetProperty("propensity").GetDouble().ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task SecondProcess_WritesNothingUntilTheFirstHasEnded_AndSaysWhy()
    {
        using var first = Process.Start(Programs.Of(CrashTests.Program, "log", _folder.File("log")))!;
        (await first.StandardOutput.ReadLineAsync()).ShouldBe("logging");
        await UntilAsync(() => File.ReadAllLines(_folder.File("log")).Length == 1);
        using var second = new DecisionLog(_folder.File("log"), 100, _metrics, new ErrorLog<DecisionLog>(_errors));
        second.Offer(Decide());

        await second.StartAsync(default);
        await UntilAsync(() => !_errors.IsEmpty);

        _errors.ShouldHaveSingleItem().ShouldContain("another process writes it; give each a file of its own (MetaRouter:DecisionLog)");
        File.ReadAllLines(_folder.File("log")).Length.ShouldBe(1);
        first.Kill(); // also one that dies keeps nobody out
        await UntilAsync(() => File.ReadAllLines(_folder.File("log")).Length == 2);
        await second.StopAsync(default);
        second.Dropped.ShouldBe(0);
    }

    private static async Task UntilAsync(Func<bool> done)
    {
        for (var i = 0; !done(); i++)
        {
            i.ShouldBeLessThan(20_000, "it should have happened within 20 s");
            await Task.Delay(1);
        }
    }

    private static RouteDecision Decide() => new UserModel(HostingFixture.Pool, UserState.Empty).Decide(
        new RouteRequest("?"), new RoutingPolicy(new ReceiptSealer([new ReceiptKey(1, new byte[32])]), new Guardrails(), new ExplorationPolicy()), new DecisionMoment(1, 2, 1_790_000_000_000, 3, 0.5), new RequestEncoding());
}
