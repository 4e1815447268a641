using System.Text;
using MetaRouter.Hosting;

namespace MetaRouter.Orleans.Scale;

/// <summary>The tables of docs/scale.md: what was measured, and what follows from it.</summary>
internal static class Report
{
    private const string Begin = "<!-- scale: dotnet run -c Release --project tests/MetaRouter.Orleans.Scale -p:UseOrleans=true -- docs/scale.md --write -->";
    private const string End = "<!-- end of scale -->";

    // What is held against the use. A machine's own properties, to be changed for others.
    private const double Utilisation = 0.5;
    private const double RedisMemory = 48e9;
    private const double Nic = 1.25e9;
    private const int SiloCores = 2;
    private const double SiloMemory = 3e9;

    // The most a user in memory may take, in bytes; infra/bench/cluster.sh measures it.
    private const double ActiveUser = 3_000;

    // When a word was said, as it is sent: two numbers of at most nine bytes, most often of one and seven, and their fields.
    private const int ReportTimeBytes = 12;

    // A refresh at the most: saving, so many EM steps over the taught four fifths, the lapses, and two looks at the held-out fifth.
    private const int Steps = 30;
    private const int Rounds = Steps + OtherRounds;
    private const int OtherRounds = 4;
    private const double Passes = (0.8 * Steps) + (0.2 * 2);

    private static readonly double[] Populations = [1e6, 10e6, 100e6];
    private static readonly int[] SiloCounts = [1, 2, 3, 10, 30, 100];

    public static string Of(Measured m)
    {
        var (router, cluster) = (new MetaRouterOptions(), new MetaRouterClusterOptions());
        var text = new StringBuilder();
        var request = m.Sizes[1];
        var cpu = m.Runs[^1].CpuSeconds;
        var user = m.Stored[1];

        Table("Measured: serialized bytes", "prompt, characters | request | decision, 8 models", m.Sizes.Select(s => $"{s.Characters:N0} | {s.Request:N0} | {s.Decision:N0}"));
        Table(
            $"Measured: a decision from an external client, prompts of {request.Characters} characters, every silo on one machine",
            "silos | messages between machines | of them between silos | (n-1)/n | between silos, users this client brought up | bytes, all messages, headers included | processor time, client and silos together",
            m.Runs.Select(r => $"{r.Silos} | {r.Messages:0.00} | {r.Forwarded:0.00} | {Messages(r.Silos) - 2:0.00} | {r.ForwardedOfOwn:0.00} | {r.Bytes:N0} | {r.CpuSeconds * 1e6:0} us"));
        Table(
            "Measured: a user", "signals | record | in Redis' memory | in the append-only file, a write",
            m.Stored.Select(s => $"{s.Signals} | {s.Record:N0} B | {s.Redis:N0} B | {s.Log:N0} B"));
        var l = m.Learner;
        Table("Measured: Redis and the learner", "what | figure",
        [
            $"processor time of Redis' main thread, an etag-checked write | {m.Redis.WriteCpuSeconds * 1e6:0} us",
            $"the same, a read | {m.Redis.ReadCpuSeconds * 1e6:0} us",
            $"a user's evidence in a record; as it is sent, with when it was said | {l.EvidenceBytes} + {l.RowBytes - l.EvidenceBytes} B; some {ReportTimeBytes} B more",
            $"the same in a partition's memory | {l.MemoryBytes:0} B",
            $"processor time of an E-step, a user | {l.ExpectCpuSeconds * 1e9:0} ns",
            $"a prior as it crosses; a partition's answer | {l.PriorBytes} B; {l.AnswerBytes:N0} B and a few",
            $"what a silo reads every {cluster.SnapshotSeconds:0} s to look for a newer prior, at the most; 100 silos | {l.HistoryBytes / 1e3:0} KB; {100 * l.HistoryBytes / cluster.SnapshotSeconds / 1e6:0.0} MB/s",
            $"a refresh over the evidence of {l.Users:N0} users (a fifth more is held out) in {l.Partitions} partitions on one silo: EM steps; wall clock, all of it; the singleton's own part | {l.Steps}; {l.Seconds:0.0} s; {l.OwnSeconds * 1e3:0} ms",
            $"of it an EM step, at the most: wall clock; the singleton's own part | {l.Seconds / l.Steps:0.00} s; {l.OwnSeconds / l.Steps * 1e3:0.0} ms",
        ]);

        Table(
            "By arithmetic: the network between silos", "silos | messages a decision | forwarded | bytes a decision",
            SiloCounts.Select(n => $"{n} | {Messages(n):0.00} | {Messages(n) - 2:0.00} | {Bytes(n):N0}"));
        Table("By arithmetic: in the busiest hour", "users | decisions/s | feedback/s | users in memory | silos' cores | silos' memory, at 3 KB a user | between machines",
            Populations.Select(p => new Activity(p)).Select(a =>
                $"{a.Users:N0} | {a.Decisions:N0} | {a.Feedback:N0} | {a.InMemory(cluster.IdleMinutes):N0} | {a.Decisions * cpu / Utilisation:0.0} | {a.InMemory(cluster.IdleMinutes) * ActiveUser / 1e9:0.00} GB | {a.Decisions * Bytes(100) / 1e6:0.0} MB/s"));
        Table($"By arithmetic: Redis, users with {user.Signals} signals", "users | memory | writes/s | reads/s | main thread | append-only file",
            Populations.Select(p => new Activity(p)).Select(a =>
                $"{a.Users:N0} | {a.Users * user.Redis / 1e9:0.0} GB | {a.Feedback:N0} | {a.Activations:N0} | {RedisBusy(a):P1} | {a.Feedback * user.Log / 1e6:0.00} MB/s"));
        (double Users, double Kept, int Partitions)[] learners =
        [
            .. Populations.Select(p => (p, (double)router.RefreshUsers, cluster.Partitions)), (Populations[^1], 1e6, 128), (Populations[^1], 10e6, cluster.Partitions), (Populations[^1], 10e6, 1_024),
        ];
        Table(
            "By arithmetic: what the learner is told", "users | evidence kept (RefreshUsers) | reports/s | to partitions | kept at least | partitions' memory, all",
            learners.DistinctBy(x => (x.Users, x.Kept)).Select(x => Told(new Activity(x.Users), Math.Min(x.Kept, x.Users))));
        Table(
            $"By arithmetic: a refresh, by default every {router.RefreshSeconds:0} s, whatever the number of users",
            "evidence kept | partitions | one EM step, processor time | 30 steps on 16 cores | messages | the singleton's own part, at the most | saved | a partition's record",
            learners.DistinctBy(x => (x.Kept, x.Partitions)).Select(x => Refresh(x.Kept, x.Partitions)));

        var limits = new (string What, double Users)[]
        {
            ($"one Redis with {RedisMemory / 1e9:0} GB for records of {user.Signals} signals", RedisMemory / user.Redis),
            ($"one Redis with {RedisMemory / 1e9:0} GB, every window full", RedisMemory / m.Stored[^1].Redis),
            ($"Redis' one main thread, {Utilisation:P0} busy", Utilisation / RedisBusy(new Activity(1))),
            ($"the singleton's own part of a refresh taking {Utilisation:P0} of its period, 1,024 partitions", double.PositiveInfinity),
            ($"100 silos of {SiloCores} cores, {Utilisation:P0} busy", 100 * SiloCores * Utilisation / (cpu * new Activity(1).Decisions)),
            ($"100 silos' memory, {SiloMemory / 1e9:0} GB each for users", 100 * SiloMemory / (ActiveUser * new Activity(1).InMemory(cluster.IdleMinutes))),
            ($"100 silos' network, {Nic / 1e9:0.00} GB/s each", 100 * Nic / (Bytes(100) * new Activity(1).Decisions)),
        };
        Table("By arithmetic: limits, the first one first", "limit | met at, users",
            limits.OrderBy(x => x.Users).Select(x => $"{x.What} | {(double.IsFinite(x.Users) ? Rounded(x.Users) : $"never: it grows with partitions, not users ({OwnSeconds(1_024):0.0} s of {router.RefreshSeconds:0})")}"));
        return text.ToString().TrimEnd();

        void Table(string title, string head, IEnumerable<string> rows)
        {
            text.Append("**").Append(title).AppendLine("**").AppendLine();
            text.Append("| ").Append(head).AppendLine(" |").Append('|').AppendLine(string.Concat(Enumerable.Repeat("---|", head.Count(c => c == '|') + 1)));
            foreach (var row in rows)
            {
                text.Append("| ").Append(row).AppendLine(" |");
            }

            text.AppendLine();
        }

        // The request is sent once more when the silo the client's call arrives at is not the user's; the answer goes straight back.
        double Messages(int n) => 2 + ((n - 1.0) / n);

        // The same with the bytes that were measured on one silo: what is above the request and the decision is headers, shared between two messages.
        double Bytes(int n)
        {
            var headers = (m.Runs[0].Bytes - request.Request - request.Decision) / 2;
            return m.Runs[0].Bytes + ((Messages(n) - 2) * (request.Request + headers));
        }

        double RedisBusy(Activity a) => (a.Feedback * m.Redis.WriteCpuSeconds) + (a.Activations * m.Redis.ReadCpuSeconds);

        double OwnSeconds(int partitions) => l.OwnSeconds / (l.Steps + OtherRounds) / l.Partitions * partitions * Rounds;

        // Whoever spoke, and whoever came back into memory: also a partition that lost its memory comes to know its users again.
        string Told(Activity a, double kept) =>
            $"{a.Users:N0} | {kept:N0} | {a.Feedback + a.Activations:N0} | {(a.Feedback + a.Activations) * (l.RowBytes + ReportTimeBytes) / 1e6:0.000} MB/s | {kept / (a.Feedback + a.Activations):N0} s | {kept * 1.25 * l.MemoryBytes / 1e9:0.00} GB";

        string Refresh(double kept, int partitions) =>
            $"{kept:N0} | {partitions:N0} | {0.8 * kept * l.ExpectCpuSeconds:0.00} s | {Passes * kept * l.ExpectCpuSeconds / 16:0.0} s | {2 * Rounds * partitions:N0}, {Rounds * partitions * (l.PriorBytes + l.AnswerBytes) / 1e6:0.0} MB | "
            + $"{OwnSeconds(partitions) * 1e3:N0} ms | {kept * l.RowBytes / 1e6:N0} MB | {kept * l.RowBytes / partitions / 1e6:0.0} MB";
    }

    /// <summary>The page with the tables between its marks replaced.</summary>
    public static string Into(string page, string report)
    {
        var (begin, end) = (page.IndexOf(Begin, StringComparison.Ordinal), page.IndexOf(End, StringComparison.Ordinal));
        return begin >= 0 && end > begin
            ? $"{page[..(begin + Begin.Length)]}\n{report}\n{page[end..]}"
            : throw new InvalidDataException($"The page has no marks to write between; put back the lines '{Begin}' and '{End}'.");
    }

    private static string Rounded(double users)
    {
        var unit = Math.Pow(10, Math.Floor(Math.Log10(users)) - 1);
        return $"{Math.Floor(users / unit) * unit:N0}";
    }
}
