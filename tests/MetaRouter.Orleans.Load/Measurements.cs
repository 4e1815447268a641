using System.Diagnostics;
using System.Globalization;
using MetaRouter.Core.Routing;
using MetaRouter.Core.Users;

namespace MetaRouter.Orleans.Load;

/// <summary>What the cluster does a second, and how soon; side by side in one run, several rounds, medians.</summary>
internal static class Measurements
{
    private const int InFlight = 64;
    private const int Rounds = 3;

    /// <summary>The runtime compiles what is hot once more, and then again: the first round is as many times as long, and not counted.</summary>
    private const int WarmUp = 4;

    private const int Users = 2_000;
    private const int TypicalRecord = 300;
    private const int MostFeedback = 40_000; // a second
    private const string DurableFeedback = "durable feedback";
    private const string FullWindows = "the same, windows full";

    private static readonly string[] Prompts = [.. Enumerable.Range(0, 256).Select(i =>
        string.Join(' ', Enumerable.Range(0, 150).Select(w => Words[(i * 31 + w * w * 7 + w) % Words.Length])))];

    private static string[] Words => field ??= "the model of a request should explain how every number in this long table was made and why it differs from last year so that a reader may follow each step".Split(' ');

    /// <param name="only">One of the calls, again and again: for a profiler. Null: all of them side by side.</param>
    public static async Task RatesAsync(IGrainFactory grains, TimeSpan span, string? only)
    {
        var trivial = Enumerable.Range(0, Users).Select(i => grains.GetGrain<ITrivialGrain>($"t{i}")).ToArray();
        var users = Enumerable.Range(0, Users).Select(i => grains.GetUserRouter("load", $"u{i}")).ToArray();
        var speakers = Enumerable.Range(0, 5 * Users).Select(i => grains.GetUserRouter("speak", $"u{i}")).ToArray();
        var veterans = Enumerable.Range(0, Users).Select(i => grains.GetUserRouter("veterans", $"u{i}")).ToArray();
        var work = new (string Name, Func<int, Task> Call)[]
        {
            ("ping", async i => await trivial[i % Users].PingAsync(i)),
            ("route", async i => await users[i % Users].RouteAsync(new RouteRequest(Prompts[i % Prompts.Length]))),
            ("route, nothing encoded", async i => await trivial[i % Users].RouteAsync(new RouteRequest(Prompts[i % Prompts.Length]))),
            ("bare etag write", async i => await trivial[i % Users].WriteAsync(TypicalRecord)),
        };
        var record = await SpeakAsync(grains.GetUserRouter("load", "speaks"), UserState.Window);
        await EachAsync(Users, async i => await veterans[i].ImportAsync(record));
        if (only is not null)
        {
            var (_, call) = work.FirstOrDefault(w => w.Name == only);
            for (var round = 0; round <= Rounds; round++)
            {
                await (only == DurableFeedback ? LearnAsync(speakers) : only == FullWindows ? LearnAsync(veterans) : TimedAsync(call, int.MaxValue));
            }

            return;
        }

        var results = work.Select(w => w.Name).Append(DurableFeedback).Append(FullWindows).ToDictionary(name => name, _ => new List<(double Rate, double P50, double P99)>());
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var (name, call) in work)
            {
                var result = await RunAsync(call, round > 0 ? span : WarmUp * span);
                if (round > 0)
                {
                    results[name].Add(result);
                }
            }

            foreach (var (name, who) in new[] { (DurableFeedback, speakers), (FullWindows, veterans) })
            {
                var learned = await LearnAsync(who);
                if (round > 0)
                {
                    results[name].Add(learned);
                }
                else
                {
                    await LearnAsync(who);
                }
            }
        }

        foreach (var (name, runs) in results)
        {
            var (rate, p50, p99) = (Median(runs.Select(r => r.Rate)), Median(runs.Select(r => r.P50)), Median(runs.Select(r => r.P99)));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-24} {rate,9:0}/s   p50 {p50,7:0.000} ms   p99 {p99,7:0.000} ms"));
        }

        Ratio("route over ping, rate", "route", "ping", r => r.Rate);
        Ratio("route over ping, p99", "route", "ping", r => r.P99);
        Ratio("nothing encoded over ping, rate", "route, nothing encoded", "ping", r => r.Rate);
        Ratio("feedback over bare write, rate", DurableFeedback, "bare etag write", r => r.Rate);
        Ratio("the same, windows full", FullWindows, "bare etag write", r => r.Rate);

        // Receipts first, then the feedback that is timed.
        async Task<(double Rate, double P50, double P99)> LearnAsync(IUserRouterGrain[] who)
        {
            var decisions = new RouteDecision[(int)(MostFeedback * span.TotalSeconds)];
            var made = -1;
            await Task.WhenAll(Enumerable.Range(0, InFlight).Select(async _ =>
            {
                for (int i; (i = Interlocked.Increment(ref made)) < decisions.Length;)
                {
                    decisions[i] = await who[i % who.Length].RouteAsync(new RouteRequest("Which is it?"));
                }
            }));
            return await TimedAsync(
                async i =>
                {
                    if (!(await who[i % who.Length].RecordFeedbackAsync(new Feedback(decisions[i].Token, FeedbackKind.Thumb, (byte)(i & 1)))).Counted)
                    {
                        throw new InvalidOperationException("Feedback on a new decision was not counted.");
                    }
                },
                decisions.Length);
        }

        // Of one call alone, also what it costs each side.
        async Task<(double Rate, double P50, double P99)> TimedAsync(Func<int, Task> call, int most)
        {
            var (silo, client, at) = (await trivial[0].UsedAsync(), Used.Here, Stopwatch.GetTimestamp());
            var result = await RunAsync(call, span, most);
            var (seconds, ofSilo, ofClient) = (Stopwatch.GetElapsedTime(at).TotalSeconds, await trivial[0].UsedAsync() - silo, Used.Here - client);
            var calls = result.Rate * seconds;
            if (only is not null)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{only}: {result.Rate:0}/s, p50 {result.P50:0.000} ms, p99 {result.P99:0.000} ms; a call in the silo: {ofSilo.ProcessorUs / calls:0.0} us of processor, {ofSilo.Bytes / calls:0} B allocated; {ofSilo.Collections / seconds:0.0} collections/s, {ofSilo.Full} full ones in all, paused {ofSilo.PausedUs / seconds / 1e4:0.0} % of the time; {ofClient.ProcessorUs / calls:0.0} us in the client"));
            }

            return result;
        }

        void Ratio(string what, string over, string under, Func<(double Rate, double P50, double P99), double> of) =>
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {Median(results[over].Zip(results[under], (a, b) => of(a) / of(b))):0.000}"));
    }

    public static async Task TouchAsync(IGrainFactory grains, int count)
    {
        var meter = grains.GetGrain<ITrivialGrain>("memory");
        for (var i = 0; i < 1_000; i++)
        {
            await grains.GetUserRouter("warm", $"u{i}").RouteAsync(new RouteRequest("Hello?")); // one at a time: what is not compiled yet is slow
        }

        var before = await meter.MemoryAsync();
        var watch = Stopwatch.StartNew();
        var again = 0;
        await EachAsync(count, async i =>
        {
            try
            {
                await grains.GetUserRouter("touch", $"u{i}").RouteAsync(new RouteRequest("Hello?"));
            }
            catch (TimeoutException)
            {
                Interlocked.Increment(ref again);
                await grains.GetUserRouter("touch", $"u{i}").RouteAsync(new RouteRequest("Hello?"));
            }
        });
        var rate = count / watch.Elapsed.TotalSeconds;
        var routed = await meter.MemoryAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} users routed at {rate:0}/s, {again} asked a second time: {(routed - before) / (double)count:0} bytes each in memory"));

        // A tenth of them speak, five times each.
        var speakers = count / 10;
        await EachAsync(speakers, async i => await SpeakAsync(grains.GetUserRouter("touch", $"u{i}"), 5));
        var spoken = await meter.MemoryAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{speakers} of them gave five signals: {((routed - before) / (double)count) + ((spoken - routed) / (double)speakers):0} bytes each in memory"));

        // Idle ones leave, and come back from Redis.
        var (management, leaving) = (grains.GetGrain<IManagementGrain>(0), Stopwatch.StartNew());
        try
        {
            await management.ForceActivationCollection(TimeSpan.Zero);
        }
        catch (TimeoutException)
        {
            // It goes on without us.
        }

        while (await management.GetTotalActivationCount() > 1_000 && leaving.Elapsed < TimeSpan.FromMinutes(2))
        {
            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        var (gone, active) = (leaving.Elapsed, await management.GetTotalActivationCount());
        await Task.Delay(TimeSpan.FromSeconds(10)); // what they taught is told every five seconds
        var left = await meter.MemoryAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"they left within {gone.TotalSeconds:0} s, {active} grains of all kinds stayed: {(left - before) / 1e6:0.0} MB above the start, Orleans' memory of where they lived included"));
        var back = new List<double>();
        for (var i = 0; i < Math.Min(2_000, speakers); i++)
        {
            var started = Stopwatch.GetTimestamp();
            var signals = (await grains.GetUserRouter("touch", $"u{i}").GetPreferenceAsync()).Signals;
            back.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            if (signals != 5)
            {
                throw new InvalidOperationException($"User {i} came back with {signals} signals instead of 5.");
            }
        }

        back.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{back.Count} came back from Redis: p50 {back[back.Count / 2]:0.000} ms, p99 {back[back.Count * 99 / 100]:0.000} ms"));
    }

    /// <summary>Gives so many signals; returns the record.</summary>
    private static async Task<byte[]> SpeakAsync(IUserRouterGrain user, int signals)
    {
        FeedbackAnswer? answer = null;
        for (var s = 0; s < signals; s++)
        {
            var decision = await user.RouteAsync(new RouteRequest("Hello?"));
            answer = await user.RecordFeedbackAsync(new Feedback(decision.Token, FeedbackKind.Thumb, (byte)(s & 1)));
        }

        return answer!.State!;
    }

    private static async Task EachAsync(int count, Func<int, Task> call)
    {
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, 4 * InFlight).Select(async _ =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < count;)
            {
                await call(i);
            }
        }));
    }

    private static async Task<(double Rate, double P50, double P99)> RunAsync(Func<int, Task> call, TimeSpan span, int most = int.MaxValue)
    {
        var (next, started) = (-1, Stopwatch.GetTimestamp());
        var all = await Task.WhenAll(Enumerable.Range(0, InFlight).Select(async _ =>
        {
            var times = new List<double>();
            while (Stopwatch.GetElapsedTime(started) < span && Interlocked.Increment(ref next) is var i && i < most)
            {
                var at = Stopwatch.GetTimestamp();
                await call(i);
                times.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
            }

            return times;
        }));
        var elapsed = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var sorted = all.SelectMany(t => t).Order().ToArray();
        return (sorted.Length / elapsed, sorted[sorted.Length / 2], sorted[sorted.Length * 99 / 100]);
    }

    private static double Median(IEnumerable<double> values) => values.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : double.NaN;
}
