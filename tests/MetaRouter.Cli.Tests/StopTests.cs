using System.Diagnostics;

namespace MetaRouter.Cli.Tests;

/// <summary>The program when it is told to stop while it cannot look.</summary>
public sealed class StopTests
{
    /// <summary>SIGTERM, which takes the way of Ctrl+C, and which no shell has tests' children pass over.</summary>
    [Fact]
    public async Task StopAskedForTwice_EndsAtOnceAndSaysNothing()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // which knows no signals
        }

        using var folder = new TemporaryFolder();
        var endless = folder.File("endless.jsonl");
        await RunAsync("mkfifo", endless);
        using var program = Process.Start(Programs.Of("metarouter", "calibrate", "--strong-share", "0.5", "--data", endless))!;
        try
        {
            await using var silent = await Task.Run(() => new FileStream(endless, FileMode.Open, FileAccess.Write)).WaitAsync(TimeSpan.FromMinutes(1)); // open once the program reads

            await RunAsync("kill", "-TERM", $"{program.Id}");
            await Task.Delay(300);
            program.HasExited.ShouldBeFalse();
            await RunAsync("kill", "-TERM", $"{program.Id}");

            await program.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
            (program.ExitCode, await program.StandardError.ReadToEndAsync()).ShouldBe((143, ""));
        }
        finally
        {
            program.Kill();
        }
    }

    private static async Task RunAsync(string command, params string[] words)
    {
        using var process = Process.Start(command, words);
        await process.WaitForExitAsync();
    }
}
