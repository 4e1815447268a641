using System.Diagnostics;
using System.Globalization;

namespace MetaRouter.Fuzz;

/// <param name="Finds">Inputs that broke the promise, took too long or allocated too much.</param>
/// <param name="SlowestMs">Of one input.</param>
/// <param name="MostBytes">Allocated for one input.</param>
internal sealed record Tally(string Target, ulong Seed, long From, long Inputs, long Taken, long Refused, long Finds, double Seconds, double SlowestMs, long MostBytes);

/// <summary>Runs inputs of a target one after the other, each under a limit of time and of memory, and keeps what is found.</summary>
/// <param name="folder">Finds are saved here, each with what was wrong; null: they are only counted and told.</param>
internal sealed class FuzzRun(string? folder)
{
    private const int MostKept = 3;

    private readonly Dictionary<string, int> _kinds = [];
    private long _started;
    private int _told;
    private long _hung = -1;

    /// <summary>Told what was found, each kind up to three times.</summary>
    public event Action<string>? Found;

    /// <summary>Told of an input that does not end: nothing in the process can stop it.</summary>
    public event Action? Hung;

    /// <param name="until">No input is begun later.</param>
    public Tally Run(FuzzTarget target, ulong seed, long from, long count, DateTime until)
    {
        var chance = new Chance();
        var (taken, refused, finds, slowest, most) = (0L, 0L, 0L, 0L, 0L);
        var clock = Stopwatch.StartNew();
        var stream = Stream(target.Name);
        var index = from;
        using (new Timer(_ => Watch(target, seed, index), null, 250, 250))
        {
            for (; index < from + count && (index % 64 != 0 || DateTime.UtcNow < until); index++)
            {
                chance.Restart(seed, stream, index);
                target.Draw(chance);
                var before = Allocated(target);
                var started = Stopwatch.GetTimestamp();
                Interlocked.Exchange(ref _started, started);
                string? problem = null;
                try
                {
                    if (target.Run())
                    {
                        taken++;
                    }
                    else
                    {
                        refused++;
                    }
                }
#pragma warning disable CA1031 // That any exception but the documented ones gets here is what is looked for.
                catch (Exception e)
#pragma warning restore CA1031
                {
                    problem = e.ToString();
                }

                var (elapsed, bytes) = (Stopwatch.GetTimestamp() - Interlocked.Exchange(ref _started, 0), Allocated(target) - before);
                slowest = Math.Max(slowest, elapsed);
                most = Math.Max(most, bytes);
                problem ??= elapsed > target.TimeLimit.TotalSeconds * Stopwatch.Frequency ? $"Slow: {Stopwatch.GetElapsedTime(0, elapsed).TotalSeconds:0.0} s for {target.Input.Length} bytes." : null;
                problem ??= bytes > target.MemoryLimit(target.Input.Length) ? $"Greedy: {bytes:N0} bytes allocated for {target.Input.Length:N0} bytes." : null;
                if (problem is not null)
                {
                    finds++;
                    if (index != Interlocked.Read(ref _hung)) // told while it ran
                    {
                        Keep(target, seed, index, problem);
                    }
                }
            }
        }

        return new Tally(target.Name, seed, from, index - from, taken, refused, finds, clock.Elapsed.TotalSeconds, slowest * 1e3 / Stopwatch.Frequency, most);
    }

    private static long Allocated(FuzzTarget target) => target.IsReadElsewhere ? GC.GetTotalAllocatedBytes() : GC.GetAllocatedBytesForCurrentThread();

    private static ulong Stream(string name) => name.Aggregate(14695981039346656037UL, (hash, c) => (hash ^ c) * 1099511628211UL);

    private void Watch(FuzzTarget target, ulong seed, long index)
    {
        var started = Interlocked.Read(ref _started);
        if (started != 0 && Stopwatch.GetElapsedTime(started) > 2 * target.TimeLimit && Interlocked.Exchange(ref _told, 1) == 0)
        {
            Interlocked.Exchange(ref _hung, index);
            Keep(target, seed, index, $"Hung: no end after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s.");
            Hung?.Invoke();
        }
    }

    private void Keep(FuzzTarget target, ulong seed, long index, string problem)
    {
        // One kind: the same first line, numbers aside, from the same place.
        var lines = problem.Split('\n');
        var kind = string.Concat(lines[0].Where(c => !char.IsAsciiDigit(c)).Take(80)) + lines.FirstOrDefault(l => l.Contains("MetaRouter", StringComparison.Ordinal) && l.TrimStart().StartsWith("at ", StringComparison.Ordinal));
        lock (_kinds)
        {
            if ((_kinds[kind] = _kinds.GetValueOrDefault(kind) + 1) > MostKept)
            {
                return;
            }
        }

        var name = string.Create(CultureInfo.InvariantCulture, $"{target.Name}-{seed}-{index}");
        if (folder is not null)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(Path.Combine(folder, name + ".bin"), target.Input.Bytes);
            File.WriteAllText(Path.Combine(folder, name + ".txt"), problem);
        }

        Found?.Invoke($"{name}: {lines[0].TrimEnd()}");
    }
}
