using System.Globalization;
using MetaRouter.Core.Routing;

namespace MetaRouter.Hosting.Tests;

public sealed class DecisionLogSearchTests
{
    private const int Lines = 60_000;
    private static readonly long s_begin = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    /// <summary>Calls end in another order than they began, and feedback comes days later under its decision's time.</summary>
    [Fact]
    public async Task Find_InALongLog_FindsEachLineAndNoOther()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(1);
        var decided = Enumerable.Range(0, Lines).Select(i => (Time: s_begin + (i * 700L), Nonce: (uint)i, Ended: s_begin + (i * 700L) + (random.Next(100) == 0 ? random.Next(1_800_000) : random.Next(5_000)))).ToArray();
        await File.WriteAllLinesAsync(folder.File("log"), decided.OrderBy(d => d.Ended).SelectMany(d => (string[])
        [
            Begin(d.Time, d.Nonce) + "\"snapshot\":\"0000000000000001\",\"chosen\":\"" + new string('m', random.Next(300)) + "\"}",
            .. random.Next(3) == 0 ? [Begin(decided[random.Next((int)d.Nonce + 1)].Time, 7) + "\"feedback\":\"Thumb\"}"] : (string[])[],
        ]));
        new FileInfo(folder.File("log")).Length.ShouldBeGreaterThan(10_000_000);

        foreach (var (time, nonce, _) in random.GetItems(decided, 60).Append(decided[0]).Append(decided[^1]))
        {
            (await DecisionLog.FindAsync(folder.File("log"), Of(time, nonce), default))!.ShouldStartWith(Begin(time, nonce) + "\"snapshot\"");
            (await DecisionLog.FindAsync(folder.File("log"), Of(time, nonce + 1), default)).ShouldBeNull();
            (await DecisionLog.FindAsync(folder.File("log"), Of(time, nonce) with { TenantHash = 6 }, default)).ShouldBeNull();
        }

        (await DecisionLog.FindAsync(folder.File("log"), Of(s_begin - 1, 0), default)).ShouldBeNull();
        (await DecisionLog.FindAsync(folder.File("log"), Of(decided[^1].Time + 90_000_000, 0), default)).ShouldBeNull();
    }

    private static string Begin(long time, uint nonce) => string.Create(
        CultureInfo.InvariantCulture, $"{{\"time\":\"{DateTimeOffset.FromUnixTimeMilliseconds(time).ToString("O", CultureInfo.InvariantCulture).Replace("+", "\\u002B", StringComparison.Ordinal)}\",\"nonce\":{nonce},\"tenant\":\"0000000000000005\",");

    private static Receipt Of(long time, uint nonce) => new()
    {
        TenantHash = 5, UserHash = 1, DecisionTimeMs = time, Nonce = nonce, ChosenModel = 1, Propensity = 1, First = default, Middle = default,
    };
}
