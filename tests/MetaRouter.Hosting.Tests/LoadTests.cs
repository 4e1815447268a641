using System.Globalization;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace MetaRouter.Hosting.Tests;

public sealed partial class LoadTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Feedback_With64InFlight_IsDurableByTheThousandsASecond()
    {
        using var folder = new TemporaryFolder();
        var (exit, text) = await Programs.RunAsync(Programs.Of(CrashTests.Program, "throughput", folder.File("users.db"), "0.5", "2500"));
        output.WriteLine(text);
        exit.ShouldBe(0, text);
        Number(text, Feedback()).ShouldBeGreaterThan(500); // a tenth of the target: machines that run tests are busy
    }

    [LongFact]
    public async Task AMillionUsers_FitOneProcessAndNoneIsLost()
    {
        using var folder = new TemporaryFolder();
        var (exit, text) = await Programs.RunAsync(Programs.Of(CrashTests.Program, "memory", folder.File("users.db"), "1000000"), TimeSpan.FromMinutes(20));
        output.WriteLine(text);
        exit.ShouldBe(0, text);
        Number(text, Peak()).ShouldBeLessThan(1.5e9);
    }

    private static double Number(string text, Regex pattern) => double.Parse(pattern.Match(text).Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"durable feedback: (\d+)/s")]
    private static partial Regex Feedback();

    [GeneratedRegex(@"peak_rss_bytes (\d+)")]
    private static partial Regex Peak();
}
