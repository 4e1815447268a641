namespace MetaRouter.Cli.Tests;

/// <summary>A command as somebody types it, and what it prints where that is no terminal.</summary>
internal static class CommandRun
{
    public static async Task<(int Code, string Output, string Error)> Run(string[] args, TimeProvider? clock = null)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var terminal = new Terminal(output, error, RichOut: false, RichError: false);
        var code = await CommandLine.RunAsync(args, clock is null ? terminal : terminal with { Clock = clock }, CancellationToken.None);
        return (code, output.ToString(), error.ToString());
    }
}
