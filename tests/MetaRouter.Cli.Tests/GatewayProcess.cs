using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace MetaRouter.Cli.Tests;

/// <summary>The gateway's own program with simulated users, on a free port, in memory, with keys; gone with the tests.</summary>
public sealed class GatewayProcess : IAsyncLifetime
{
    /// <summary>With the scope read.</summary>
    public const string Key = "mr-a-key-of-the-tests-that-reads";

    /// <summary>With the scope inference only.</summary>
    public const string InferenceKey = "mr-a-key-of-the-tests-that-asks";

    /// <summary>With the scope admin only.</summary>
    public const string AdminKey = "mr-a-key-of-the-tests-that-governs";

    private Process? _process;

    public string Url { get; private set; } = "";

    public async Task InitializeAsync()
    {
        var (read, inference) = (Hash(Key), Hash(InferenceKey));
        string[] arguments = [
            "--demo", "--urls", "http://127.0.0.1:0", "--MetaRouter:Store", "memory",
            "--ApiKeys:0:Sha256", read, "--ApiKeys:0:Tenant", "default", "--ApiKeys:0:Scopes:0", "read",
            "--ApiKeys:1:Sha256", inference, "--ApiKeys:1:Tenant", "default", "--ApiKeys:1:Scopes:0", "inference",
            "--ApiKeys:2:Sha256", Hash(AdminKey), "--ApiKeys:2:Tenant", "default", "--ApiKeys:2:Scopes:0", "admin",
        ];
        _process = Process.Start(Programs.In(AppContext.BaseDirectory, "MetaRouter.Gateway", arguments))!;
        var said = new StringBuilder();
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            said.AppendLine(line);
            if (line.StartsWith("MetaRouter listens on ", StringComparison.Ordinal))
            {
                Url = line["MetaRouter listens on ".Length..].Trim();
                // A full pipe would hold the gateway up.
                _process.BeginErrorReadLine();
                _ = _process.StandardOutput.ReadToEndAsync();
                return;
            }
        }

        throw new InvalidOperationException($"The gateway did not start: {said} {await _process.StandardError.ReadToEndAsync()}");

        static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
    }

    public async Task DisposeAsync()
    {
        if (_process is { } process)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}
