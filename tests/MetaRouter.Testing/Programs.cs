using System.Diagnostics;

namespace MetaRouter.Testing;

/// <summary>Programs of this build as processes of their own.</summary>
public static class Programs
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    /// <summary>How a program is started, with all its streams redirected.</summary>
    /// <param name="name">Its assembly beside the tests', or by its path; without <c>.dll</c>.</param>
    public static ProcessStartInfo Of(string name, params string[] arguments) => new(
        Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet",
        ["exec", Path.Combine(AppContext.BaseDirectory, name + ".dll"), .. arguments])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        Environment = { ["DOTNET_EnableDiagnostics"] = "0" }, // the runtime's pipes for debuggers stay in the temporary folder when it is killed
    };

    /// <inheritdoc cref="Of"/>
    /// <param name="folder">Where it is started.</param>
    public static ProcessStartInfo In(string folder, string name, params string[] arguments)
    {
        var start = Of(name, arguments);
        start.WorkingDirectory = folder;
        return start;
    }

    /// <summary>A program until it ends by itself, with nothing on its input; one that does not end within a minute, or what is given, is killed.</summary>
    /// <returns>Its exit code, and what it said on both of its streams.</returns>
    /// <exception cref="OperationCanceledException">It did not end.</exception>
    public static async Task<(int Code, string Said)> RunAsync(ProcessStartInfo program, TimeSpan? within = null)
    {
        using var process = Process.Start(program)!;
        using var limit = new CancellationTokenSource(within ?? s_patience);
        process.StandardInput.Close();
        var (error, output) = (process.StandardError.ReadToEndAsync(limit.Token), process.StandardOutput.ReadToEndAsync(limit.Token));
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await error + await output);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>Where a web application listens, by the first line that says so; what it writes after that is read and passed over.</summary>
    public static async Task<Uri> AddressOfAsync(Process process)
    {
        using var limit = new CancellationTokenSource(s_patience);
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.IndexOf("http://127.0.0.1:", StringComparison.Ordinal) is >= 0 and var at)
            {
                _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                return new Uri(line[at..].Split(' ', ',')[0].TrimEnd('.'));
            }
        }

        throw new InvalidOperationException("The program ended before it listened: " + await process.StandardError.ReadToEndAsync(limit.Token));
    }
}
