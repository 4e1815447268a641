using System.Globalization;
using System.Text.RegularExpressions;
using MetaRouter.Core.Users;
using Xunit.Abstractions;

namespace MetaRouter.Hosting.Tests;

/// <summary>In a process of its own: in the tests' own, what others leave behind comes and goes.</summary>
public sealed partial class UserMemoryTests(ITestOutputHelper output)
{
    /// <summary>What the router keeps beside the store. 900 bytes are asked, which a full window does not keep: its record alone takes as much where every signal has a wait and a topic.</summary>
    [Theory]
    [InlineData(1, 900)]
    [InlineData(5, 900)]
    [InlineData(15, 900)]
    [InlineData(UserState.Window, 1_650)]
    public async Task Users_RoutedLearnedAndShown_TakeSoManyBytesEach(int signals, int most)
    {
        var (exit, text) = await Programs.RunAsync(Programs.Of(CrashTests.Program, "each", "400", $"{signals}"));
        output.WriteLine(text);
        exit.ShouldBe(0, text);
        var told = Told().Match(text);
        int Number(string name) => int.Parse(told.Groups[name].Value, CultureInfo.InvariantCulture);

        Number("topics").ShouldBeGreaterThanOrEqualTo(Math.Min(signals - 1, 6), "a user of few topics would measure nothing");
        Number("each").ShouldBeInRange(100, most);
    }

    [GeneratedRegex(@"(?<each>-?\d+) bytes a user of \d+ signals on (?<topics>\d+) topics")]
    private static partial Regex Told();
}
