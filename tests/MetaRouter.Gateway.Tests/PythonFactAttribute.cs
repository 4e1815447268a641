using System.Diagnostics;

namespace MetaRouter.Gateway.Tests;

/// <summary>
/// A test with the official clients for Python, openai and anthropic. Skipped, with the reason, where no Python has them; METAROUTER_PYTHON names one that
/// is not the path's python3. Programs are given through its input, so that it may live in a container or a folder of its own.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PythonFactAttribute : FactAttribute
{
    private static readonly string s_python = Environment.GetEnvironmentVariable("METAROUTER_PYTHON") ?? "python3";
    private static readonly Lazy<bool> s_hasClients = new(() => Run("import openai, anthropic").Code == 0);

    public PythonFactAttribute()
    {
        if (!s_hasClients.Value)
        {
            Skip = $"{s_python} is not here or lacks the packages openai and anthropic; METAROUTER_PYTHON may name one that has them.";
        }
    }

    /// <returns>What the program printed.</returns>
    public static string Print(string program)
    {
        var (code, output, error) = Run(program);
        code.ShouldBe(0, error + output);
        return output;
    }

    private static (int Code, string Output, string Error) Run(string program)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(s_python, "-") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.StandardInput.Write(program);
            process.StandardInput.Close();
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
            {
                process.Kill(entireProcessTree: true);
                return (-1, "", "It did not end within two minutes.");
            }

            return (process.ExitCode, output.Result, error.Result);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (-1, "", e.Message);
        }
    }
}
