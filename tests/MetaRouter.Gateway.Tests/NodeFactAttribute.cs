using System.Diagnostics;
using System.Text.Json.Nodes;

namespace MetaRouter.Gateway.Tests;

/// <summary>A test with a client written in JavaScript. Skipped, with the reason, where there is no node.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class NodeFactAttribute : FactAttribute
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "npm");
    private static readonly Lazy<bool> s_hasNode = new(() => Try("node", "--version") && Try("npm", "--version"));
    private static readonly Lazy<Task> s_installed = new(() => RunInAsync(Folder, "npm", "ci", "--no-audit", "--no-fund"));

    public NodeFactAttribute()
    {
        if (!s_hasNode.Value && Environment.GetEnvironmentVariable("CI") != "true") // there it must not pass unseen
        {
            Skip = "node and npm are not installed here.";
        }
    }

    /// <summary>Starts a script of the folder npm with its packages installed; it ends when its input does.</summary>
    public static async Task<Process> StartAsync(string script)
    {
        await s_installed.Value;
        return Process.Start(new ProcessStartInfo("node", [script]) { WorkingDirectory = Folder, RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    /// <summary>Runs a script of the folder npm with its packages installed.</summary>
    /// <returns>The JSON it prints.</returns>
    public static async Task<JsonObject> RunAsync(string script, string argument)
    {
        await s_installed.Value;
        return JsonNode.Parse(await RunInAsync(Folder, "node", script, argument))!.AsObject();
    }

    private static bool Try(string program, string argument)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, argument) { RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>Runs a program in a folder; anything but success fails the test with what it said.</summary>
    /// <returns>What it wrote.</returns>
    public static async Task<string> RunInAsync(string folder, string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        var (output, error) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }

        process.ExitCode.ShouldBe(0, await error + await output);
        return await output;
    }
}
