using System.Diagnostics;

namespace MetaRouter.Cli.Tests;

/// <summary>The program as a shell starts it, its results going to another.</summary>
public sealed class PipeOutputTests
{
    [Theory]
    [InlineData("models list >&-", "The results cannot be written: the standard output is closed.")]
    [InlineData("--help >&-", "The results cannot be written: the standard output is closed.")]
    [InlineData("no-such-command 2>&-", "")]
    public async Task ClosedStream_IsSaidWhereItCanBe(string command, string said)
    {
        var (code, told) = await Programs.RunAsync(new ProcessStartInfo("bash", ["-c", $"dotnet '{Path.Combine(AppContext.BaseDirectory, "metarouter.dll")}' {command}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });

        (code, told.Trim()).ShouldBe((2, said));
    }

    [Theory]
    [InlineData("| true; echo ${PIPESTATUS[0]}", "141")]
    [InlineData("| wc -l >/dev/null; echo ${PIPESTATUS[0]}", "0")]
    [InlineData(">/dev/null; echo $?", "0")]
    public async Task Results_OfWhichTheRestIsNotRead_EndInTheirOwnCode(string then, string code)
    {
        using var process = Process.Start(new ProcessStartInfo("bash", ["-c", $"dotnet '{Path.Combine(AppContext.BaseDirectory, "metarouter.dll")}' models list {then}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            (await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60))).Trim().ShouldBe(code);
            (await process.StandardError.ReadToEndAsync()).ShouldBeEmpty();
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
