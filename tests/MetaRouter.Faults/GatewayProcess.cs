using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MetaRouter.Faults;

/// <summary>The gateway's program as a process of its own on a port that stays, so that it can die and come back.</summary>
/// <param name="movesClock">Its clock can be moved; it notices within a second.</param>
/// <param name="tellsHeap">What it holds can be asked, by <see cref="LiveHeapMegabytesAsync"/>.</param>
internal sealed class GatewayProcess(bool movesClock, bool tellsHeap, params string[] settings) : IAsyncDisposable
{
    /// <summary>Which clock a process sees: Debian's libfaketime, which reads it from a file.</summary>
    private static readonly string FakeTime = $"/usr/lib/{(System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "aarch64" : "x86_64")}-linux-gnu/faketime/libfaketimeMT.so.1";

    private readonly int _port = Loopback.FreePort();
    private readonly TemporaryClock _clock = new();
    private readonly TemporaryFolder _pipes = new();
    private readonly StringBuilder _log = new();
    private Process? _process;

    public static bool CanMoveClock => File.Exists(FakeTime);

    public string Url => $"http://127.0.0.1:{_port}";

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Everything it has printed.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    public double ResidentMegabytes
    {
        get
        {
            var line = File.ReadLines($"/proc/{_process!.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        }
    }

    /// <summary>How often it was started.</summary>
    public int Life { get; private set; }

    /// <summary>What it holds after a full collection.</summary>
    public Task<double> LiveHeapMegabytesAsync(HttpClient client) => LiveHeap.MegabytesAsync(_process!.Id, _pipes.Path, client, Url);

    /// <returns>The exit code when it ended instead of serving.</returns>
    public async Task<int?> TryStartAsync(params string[] more)
    {
        var start = Programs.Of("MetaRouter.Gateway", ["--urls", Url, .. settings, .. more]);
        if (movesClock)
        {
            (start.Environment["LD_PRELOAD"], start.Environment["FAKETIME_TIMESTAMP_FILE"], start.Environment["FAKETIME_CACHE_DURATION"], start.Environment["FAKETIME_DONT_FAKE_MONOTONIC"]) = (FakeTime, _clock.Path, "1", "1");
        }

        if (tellsHeap)
        {
            (start.Environment["DOTNET_EnableDiagnostics"], start.Environment["TMPDIR"]) = ("1", _pipes.Path);
        }

        Life++;
        _process = Process.Start(start)!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(60);)
        {
            if (_process.HasExited)
            {
                _process.WaitForExit();
                return _process.ExitCode;
            }

            try
            {
                using var answer = await client.GetAsync(Url + "/alive");
                return null;
            }
            catch (Exception e) when (e is HttpRequestException or SocketException)
            {
                await Task.Delay(25);
            }
        }

        throw new InvalidOperationException($"The gateway does not answer at {Url}: {Log}");
    }

    public async Task StartAsync(params string[] more)
    {
        if (await TryStartAsync(more) is { } code)
        {
            throw new InvalidOperationException($"The gateway ended with {code}: {Log}");
        }
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        if (_process is { } process)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
            _process = null;
        }
    }

    public void MoveClock(int seconds) => _clock.Set(seconds);

    public ValueTask DisposeAsync()
    {
        Kill();
        _clock.Dispose();
        _pipes.Dispose();
        return default;
    }

    private void Keep(object sender, DataReceivedEventArgs e)
    {
        lock (_log)
        {
            _log.AppendLine(e.Data);
        }
    }

    private sealed class TemporaryClock : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public TemporaryClock() => Set(0);

        public string Path => _folder.File("clock");

        /// <summary>Whole or not at all: it is read all the time.</summary>
        public void Set(int seconds)
        {
            File.WriteAllText(Path + ".new", string.Create(CultureInfo.InvariantCulture, $"{seconds:+0;-0;+0}\n"));
            File.Move(Path + ".new", Path, overwrite: true);
        }

        public void Dispose() => _folder.Dispose();
    }
}
