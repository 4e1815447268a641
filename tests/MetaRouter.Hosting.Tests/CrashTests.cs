using System.Diagnostics;
using System.Globalization;
using MetaRouter.Core.Users;
using MetaRouter.Hosting.Stores;
using Xunit.Abstractions;

namespace MetaRouter.Hosting.Tests;

/// <summary>Sudden deaths of a process that acknowledges feedback from 32 workers.</summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    /// <summary>What tests start that need another process of this project's code; see its Program.cs.</summary>
    public const string Program = "MetaRouter.Hosting.Tests.Crash";

    [Fact]
    public Task Kill_FiveTimes_LosesNothingAcknowledged() => KillAsync(5);

    [LongFact]
    public Task Kill_FiftyTimes_LosesNothingAcknowledged() => KillAsync(50);

    private async Task KillAsync(int times)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("users.db");
        var random = new Random(times);
        var acknowledged = new List<(string User, long TimeMs, uint Nonce)>();
        var (lost, twice, unreadable, present) = (0, 0, 0, 0);
        for (var kill = 0; kill < times; kill++)
        {
            await ReadUntilKilledAsync(path, random.Next(50, 400), acknowledged);
            (lost, twice, unreadable, present) = await CheckAsync(path, acknowledged);
            (lost, twice, unreadable).ShouldBe((0, 0, 0), $"after kill {kill + 1}");
        }

        output.WriteLine($"{times} kills: {acknowledged.Count} acknowledged, {lost} lost, {twice} counted twice, {unreadable} records unreadable; {present} signals in the file.");
        acknowledged.ShouldNotBeEmpty();
    }

    private static async Task ReadUntilKilledAsync(string path, int milliseconds, List<(string, long, uint)> acknowledged)
    {
        using var process = Process.Start(Programs.Of(Program, "feedback", path))!;
        var errors = process.StandardError.ReadToEndAsync();
        (await process.StandardOutput.ReadLineAsync()).ShouldBe("ready", process.HasExited ? await errors : null);
        var first = await process.StandardOutput.ReadLineAsync(); // counted from the first acknowledgement: a busy machine takes long to get there
        var death = Task.Run(async () =>
        {
            await Task.Delay(milliseconds);
            process.Kill(); // SIGKILL
        });
        var text = first + "\n" + await process.StandardOutput.ReadToEndAsync();
        await death;
        await process.WaitForExitAsync();
        foreach (var line in text.AsSpan(0, text.LastIndexOf('\n') + 1).ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = line.Split(' ');
            acknowledged.Add((parts[0], long.Parse(parts[1], CultureInfo.InvariantCulture), uint.Parse(parts[2], CultureInfo.InvariantCulture)));
        }
    }

    private static async Task<(int Lost, int Twice, int Unreadable, int Present)> CheckAsync(string path, List<(string User, long TimeMs, uint Nonce)> acknowledged)
    {
        await using var store = SqliteUserStore.Open(path);
        var secret = (await RouterSecrets.LoadOrCreateAsync(store, CancellationToken.None)).IdentitySecret;
        var users = new Dictionary<UserKey, UserState>();
        var (lost, twice, unreadable) = (0, 0, await store.CountQuarantinedAsync());
        foreach (var user in await store.ChangedAsync(0, int.MaxValue))
        {
            if (UserState.TryRead(user.Record.State, out var state, out _))
            {
                users.Add(user.Key, state);
                twice += state.Signals.Length - state.Signals.Select(s => (s.Key.DecisionTimeMs, s.Key.Nonce)).Distinct().Count();
            }
            else
            {
                unreadable++;
            }
        }

        foreach (var (user, time, nonce) in acknowledged)
        {
            var key = new UserKey(IdentityHash.Compute(secret, "crash"), IdentityHash.Compute(secret, "crash", user));
            lost += users.TryGetValue(key, out var state) && state.TryFind(new SignalKey(time, nonce, FeedbackKind.Thumb), out _) ? 0 : 1;
        }

        return (lost, twice, unreadable, users.Values.Sum(u => u.Signals.Length));
    }
}
