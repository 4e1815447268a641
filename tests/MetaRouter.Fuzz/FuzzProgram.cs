using System.CommandLine;
using System.Globalization;
using MetaRouter.Fuzz.Targets;

namespace MetaRouter.Fuzz;

/// <summary>
/// Feeds damaged inputs to everything that reads what others wrote. Every input follows from seed, target and index; a run goes on where an earlier one of the same
/// report ended. Ends with 1 when something was found.
/// </summary>
internal static class FuzzProgram
{
    private const int Found = 1, Hung = 3;

    /// <summary>How an order for all is shared: readers of microseconds take most.</summary>
    internal static IReadOnlyList<(string Target, int Share, Func<Task<FuzzTarget>> Start)> Targets { get; } =
    [
        ("receipts", 3800, () => Of(new ReceiptTarget())),
        ("states", 4000, () => Of(new StateTarget())),
        ("catalogs", 1000, () => Of(new CatalogTarget())),
        ("data files", 790, () => Of(new DataTarget())),
        ("http", 400, async () => await HttpTarget.StartAsync()),
        ("answers", 2000, AnswerTarget.StartAsync),
        ("upstreams", 20, UpstreamTarget.StartAsync),
        ("snapshots", 10, () => Of(new SnapshotTarget())),
    ];

    public static Task<int> Main(string[] args)
    {
        var target = new Option<string>("--target") { Description = "One of " + string.Join(", ", Targets.Select(t => t.Target)) + ", or all.", DefaultValueFactory = _ => "all" };
        var inputs = new Option<long>("--inputs") { Description = "How many in all, those of earlier pieces in the report included.", DefaultValueFactory = _ => 100_000 };
        var seed = new Option<ulong>("--seed") { DefaultValueFactory = _ => 1 };
        var from = new Option<long?>("--from") { Description = "The first input's index; by default where the report ends." };
        var seconds = new Option<double>("--seconds") { Description = "Stop after so long; the next run goes on.", DefaultValueFactory = _ => 1e6 };
        var finds = new Option<string>("--finds") { Description = "Folder for what is found.", DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "metarouter-fuzz") };
        var report = new Option<string?>("--report") { Description = "FILE: pieces are kept in FILE.jsonl and their table in FILE.md." };
        var root = new RootCommand("Feeds damaged inputs to every reader.") { target, inputs, seed, from, seconds, finds, report };
        root.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(target)!, parsed.GetValue(inputs), parsed.GetValue(seed), parsed.GetValue(from), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(finds)!, parsed.GetValue(report)));
        return root.Parse(args).InvokeAsync();
    }

    private static async Task<int> RunAsync(string wanted, long inputs, ulong seed, long? from, TimeSpan time, string folder, string? report)
    {
        if (wanted != "all" && Targets.All(t => t.Target != wanted))
        {
            Console.Error.WriteLine($"There is no target '{wanted}'; name one of {string.Join(", ", Targets.Select(t => t.Target))}, or all.");
            return 2;
        }

        var until = DateTime.UtcNow + time;
        var run = new FuzzRun(folder);
        run.Found += problem => Console.Error.WriteLine($"FOUND {problem} (in {folder})");
        run.Hung += () => Environment.Exit(Hung);
        var finds = 0L;
        foreach (var (name, share, start) in Targets.Where(t => wanted == "all" || t.Target == wanted))
        {
            var first = from ?? (report is null ? 0 : FuzzReport.Read(report + ".jsonl").Where(p => p.Target == name && p.Seed == seed).Select(p => p.From + p.Inputs).DefaultIfEmpty().Max());
            var count = (wanted == "all" ? inputs * share / Targets.Sum(t => t.Share) : inputs) - (from is null ? first : 0);
            if (count <= 0 || DateTime.UtcNow >= until)
            {
                continue;
            }

            await using var target = await start();
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var piece = run.Run(target, seed, first, count, until);
            var after = GC.GetTotalMemory(forceFullCollection: true);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {piece.Inputs:n0} inputs from {first:n0}, {piece.Taken:n0} taken, {piece.Refused:n0} refused, {piece.Finds:n0} found, {piece.Inputs / piece.Seconds:n0}/s, slowest {piece.SlowestMs:0} ms, heap {before >> 20} to {after >> 20} MB"));
            finds += piece.Finds;
            if (report is not null)
            {
                FuzzReport.Append(report + ".jsonl", piece);
            }
        }

        if (report is not null)
        {
            var targets = new List<FuzzTarget>();
            foreach (var (_, _, start) in Targets)
            {
                targets.Add(await start());
            }

            await File.WriteAllTextAsync(report + ".md", FuzzReport.Table(FuzzReport.Read(report + ".jsonl"), targets));
            foreach (var target in targets)
            {
                await target.DisposeAsync();
            }
        }

        return finds > 0 ? Found : 0;
    }

    private static Task<FuzzTarget> Of(FuzzTarget target) => Task.FromResult(target);
}
